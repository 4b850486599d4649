"""What MLflow has to hold of a run, made from its journal alone: the same points and tags as delivery sends, whatever was sent so far."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from vreason_tracking.delivery.finalize import RunFinalizer
from vreason_tracking.delivery.mlflow_points import device_series, ended_ms, points_of, sample_tags
from vreason_tracking.journal import FinishedSample, RunFolder, SampleAssembly, asked_again, last_end, read_events
from vreason_tracking.records import NUMBER_TAG, EntropyCurve, RunSummary
from vreason_tracking.stores import Point
from vreason_tracking.telemetry import DeviceRecord


@dataclass(frozen=True)
class SampleContent:
    """The run of a sample: its points, tags and status."""

    finished: FinishedSample
    points: list[Point]
    tags: Mapping[str, str]
    status: str


@dataclass(frozen=True)
class VariantContent:
    """The variant's own run.

    Attributes:
        points: its series, and its summary where it is finished.
        status: of its last session.
        tags: those of its end.
    """

    points: list[Point]
    status: str
    tags: Mapping[str, str]


def sample_content(finished: FinishedSample) -> SampleContent:
    """What the run of one sample has to hold."""
    tags = {**sample_tags(finished.sample), NUMBER_TAG: f"{finished.number:07d}"}
    return SampleContent(finished, points_of(finished), tags, "FAILED" if finished.sample.error else "FINISHED")


class RecordedContent:
    """The content of `folder`, read sample by sample.

    Attributes:
        variant: what the variant's own run has to hold; there once `samples` has come to its end, None of a run that has not ended.
    """

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder
        self.variant: VariantContent | None = None

    def samples(self) -> Iterator[SampleContent]:
        """Every finished sample, in the order in which they ended.

        Raises:
            TrackingError: the journal cannot be read.
        """
        manifest, end = self.folder.manifest, last_end(self.folder)
        assembly, summary, curve = SampleAssembly(asked_again(self.folder)), RunSummary(), EntropyCurve()
        series: list[Point] = []
        for event in read_events(self.folder):
            for finished in assembly.feed([event]):
                summary.add(finished.sample)
                curve.add(finished.steps)
                series += [(name, value, ended_ms(finished), finished.number) for name, value in summary.live().items()]
                yield sample_content(finished)
            if isinstance(event, DeviceRecord):
                series += device_series(event, manifest.created_ms)
        if end is None:
            return
        asked = frozenset(manifest.sample_ids if end.status == "FINISHED" else ())
        missing = frozenset(assembly.incomplete) | (asked - assembly.done)
        closing = RunFinalizer(manifest, end, summary, curve, len(assembly.done), missing)
        self.variant = VariantContent(series + (closing.points() if end.status == "FINISHED" else []), end.status, closing.tags())
