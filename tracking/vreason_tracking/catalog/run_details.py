"""Everything about one run, from whichever side knows it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vreason_tracking.catalog.index import CatalogIndex
from vreason_tracking.catalog.local_run import LocalRun, translate_os_errors
from vreason_tracking.catalog.run import Run
from vreason_tracking.catalog.run_list import RunRow, iso, row_of
from vreason_tracking.catalog.stored_run import StoredRun
from vreason_tracking.journal import SessionEnded, SessionStarted, journal_folder, read_only, verify
from vreason_tracking.records import CALL_TAG, ERROR_TAG, MLFLOW_PREFIX, OWN_PREFIX, RunSummary, metric_names
from vreason_tracking.stores import redact_password

_BOOKKEEPING = (MLFLOW_PREFIX, OWN_PREFIX)  # tags that the journal does not keep


@dataclass(frozen=True)
class Session:
    """One process's work on a run. Times are UTC, ISO 8601. What tells of its end is None while it is under way, or where it died without
    a word.
    """

    session: int
    pid: int
    user: str
    host: str
    started: str
    ended: str | None
    status: str | None
    error: str | None
    notes: Sequence[str]


@dataclass(frozen=True)
class Sibling:
    """A variant of the same call of `run`."""

    id: str
    variant: str
    status: str


@dataclass(frozen=True)
class Delivery:
    """How much of a run MLflow has.

    Attributes:
        recorded, delivered, waiting: metric points.
        rejected: why the store refuses the rest.
        uri: where it was delivered to, or is to be.
        mode: "online" or "offline".
        deliverer: the process that delivers it now.
    """

    recorded: int
    delivered: int
    waiting: int
    rejected: str | None
    uri: str
    mode: str
    deliverer: str | None


@dataclass(frozen=True)
class RunDetails:
    """A run. The names are those of `runs show --json`.

    Attributes:
        run: its row in the list.
        error: what ended it early.
        holder: the process that runs it now.
        unclosed: its process died abruptly, and nobody has closed the run yet.
        call_id: shared by the variants of one call of `run`.
        siblings: those variants, this one among them, in the order of the config.
        identity: digests by part, "run" for the whole.
        params: every resolved setting.
        tags: provenance: commit, versions, machine, digests.
        sessions: of the journal; empty where that is elsewhere.
        samples: how many were answered, and failed; None where nobody says.
        summary: summary metrics of a finished run.
        so_far: figures of a run that is not finished.
        delivery: None where the journal is elsewhere.
        journal: the run's folder; None where it is elsewhere.
        bytes_on_disk: the folder's size.
        damages: what is damaged in the journal; empty where nothing is, or where it is elsewhere.
        resume: what to type to continue it; None where it is finished, under way, or begun elsewhere.
    """

    run: RunRow
    error: str | None
    holder: str | None
    unclosed: bool
    call_id: str | None
    siblings: Sequence[Sibling]
    identity: Mapping[str, str]
    params: Mapping[str, Any]
    tags: Mapping[str, str]
    sessions: Sequence[Session]
    samples: Mapping[str, int | None]
    summary: Mapping[str, float]
    so_far: Mapping[str, float]
    delivery: Delivery | None
    journal: str | None
    bytes_on_disk: int | None
    damages: Sequence[str]
    resume: Sequence[str] | None


def details_of(run: Run, index: CatalogIndex) -> RunDetails:
    """All that is known of it: from the journal where it is there, else from the store.

    Args:
        run: the run.
        index: where it was found, for the variants of the same call.

    Raises:
        TrackingError: a side that is needed cannot be read.
    """
    return _from_journal(run, run.local, index) if run.local else _from_store(run, index)


def _from_journal(run: Run, local: LocalRun, index: CatalogIndex) -> RunDetails:
    summary = RunSummary.of(closed.sample for closed in local.samples)
    finished = run.status == "FINISHED"
    manifest, marks = local.manifest, local.marks
    return RunDetails(
        run=row_of(run),
        error=local.end.error if local.end and local.holder is None else None,
        holder=local.holder,
        unclosed=local.unclosed,
        call_id=manifest.call_id,
        siblings=_siblings(Run(each, None, None) for each in index.journal if each.manifest.call_id == manifest.call_id),
        identity=dict(manifest.identity),
        params=dict(manifest.params),
        tags=dict(manifest.tags),
        sessions=sessions_of(local),
        samples={"asked": local.expected_samples, "answered": summary.answered, "failed": summary.failed},
        summary=summary.metrics() if finished else {},
        so_far={} if finished else summary.live(),
        delivery=Delivery(
            local.recorded,
            local.delivered,
            local.waiting,
            marks.rejected,
            marks.uri or manifest.tracking_uri,
            manifest.mode,
            local.deliverer,
        ),
        journal=str(local.folder.path),
        bytes_on_disk=local.bytes_on_disk,
        damages=damages_of(local),
        resume=None if finished or local.holder is not None else _resume(local, index.root),
    )


def _from_store(run: Run, index: CatalogIndex) -> RunDetails:
    stored = run.stored
    assert stored is not None
    metrics = stored.metrics
    summary = {name: value for name, value in metrics.items() if metric_names.group_of(name) not in metric_names.SERIES_GROUPS}
    live = {name: value for name, value in metrics.items() if metric_names.group_of(name) == metric_names.LIVE_GROUP}
    finished = run.status == "FINISHED"
    call = stored.tags.get(CALL_TAG)
    siblings = [each for each in index.runs if call and each.stored and each.stored.tags.get(CALL_TAG) == call]
    return RunDetails(
        run=row_of(run),
        error=stored.tags.get(ERROR_TAG),
        holder=None,
        unclosed=False,
        call_id=call,
        siblings=_siblings(siblings or [run]),
        identity=run.identity,
        params=dict(stored.run.data.params),
        tags=_provenance(stored),
        sessions=(),
        samples={
            "asked": stored.expected_samples,
            "answered": _count(metrics, metric_names.ANSWERED),
            "failed": _count(metrics, metric_names.FAILED),
        },
        summary=summary if finished else {},
        so_far={} if finished else live,
        delivery=None,
        journal=None,
        bytes_on_disk=None,
        damages=(),
        resume=None,
    )


def sessions_of(local: LocalRun) -> list[Session]:
    """Who ran it, when, and how that ended.

    Raises:
        TrackingError: the journal cannot be read.
    """
    begins: dict[int, SessionStarted] = {}
    ends: dict[int, SessionEnded] = {}
    with translate_os_errors(local.folder.path):
        for event in read_only(local.folder, "begin", "end"):
            if isinstance(event, SessionStarted):
                begins[event.session] = event
            elif isinstance(event, SessionEnded):
                ends[event.session] = event
    return [_session(begin, ends.get(number)) for number, begin in sorted(begins.items())]


def damages_of(local: LocalRun) -> list[str]:
    """What is not as it was written. Reads everything.

    Raises:
        TrackingError: the journal cannot be read.
    """
    with translate_os_errors(local.folder.path):
        return [str(damage) for damage in verify(local.folder).damages]


def _session(begin: SessionStarted, end: SessionEnded | None) -> Session:
    ended, status, error, notes = (iso(end.ended_ms), end.status, end.error, end.notes) if end else (None, None, None, ())
    return Session(begin.session, begin.pid, begin.user, begin.host, iso(begin.started_ms), ended, status, error, notes)


def _siblings(runs: Iterable[Run]) -> list[Sibling]:
    ordered = sorted(runs, key=lambda run: (run.local.manifest.call_position if run.local else 0, run.started_ms))
    return [Sibling(run.shown_id, run.variant, run.status) for run in ordered]


def _resume(local: LocalRun, root: Path) -> list[str]:
    """What continues the run, from any folder that has the same journal."""
    present = [] if root == journal_folder(None) else ["--journal", str(root)]
    return ["vreason-track", "run", "--resume", local.run_id, *present]


def _provenance(stored: StoredRun) -> dict[str, str]:
    """What the journal keeps as tags; MLflow's own, and those that delivery adds, are left out."""
    return {name: redact_password(value) for name, value in stored.tags.items() if not name.startswith(_BOOKKEEPING) and name != ERROR_TAG}


def _count(metrics: Mapping[str, float], name: str) -> int | None:
    return int(metrics[name]) if name in metrics else None
