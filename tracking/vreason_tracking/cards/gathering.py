"""Gathers a card's evidence: figures recomputed from the raw samples, and what the record and its audit trail say of the runs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from vreason_tracking.audit import FILE, AuditDatabase, AuditLog, Filter, leaf_hash, local_uri
from vreason_tracking.cards.entropy_curve import Curve, curve_of
from vreason_tracking.cards.evidence import AuditPosition, Evidence, Figure, RunFacts, VersionFacts
from vreason_tracking.cards.method_card import controller_of, decoding_of
from vreason_tracking.cards.plain_text import one_line
from vreason_tracking.catalog import SAMPLES, RecordedRun, iso
from vreason_tracking.comparison import Comparison, figure_rows, protocol_departures, side_by_side, verdicts
from vreason_tracking.records import (
    CONFIG_NAME_TAG,
    CROISSANT_TAG,
    DATA_DIGEST_TAG,
    DEVICE_TAG,
    DTYPE_TAG,
    GIT_COMMIT_TAG,
    GIT_PREFIX,
    HOST_TAG,
    MODEL_REVISION_TAG,
    PLATFORM_TAG,
    PLUGINS_TAG,
    SCHEDULE_TAG,
    SCORING_TAG,
    SEED_TAG,
    SOURCE_TAG,
    USER_TAG,
    VERSION_PREFIX,
    read_steps,
)

_PROVENANCE = frozenset(
    (
        *(CONFIG_NAME_TAG, CROISSANT_TAG, DATA_DIGEST_TAG, DEVICE_TAG, DTYPE_TAG, HOST_TAG, MODEL_REVISION_TAG, PLATFORM_TAG),
        *(PLUGINS_TAG, SCHEDULE_TAG, SCORING_TAG, SEED_TAG, SOURCE_TAG, USER_TAG),
    )
)
"""Tags that say with what a run was made; whatever else somebody has written beside it is no part of the card."""
_AUDITED = ("run.started", "run.resumed", "run.finished", "run.reaped", "points.delivered", "artifact.stored")


def gather(
    runs: Sequence[RecordedRun],
    title: str,
    journal: Path,
    baseline: str | None = None,
    *,
    model: VersionFacts | None = None,
    force: bool = False,
) -> Evidence:
    """The evidence of a card.

    Args:
        runs: with their files; without those of steps there are no curves.
        title: of the card.
        journal: whose audit trail has entries about the runs.
        baseline: name or id of the run that the others are compared with; None takes the one without a method.
        model: the registered version that the card is of.
        force: compare unlike runs, with a warning.

    Raises:
        IncomparableRunsError: the runs are not alike.
        TrackingError: a record cannot be read.
    """
    comparison = side_by_side(runs, baseline, force)
    found = [_run(comparison, index, journal) for index in range(len(runs))]
    return Evidence(
        title=one_line(title) or found[0].name,
        model=model,
        runs=found,
        baseline=comparison.names[comparison.baseline] if len(runs) > 1 else None,
        scoring=comparison.scoring,
        questions=len(comparison.frame.ids),
        videos=comparison.frame.videos,
        warnings=list(comparison.warnings),
        verdicts=list(verdicts(comparison)),
        curves=list(_curves(comparison)),
        figures=list(_figures(comparison)),
        missing=list(_missing(found, comparison)),
    )


def _figures(comparison: Comparison) -> Iterator[Figure]:
    names = [each.name for each in fields(Figure)]
    for row in figure_rows(comparison):
        told: dict[str, Any] = {name: row.get(name) for name in names}
        yield Figure(**{**told, "unit": told["unit"] or ""})


def _curves(comparison: Comparison) -> Iterator[Curve]:
    """Of the samples that all runs were asked; of runs whose steps are at hand."""
    present = [run for run in comparison.runs if run.steps.is_file()]
    for run, steps in zip(present, read_steps([run.steps for run in present], comparison.frame.ids, ()), strict=True):
        if len(steps.curve.count):
            yield curve_of(run.name, steps.curve)


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
        provenance={
            name: value for name, value in run.tags.items() if name in _PROVENANCE or name.startswith((GIT_PREFIX, VERSION_PREFIX))
        },
        identity=dict(run.identity),
        departures=protocol_departures(run.params),
        audit=_positions(run, journal),
    )


def _positions(run: RecordedRun, journal: Path) -> list[AuditPosition]:
    path = (journal / FILE).absolute()
    if run.journal_id is None or not path.is_file():
        return []
    log = AuditLog(AuditDatabase(local_uri(path)))
    entries = [entry for entry in log.entries(Filter(subject=f"run:{run.journal_id}")) if entry.action in _AUDITED]
    return [AuditPosition(each.index, each.action, each.time, leaf_hash(each.to_bytes()).hex()) for each in entries]


def no_trail(run: str) -> str:
    """What a card says of a run about which no audit trail was found."""
    return f"{run}: entries of an audit trail; none was found beside the journal"


def _missing(runs: Sequence[RunFacts], comparison: Comparison) -> Iterator[str]:
    """What a reader would look for, and does not find; in words."""
    if len(runs) == 1:
        yield "a baseline on the same questions: there is one run, so nothing is said of what the method gains"
    for run, result in zip(runs, comparison.groups[0].results, strict=True):
        if not run.audit:
            yield no_trail(run.name)
        if not run.provenance.get(GIT_COMMIT_TAG):
            yield f"{run.name}: the commit of the code that was run"
        if not run.provenance.get(MODEL_REVISION_TAG):
            yield f"{run.name}: the revision of the base model's weights"
        if result.memory.peak_bytes is None:
            yield f"{run.name}: peak memory"
        if result.energy.total_joules is None:
            yield f"{run.name}: energy; only GPUs whose driver counts it have it"
        if not run.provenance.get(CROISSANT_TAG):
            yield f"{run.name}: a Croissant description of its data; none lay beside the data file"
    with_steps = {run.name for run in comparison.runs if run.steps.is_file()}
    yield from (f"{run.name}: entropy along the reply; its steps are not at hand" for run in runs if run.name not in with_steps)


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(2**20):
            digest.update(block)
    return digest.hexdigest()
