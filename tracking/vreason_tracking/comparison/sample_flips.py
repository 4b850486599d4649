"""A run's samples as a list: which ones, and a row for each; beside a baseline, on which of them the two runs part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from vreason.errors import IncomparableRunsError, TrackingError
from vreason.events import SampleRecord
from vreason_tracking.catalog import RecordedRun, Run, recorded_runs
from vreason_tracking.comparison.comparability import Mismatch, unlike
from vreason_tracking.records import SampleTable, outcome_of, read_samples, record_file

STATUSES = ("right", "wrong", "failed")
FLIPS = ("won", "lost")
_COLUMNS = (
    "sample_id",
    "problem_type",
    "category",
    "answer",
    "prediction",
    "score",
    "error",
    "output_tokens",
    "generation_ms",
    "signatures",
    "benchmark",
)
_NAMED = 5  # ids that a refusal names


@dataclass(frozen=True)
class SampleFilter:
    """Which samples are asked for; what is empty asks for all.

    Attributes:
        statuses: some of `STATUSES`.
        flips: some of `FLIPS`; only beside a baseline, where empty asks for both.
        problem_types, categories, signatures: names; a sample has to have one of each.
    """

    statuses: Sequence[str] = ()
    flips: Sequence[str] = ()
    problem_types: Sequence[str] = ()
    categories: Sequence[str] = ()
    signatures: Sequence[str] = ()

    def takes(self, row: SampleRow) -> bool:
        """Whether the sample is one of those."""
        return (
            (not self.statuses or row.status in self.statuses)
            and (not self.flips or row.flip in self.flips)
            and (not self.problem_types or row.problem_type in self.problem_types)
            and (not self.categories or row.category in self.categories)
            and (not self.signatures or bool(set(self.signatures) & set(row.signatures)))
        )


@dataclass(frozen=True)
class SampleRow:
    """A sample in the list. The names are those of `samples --json`.

    Attributes:
        id: the sample's.
        benchmark, problem_type, category: names; "" where there is none.
        expected, predicted: answers; the latter None when none could be extracted.
        status: "right" (full marks), "wrong" (less) or "failed".
        score: 0 to 1; None when it failed.
        error: why it failed.
        output_tokens, latency_ms: of the reply; None when it failed.
        signatures: failure signatures found.
        baseline_predicted, baseline_score: of the baseline's reply; None without a baseline, and where it failed.
        flip: "won" (right here, wrong there) or "lost" (wrong here, right there); None without a baseline, and where the runs agree.
    """

    id: str
    benchmark: str
    problem_type: str
    category: str
    expected: str
    predicted: str | None
    status: str
    score: float | None
    error: str | None
    output_tokens: int | None
    latency_ms: float | None
    signatures: Sequence[str]
    baseline_predicted: str | None = None
    baseline_score: float | None = None
    flip: str | None = None


@dataclass(frozen=True)
class SampleList:
    """What was found.

    Attributes:
        rows: samples that fit, in the order in which they were answered.
        more: how many fit beyond the limit.
        samples: how many were looked at: all of the run's, beside a baseline those that both have.
        only_run, only_baseline: samples that the other one does not have.
        one_failed: samples that both have and that failed in at least one of the two: neither won nor lost.
        known: names that occur among those looked at: "problem types", "categories", "signatures".
        unlike: in what else the run and the baseline are not alike, so that a flip may not come from the method.
    """

    rows: Sequence[SampleRow]
    more: int
    samples: int
    only_run: int
    only_baseline: int
    one_failed: int
    known: Mapping[str, Sequence[str]]
    unlike: Sequence[Mismatch] = ()


def list_samples(run: Run, baseline: Run | None, wanted: SampleFilter, limit: int) -> SampleList:
    """The samples of a run that fit; beside a baseline only those that one of the two has right and the other wrong.

    Raises:
        TrackingError: a record cannot be read, or the baseline is the run itself.
        IncomparableRunsError: the runs ask different questions under the same id, or have no sample in common.
    """
    if baseline is None:
        with recorded_runs([run], steps=False) as [recorded]:
            read_samples(recorded.samples)  # refuses what is none, as `compare` does
            rows = [_row(values) for values in _rows(recorded)]
        return _listed(rows, [row for row in rows if wanted.takes(row)], limit)
    if set(run.ids) & set(baseline.ids):
        raise TrackingError(f"{run.shown_id} ({run.variant}) is its own baseline; name another run, `vreason-track runs list` shows them")
    with recorded_runs([run, baseline], steps=False) as [recorded, base]:
        tables = [read_samples(each.samples) for each in (recorded, base)]
        _require_same_questions((recorded.name, base.name), tables)
        found = _beside(_rows(recorded), {values["sample_id"]: values for values in _rows(base)}, wanted, limit)
        return replace(found, unlike=unlike([recorded, base], tables))


def _beside(own: Sequence[Mapping[str, Any]], base: Mapping[str, Mapping[str, Any]], wanted: SampleFilter, limit: int) -> SampleList:
    rows = [_row(values, base[values["sample_id"]]) for values in own if values["sample_id"] in base]
    failed = sum(row.score is None or row.baseline_score is None for row in rows)
    found = [row for row in rows if row.flip is not None and wanted.takes(row)]
    return _listed(rows, found, limit, (len(own) - len(rows), len(base) - len(rows), failed))


def _listed(rows: Sequence[SampleRow], found: Sequence[SampleRow], limit: int, apart: tuple[int, int, int] = (0, 0, 0)) -> SampleList:
    known = {
        "problem types": sorted({row.problem_type for row in rows} - {""}),
        "categories": sorted({row.category for row in rows} - {""}),
        "signatures": sorted({name for row in rows for name in row.signatures}),
    }
    return SampleList(found[:limit], max(0, len(found) - limit), len(rows), *apart, known)


def _rows(run: RecordedRun) -> list[dict[str, Any]]:
    """Rows of the record, without the long texts."""
    with record_file(run.samples, SampleRecord, "samples") as file:
        rows: list[dict[str, Any]] = file.read(_COLUMNS).to_pylist()
    return rows


def _row(values: Mapping[str, Any], base: Mapping[str, Any] | None = None) -> SampleRow:
    score = values["score"]
    return SampleRow(
        id=values["sample_id"],
        benchmark=values.get("benchmark") or "",
        problem_type=values.get("problem_type") or "",
        category=values.get("category") or "",
        expected=values.get("answer") or "",
        predicted=values.get("prediction"),
        status=_status(score),
        score=score,
        error=values.get("error"),
        output_tokens=None if score is None else values.get("output_tokens"),
        latency_ms=None if score is None else values.get("generation_ms"),
        signatures=values.get("signatures") or (),
        baseline_predicted=base.get("prediction") if base else None,
        baseline_score=base["score"] if base else None,
        flip=_flip(_status(score), _status(base["score"])) if base else None,
    )


def _status(score: float | None) -> str:
    """Here some marks are not full marks: of a flip one side is right and the other is not."""
    made = outcome_of(score)
    return "wrong" if made == "partly" else made


def _flip(own: str, base: str) -> str | None:
    return {("right", "wrong"): "won", ("wrong", "right"): "lost"}.get((own, base))


def _require_same_questions(names: tuple[str, str], tables: Sequence[SampleTable]) -> None:
    """Two answers to different questions do not differ because of the method."""
    digests = [dict(zip(table.ids, table.question_digests, strict=True)) for table in tables]
    both = sorted(digests[0].keys() & digests[1].keys())
    if not both:
        raise IncomparableRunsError(f"{names[0]} and {names[1]} have no sample in common; name runs of the same data")
    if other := [name for name in both if digests[0][name] != digests[1][name]]:
        listed = ", ".join(other[:_NAMED]) + (f" and {len(other) - _NAMED:,} more" if len(other) > _NAMED else "")
        what = "do not ask the same under the same id (video, question, options, kind or answer differ)"
        raise IncomparableRunsError(f"{names[0]} and {names[1]} {what}: {listed}; name runs of the same data")
