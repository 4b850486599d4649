"""vreason_tracking.running.variant_session: one process's work on a variant, from its first event to its end."""

from __future__ import annotations

import pytest

from tests.helpers import readback, records
from vreason.config import PRESETS
from vreason.errors import TrackingError
from vreason.events import PrefillRecord
from vreason_tracking.journal.lease import is_held
from vreason_tracking.running.plan import Task, VariantRequest
from vreason_tracking.running.results import VariantResult
from vreason_tracking.running.variant_session import VariantSession, finished_event
from vreason_tracking.settings.variants import Variant

REQUEST = VariantRequest(Variant("v-reason", PRESETS["v-reason"]), {}, {})


@pytest.fixture
def session(tmp_path):
    """One of a new run."""
    return VariantSession(Task(REQUEST, 0), readback.recorder_of(tmp_path / "journal"))


def answer(session, name="s-1", length=12) -> None:
    """A sample as the decoding loop tells it."""
    reply = records.steps(name, length)
    session.record(PrefillRecord(name, 60, 36, 36))
    session.record(tuple(reply[:5]))
    session.record(tuple(reply[5:]))
    session.record(records.sample(name, reply))


def test_what_is_told_is_recorded(session) -> None:
    """Steps and samples are in the journal when the session has ended, and the result is made of them."""
    answer(session)
    answer(session, "s-2", 7)
    session.check()
    session.close("FINISHED", None)
    result = session.result()
    finished = readback.finished_samples(session.recorder.folder)
    assert [("s-1", 12), ("s-2", 7)] == [(each.sample.sample_id, len(each.steps)) for each in finished]
    assert ("v-reason", "FINISHED", None, (), False) == (result.name, result.status, result.error, result.notes, result.kept)
    assert (2, 0, 1.0) == (result.summary.answered, result.summary.failed, result.summary.accuracy)
    assert sum(each.points for each in finished) == result.recorded
    assert (session.run_id, session.name) == (result.run_id, "v-reason")
    assert not is_held(session.recorder.folder.lease)


def test_notes(session) -> None:
    """What the session knows, which listeners failed and how often, and what the caller adds: in the result and in the journal."""
    session.notes.append("one of one's own")
    session.listener_failures.update({"Printer": 2})
    session.close("FAILED", "ValueError: odd", ["memory sampling failed"])
    result = session.result()
    notes = ("one of one's own", "listener Printer failed 2 time(s)", "memory sampling failed")
    ended = readback.ended(session.recorder)
    assert (notes, "ValueError: odd") == (result.notes, result.error)
    assert ("FAILED", "ValueError: odd", notes) == (ended.status, ended.error, ended.notes)


class Full:
    """A recorder on a disk that refuses."""

    def __init__(self, recorder, *, at_the_end: bool) -> None:
        self._recorder, self._at_the_end = recorder, at_the_end
        self.folder = recorder.folder

    def on_steps(self, steps) -> None:
        if not self._at_the_end:
            raise TrackingError("no space left")

    def on_sample(self, sample) -> None:
        if not self._at_the_end:
            raise ValueError("too late")

    def check(self) -> None:
        self._recorder.check()

    def finish(self, status, error, notes) -> None:
        self._recorder.finish(status, error, notes)
        if self._at_the_end:
            raise TrackingError("no space left")


def test_nothing_raises_while_tokens_are_drawn(session) -> None:
    """What cannot be recorded shows at the next check, which comes between samples: the first reason of several."""
    session.recorder = Full(session.recorder, at_the_end=False)
    session.check()
    answer(session)
    with pytest.raises(TrackingError, match="no space left"):
        session.check()


def test_an_end_that_cannot_be_written(session) -> None:
    """The run counts as failed, and its result says why."""
    answer(session)
    session.recorder = Full(session.recorder, at_the_end=True)
    with pytest.raises(TrackingError, match="no space left"):
        session.close("FINISHED", None)
    result = session.result()
    assert ("FAILED", 1, "no space left") == (result.status, result.summary.answered, result.error)


def test_a_result_as_listeners_are_told(tmp_path) -> None:
    """Name, run, status, numbers over all processes, accuracy, and whether it was done before."""
    folder = readback.recorded(tmp_path)
    from vreason_tracking.records.summary import RunSummary

    summary = RunSummary.of([records.sample("a"), records.sample("b", score=0.0), records.failed("c")])
    told = finished_event(
        VariantResult("v-reason", folder, "KILLED", 10, summary=summary, error="terminated", kept=False, run_id="of MLflow")
    )
    assert ("v-reason", folder.run_id, "KILLED", 2, 1, 0.5) == (
        told.variant,
        told.run_id,
        told.status,
        told.answered,
        told.failed,
        told.accuracy,
    )
    assert ("terminated", False) == (told.error, told.kept)
    nothing = finished_event(VariantResult("v-reason", folder, "FINISHED", 0, kept=True))
    assert (None, True, 0, None) == (nothing.accuracy, nothing.kept, nothing.answered, nothing.error)
