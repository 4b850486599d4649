"""Reads what the pages of some samples hold out of every run's record."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from vreason.errors import TrackingError
from vreason.events import SampleRecord
from vreason.prompts import option_letter
from vreason_tracking.catalog import RecordedRun
from vreason_tracking.comparison.comparison import Comparison
from vreason_tracking.comparison.sample_pages.page import SHOWN, Reply, SamplePage
from vreason_tracking.comparison.sample_pages.reply_curve import reply_curve, scale_of
from vreason_tracking.comparison.sample_pages.thumbnails import Thumbnails
from vreason_tracking.comparison.sample_pages.token_spans import token_spans
from vreason_tracking.records import RunSteps, record_file

_COLUMNS = (
    "sample_id",
    "question",
    "options",
    "answer",
    "problem_type",
    "category",
    "video",
    "output",
    "prediction",
    "score",
    "error",
    "output_tokens",
    "generation_ms",
    "signatures",
    "video_seconds",
    "frames",
    "token_ends",
)
Row = Mapping[str, Any]
Steps = Mapping[str, Sequence[Any]]


def read_pages(comparison: Comparison, sample_ids: Sequence[str], steps: Sequence[RunSteps], thumbnails: int = 8) -> list[SamplePage]:
    """The pages of some compared samples, in this order.

    Args:
        comparison: its runs' files must still be there.
        sample_ids: some of `comparison.frame.ids`.
        steps: one a run, with the steps of these samples; a sample without steps has no curve.
        thumbnails: pictures of each clip at most; 0 reads no clip.

    Raises:
        TrackingError: a record cannot be read, or has no such sample.
    """
    rows = [_rows(run, sample_ids) for run in comparison.runs]
    pictures = Thumbnails(thumbnails)
    benchmarks = _benchmarks(comparison, sample_ids)
    pages = []
    for name in sample_ids:
        runs = shown_runs([row[name]["score"] for row in rows], comparison.baseline)
        told = [(comparison.runs[run], rows[run][name], steps[run].samples.get(name, {})) for run in runs]
        excluded = [each for index, each in enumerate(comparison.names) if index not in runs]
        pages.append(_page(told, excluded, benchmarks[name], pictures))
    return pages


def shown_runs(scores: Sequence[float | None], baseline: int) -> list[int]:
    """Which runs' replies are shown: the baseline's, then those that did otherwise than it, then the others; in their order."""
    alike = [index for index, score in enumerate(scores) if index != baseline and score == scores[baseline]]
    unlike = [index for index, score in enumerate(scores) if score != scores[baseline]]
    return sorted([baseline, *unlike, *alike][:SHOWN])


def _rows(run: RecordedRun, wanted: Collection[str]) -> dict[str, Row]:
    """A run's rows of the samples wanted, by id; of the others only the id is read."""
    found: dict[str, Row] = {}
    values = pa.array(sorted(wanted), pa.string())
    with record_file(run.samples, SampleRecord, "samples") as file:
        for number in range(file.row_groups):
            kept = pc.is_in(file.read_group(number, ["sample_id"]).column("sample_id"), values)
            if pc.any(kept).as_py():
                rows = file.read_group(number, _COLUMNS).filter(kept).to_pylist()
                found.update((row["sample_id"], row) for row in rows)
    if missing := sorted(set(wanted) - set(found)):
        raise TrackingError(f"{run.name} ({run.run_id}): its record has no sample {missing[0]!r}; name samples that all runs have")
    return found


def _benchmarks(comparison: Comparison, wanted: Collection[str]) -> dict[str, str]:
    """The benchmark of each sample: the first group that has it, for halves of a benchmark follow the whole."""
    frame = comparison.frame
    groups = [group for group in frame.groups if group.grouping == "benchmark"]
    places = {name: index for index, name in enumerate(frame.ids)}
    return {name: next((group.name for group in groups if name in places and group.members[places[name]]), "") for name in wanted}


def _page(told: Sequence[tuple[RecordedRun, Row, Steps]], excluded: Sequence[str], benchmark: str, pictures: Thumbnails) -> SamplePage:
    rows = [row for _, row, _ in told]
    requested = rows[0]
    last, nats = scale_of([steps for *_, steps in told])
    frames, note = pictures.of([row["video"] or "" for row in rows], [row.get("frames") or 0 for row in rows])
    return SamplePage(
        sample_id=requested["sample_id"],
        question=requested["question"] or "",
        options=[f"{option_letter(index)}. {option}" for index, option in enumerate(requested["options"] or ())],
        answer=requested["answer"] or "",
        problem_type=requested["problem_type"] or "",
        category=requested["category"] or "",
        benchmark=benchmark,
        video=Path(requested["video"] or "").name,
        seconds=next((row["video_seconds"] for row in rows if row.get("video_seconds") is not None), None),
        frames=frames,
        frames_note=note,
        replies=[_reply(run, row, each, reply_curve(each, last, nats)) for run, row, each in told],
        excluded=excluded,
    )


def _reply(run: RecordedRun, row: Row, steps: Steps, curve: str) -> Reply:
    failed = row["score"] is None
    output = row["output"] or ""
    return Reply(
        run=run.name,
        run_id=run.run_id,
        score=row["score"],
        prediction=row["prediction"],
        error=(row["error"] or "no reason recorded") if failed else None,
        output=output,
        tokens=token_spans(output, row.get("token_ends") or (), steps),
        output_tokens=None if failed else row["output_tokens"],
        latency_ms=row["generation_ms"],
        curve_svg=curve,
        signatures=row["signatures"] or (),
    )
