"""Every step of one sample: from the journal where it is there, also of a sample that never ended; else from the run's steps.parquet."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from vreason.errors import TrackingError
from vreason.events import SampleRecord, StepRecord
from vreason_tracking.catalog.local_run import LocalRun, translate_os_errors
from vreason_tracking.catalog.run import Run
from vreason_tracking.catalog.stored_run import StoredRun
from vreason_tracking.journal import Event, Fragment, RunFolder, SampleEntry, SessionStarted, read_fragment
from vreason_tracking.records import HOST_TAG, column_names, make_record, record_file
from vreason_tracking.stores import ArtifactMissingError, fetch_artifact

STEPS_FILE = "steps.parquet"


@dataclass(frozen=True)
class SampleSteps:
    """The steps of a sample.

    Attributes:
        sample_id: the sample.
        steps: in order; those that are intact.
        sample: its record; None where it never ended, or came from the table.
        ended: whether the sample came to its end.
        source: "journal" or "store".
        note: what a reader must know: that it never ended, or that steps are missing.
    """

    sample_id: str
    steps: Sequence[StepRecord]
    sample: SampleRecord | None
    ended: bool
    source: str
    note: str | None = None


def steps_of(run: Run, sample_id: str) -> SampleSteps:
    """The steps of a sample of the run.

    Raises:
        TrackingError: it has no such sample, or they cannot be read.
    """
    if run.local is not None:
        found = journal_steps(run.local, sample_id)
        if found is None:
            raise TrackingError(unknown_sample(run.local.run_id, sample_id, [closed.sample.sample_id for closed in run.local.samples]))
        return found
    assert run.stored is not None, "a run is known from one side at least"
    return _stored_steps(run.stored, sample_id)


def journal_steps(local: LocalRun, sample_id: str) -> SampleSteps | None:
    """From the journal, its unfinished end included; None when it has nothing of this sample.

    Raises:
        TrackingError: it cannot be read.
    """
    found = _SampleSelection()
    with translate_os_errors(local.folder.path):
        for event in _events(local.folder, sample_id):
            found.take(event, sample_id)
    if found.closed is None and not found.steps and not found.abandoned:
        return None
    if found.closed is None:
        return SampleSteps(sample_id, found.steps or found.abandoned, None, False, "journal", _unfinished(local, bool(found.steps)))
    lost = found.closed.output_tokens - len(found.steps) if found.closed.error is None else 0
    note = f"{lost} of {found.closed.output_tokens} steps are damaged or missing: `vreason-track journal verify` names them"
    return SampleSteps(sample_id, found.steps, found.closed, True, "journal", note if lost > 0 else None)


class _SampleSelection:
    """What the sessions of a run have of one sample.

    Attributes:
        steps: of the newest attempt.
        abandoned: of the attempt before, of a session that died.
        closed: the sample's record; None while it has none.
    """

    def __init__(self) -> None:
        self.steps: list[StepRecord] = []
        self.abandoned: list[StepRecord] = []
        self.closed: SampleRecord | None = None
        self._over = False

    def take(self, event: Event, sample_id: str) -> None:
        """Bring up to date with one event."""
        if isinstance(event, SessionStarted):
            if self.steps and not self._over:
                self.abandoned, self.steps = self.steps, []
        elif isinstance(event, StepRecord) and event.sample_id == sample_id:
            if event.token_index == 0 or self._over:
                self.steps, self._over = [], False
            self.steps.append(event)
        elif isinstance(event, SampleEntry) and event.sample.sample_id == sample_id:
            self.closed, self._over = event.sample, True


def _events(folder: RunFolder, sample_id: str) -> Iterator[Event]:
    """The events of every fragment that names the sample, those that were never closed last."""
    name = json.dumps(sample_id, ensure_ascii=False).encode("utf-8", "surrogatepass")
    unclosed = folder.fragments(opened=True)  # looked for first: a run under way closes them meanwhile
    for _, path in folder.fragments():
        data = path.read_bytes()
        if name in data or b'["begin"' in data:
            yield from read_fragment(path).events
    for number, path in unclosed:
        yield from _unclosed(folder.fragment(number), path).events


def _unclosed(closed: Path, path: Path) -> Fragment:
    """A fragment that nobody has closed; nothing of one that was closed before, or meanwhile."""
    if closed.exists() or not path.exists():
        return Fragment(path.name)
    return read_fragment(path)


def _unfinished(local: LocalRun, newest: bool) -> str:
    if local.holder is not None and newest:
        return f"the sample has not ended: {local.holder} is at work on it"
    how = f"its session ended {local.end.status}" if local.end is not None and newest else "its process is gone"
    return f"the sample never ended: {how}. These are the steps up to then; a run that is continued asks the sample again, from its start"


def unknown_sample(run_id: str, sample_id: str, known: Sequence[str]) -> str:
    """The message for a sample that a run does not have."""
    return f"run {run_id} has no sample {sample_id!r}; it has {len(known)}, for example {', '.join(known[:5]) or 'none'}"


def _stored_steps(stored: StoredRun, sample_id: str) -> SampleSteps:
    import pyarrow.compute as pc

    with tempfile.TemporaryDirectory(prefix="vreason-") as folder, record_file(_table(stored, Path(folder)), StepRecord, "steps") as file:
        rows = file.read(column_names(StepRecord), pc.field("sample_id") == sample_id).to_pylist()
        known = [] if rows else file.read(["sample_id"]).column("sample_id").unique().to_pylist()
        steps = [make_record(StepRecord, row) for row in rows]
    if not rows:
        raise TrackingError(unknown_sample(stored.run_id, sample_id, known))
    return SampleSteps(sample_id, sorted(steps, key=lambda step: step.token_index), None, True, "store")


def _table(stored: StoredRun, folder: Path) -> Path:
    try:
        return fetch_artifact(stored.store, stored.run, STEPS_FILE, folder)
    except ArtifactMissingError as error:
        where = stored.tags.get(HOST_TAG, "another machine")
        text = f"run {stored.run_id} has no {STEPS_FILE}, which is written when a run ends; its steps are in the journal on {where}"
        raise TrackingError(text) from error
    except TrackingError as error:
        raise type(error)(f"run {stored.run_id}: {error}") from error
