"""vreason_tracking.catalog.reaping: the dead of a journal, told one by one."""

from __future__ import annotations

import pytest

from tests.helpers import run_states
from vreason.errors import TrackingError
from vreason_tracking.catalog.reaping import reap_journal
from vreason_tracking.journal.reader import last_end


@pytest.fixture
def journal(tmp_path):
    """A dead run among others."""
    run_states.finished(tmp_path, "done")
    return run_states.killed(tmp_path, "dead")


def test_the_dead(journal) -> None:
    """The run whose process is gone is closed and told of, with what is known of its end; once."""
    (reaped,) = reap_journal(journal.path.parent)
    assert (journal.run_id, "dead", "here") == (reaped.run_id, reaped.name, reaped.host)
    end = last_end(journal)
    assert ("KILLED", reaped.reason) == (end and end.status, end and end.error)
    assert [] == list(reap_journal(journal.path.parent))


def test_a_dry_run(journal) -> None:
    """It is told of, and nothing is changed."""
    before = {path.name: path.read_bytes() for path in journal.path.iterdir()}
    (reaped,) = reap_journal(journal.path.parent, dry=True)
    assert (journal.run_id, "its process is gone") == (reaped.run_id, reaped.reason)
    assert before == {path.name: path.read_bytes() for path in journal.path.iterdir()}


def test_one_that_cannot_be_closed(journal, tmp_path) -> None:
    """The others are closed first; then the error names the file."""
    hopeless = run_states.finished(tmp_path, "hopeless", created_ms=1)
    _, last = hopeless.fragments()[-1]
    last.unlink()
    last.mkdir()  # reading it fails, for whoever reads
    found = reap_journal(tmp_path)
    assert journal.run_id == next(found).run_id
    with pytest.raises(TrackingError, match=last.name):
        next(found)
