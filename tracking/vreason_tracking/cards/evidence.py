"""What a card rests on: figures recomputed from the raw samples, and where each comes from. Nothing that was not recorded.

The same record gives the same evidence, byte for byte: no time of day, no order but the record's own.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from vreason import __version__
from vreason_tracking.audit import FILE, AuditDatabase, AuditLog, Filter, leaf_hash, local_uri
from vreason_tracking.cards.method_card import Setting, controller_of, decoding_of
from vreason_tracking.catalog import SAMPLES, RecordedRun, iso
from vreason_tracking.comparison import Comparison, figure_rows, side_by_side, verdicts
from vreason_tracking.records import GIT_COMMIT_TAG, IDENTITY_PREFIX, MODEL_REVISION_TAG

FORMAT = "vreason-card/1"
_AUDITED = ("run.started", "run.resumed", "run.finished", "run.reaped", "points.delivered", "artifact.stored")


@dataclass(frozen=True)
class Figure:
    """One number of a card.

    Attributes:
        run: the variant's name in the card.
        run_id: of its run.
        grouping, group: the questions it is of: "all", "benchmark", ...
        metric, statistic, unit, how: what it is.
        value, low, high: the number and its 95 % interval; None where there is none.
        n, clusters: questions and videos that it rests on.
    """

    run: str
    run_id: str
    grouping: str
    group: str
    metric: str
    statistic: str
    unit: str
    how: str | None
    value: float | None
    low: float | None
    high: float | None
    n: int | None
    clusters: int | None

    @property
    def name(self) -> str:
        """What it is called in a message."""
        return f"{self.metric} ({self.statistic}) of {self.run}, {self.group}"


@dataclass(frozen=True)
class AuditPosition:
    """An entry of the journal's audit trail about a run."""

    index: int
    action: str
    time: str
    leaf: str


@dataclass(frozen=True)
class RunFacts:
    """A run that a card rests on.

    Attributes:
        name, run_id, journal_id, variant, config, status, started: of the run.
        asked, answered, failed: questions.
        files: SHA-256 by file: the samples, which all figures are computed from.
        settings: of the method; empty for the model as it is.
        decoding: prompt, frames and decoding.
        model: what is said of the base model.
        provenance: tags of the run: commit, versions, machine, digests.
        identity: digests of what the result depends on.
        audit: entries about it, oldest first; empty where no trail was found.
    """

    name: str
    run_id: str
    journal_id: str | None
    variant: str
    config: str
    status: str
    started: str
    asked: int | None
    answered: int
    failed: int
    files: Mapping[str, str]
    settings: Sequence[Setting]
    decoding: Sequence[tuple[str, str]]
    model: Mapping[str, str]
    provenance: Mapping[str, str]
    identity: Mapping[str, str]
    audit: Sequence[AuditPosition]


@dataclass(frozen=True)
class Evidence:
    """Everything that a card says.

    Attributes:
        title: of the card.
        runs: the baseline among them; figures are in their order.
        baseline: its name; None for a single run.
        scoring: the profile by which replies were scored.
        questions, videos: that all runs were asked.
        warnings: what a reader must know first.
        verdicts: a sentence a run, against the baseline.
        figures: every number.
        missing: what a card should say, and the record does not have.
        version: of the program that computed it.
    """

    title: str
    runs: Sequence[RunFacts]
    baseline: str | None
    scoring: str
    questions: int
    videos: int
    warnings: Sequence[str]
    verdicts: Sequence[str]
    figures: Sequence[Figure]
    missing: Sequence[str]
    version: str = __version__

    def to_json(self) -> str:
        """One JSON document, the same for the same record; a line a figure, for there are many."""
        whole = {"format": FORMAT, **asdict(replace(self, figures=()))}
        del whole["figures"]
        text = json.dumps(whole, indent=1, ensure_ascii=False, allow_nan=False).removesuffix("\n}")
        lines = ",\n  ".join(json.dumps(vars(each), ensure_ascii=False, allow_nan=False) for each in self.figures)
        return f'{text},\n "figures": [\n  {lines}\n ]\n}}\n'

    def figures_of(self, run: str, grouping: str, metric: str, statistic: str) -> Sequence[Figure]:
        """The figures of a run, of every group of a grouping, in the record's order."""
        return self._by_name.get((run, grouping, metric, statistic), ())

    def figure(self, run: str, metric: str, statistic: str) -> Figure | None:
        """A figure of all questions; None where the record has none."""
        return next((each for each in self.figures_of(run, "all", metric, statistic) if each.value is not None), None)

    @cached_property
    def _by_name(self) -> dict[tuple[str, str, str, str], list[Figure]]:
        found: dict[tuple[str, str, str, str], list[Figure]] = {}
        for each in self.figures:
            found.setdefault((each.run, each.grouping, each.metric, each.statistic), []).append(each)
        return found


def gather(runs: Sequence[RecordedRun], title: str, journal: Path, baseline: str | None = None, *, force: bool = False) -> Evidence:
    """The evidence of a card.

    Args:
        runs: with their files.
        title: of the card.
        journal: whose audit trail has entries about the runs.
        baseline: name or id of the run that the others are compared with; None takes the one without a method.
        force: compare unlike runs, with a warning.

    Raises:
        IncomparableRunsError: the runs are not alike.
        TrackingError: a record cannot be read.
    """
    comparison = side_by_side(runs, baseline, force)
    found = [_run(comparison, index, journal) for index in range(len(runs))]
    return Evidence(
        title=title,
        runs=found,
        baseline=comparison.names[comparison.baseline] if len(runs) > 1 else None,
        scoring=comparison.scoring,
        questions=len(comparison.frame.ids),
        videos=comparison.frame.videos,
        warnings=list(comparison.warnings),
        verdicts=list(verdicts(comparison)),
        figures=list(_figures(comparison)),
        missing=list(_missing(found, comparison)),
    )


def _figures(comparison: Comparison) -> Iterator[Figure]:
    names = [each.name for each in fields(Figure)]
    for row in figure_rows(comparison):
        told: dict[str, Any] = {name: row.get(name) for name in names}
        yield Figure(**{**told, "unit": told["unit"] or ""})


def _run(comparison: Comparison, index: int, journal: Path) -> RunFacts:
    run, whole = comparison.runs[index], comparison.completeness[index]
    return RunFacts(
        name=run.name,
        run_id=run.run_id,
        journal_id=run.journal_id,
        variant=run.variant,
        config=run.config,
        status=run.status,
        started=iso(run.started_ms),
        asked=run.expected_samples,
        answered=comparison.groups[0].results[index].accuracy.answered,
        failed=whole.failed,
        files={SAMPLES: _sha256(run.samples)},
        settings=controller_of(run.params),
        decoding=decoding_of(run.params),
        model={name.removeprefix("model."): str(value) for name, value in run.params.items() if name.startswith("model.")},
        provenance={name: value for name, value in run.tags.items() if not name.startswith(IDENTITY_PREFIX)},
        identity=dict(run.identity),
        audit=_positions(run, journal),
    )


def _positions(run: RecordedRun, journal: Path) -> list[AuditPosition]:
    path = (journal / FILE).absolute()
    if run.journal_id is None or not path.is_file():
        return []
    log = AuditLog(AuditDatabase(local_uri(path)))
    entries = [entry for entry in log.entries(Filter(subject=f"run:{run.journal_id}")) if entry.action in _AUDITED]
    return [AuditPosition(each.index, each.action, each.time, leaf_hash(each.to_bytes()).hex()) for each in entries]


def _missing(runs: Sequence[RunFacts], comparison: Comparison) -> Iterator[str]:
    """What a reader would look for, and does not find; in words."""
    if len(runs) == 1:
        yield "a baseline on the same questions: there is one run, so nothing is said of what the method gains"
    for run, result in zip(runs, comparison.groups[0].results, strict=True):
        if not run.audit:
            yield f"{run.name}: entries of an audit trail; none was found beside the journal"
        if not run.provenance.get(GIT_COMMIT_TAG):
            yield f"{run.name}: the commit of the code that was run"
        if not run.provenance.get(MODEL_REVISION_TAG):
            yield f"{run.name}: the revision of the base model's weights"
        if result.memory.peak_bytes is None:
            yield f"{run.name}: peak memory"
    yield "energy: power is recorded as a series, on GPUs only, and no sum of it is kept"


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(2**20):
            digest.update(block)
    return digest.hexdigest()
