"""vreason_tracking.audit.journal_log: what is done to the runs of a journal is in the audit trail beside it, or is not done."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from pathlib import Path

import pytest

from tests.helpers import commands, journals, run_states
from vreason.errors import TrackingError
from vreason_tracking.audit import Filter, enter, journal_log
from vreason_tracking.audit.journal_log import _opened
from vreason_tracking.catalog.catalog import Catalog
from vreason_tracking.catalog.deletion import Deletion
from vreason_tracking.catalog.reaping import reap_journal
from vreason_tracking.catalog.restoring import restore
from vreason_tracking.journal.folder import run_folders
from vreason_tracking.journal.reader import last_end
from vreason_tracking.running.recorder import RunRecorder
from vreason_tracking.stores.mlflow_store import MlflowStore

NOBODY = 65534


@pytest.fixture(autouse=True)
def own_environment(monkeypatch, tmp_path) -> None:
    commands.own_environment(monkeypatch)
    monkeypatch.chdir(tmp_path)


def told(root: Path, subject: str = "run:*") -> list[tuple[str, str]]:
    """Actions and subjects, the oldest first."""
    return [(entry.action, entry.subject.partition(":")[2]) for entry in journal_log(root, "ada").entries(Filter(subject=subject))]


def refuse_entries(root: Path) -> None:
    """Let the database take no further entry, as a full disk would."""
    with sqlite3.connect(root / "audit.db") as connection:
        connection.execute("CREATE TRIGGER none_more BEFORE INSERT ON audit_entries BEGIN SELECT RAISE(ABORT, 'no more'); END")


def test_a_run(tmp_path) -> None:
    """That it started and how it ended, with what it was begun for."""
    recorder = RunRecorder.create(tmp_path / "journal", journals.manifest())
    recorder.finish("FAILED", "out of luck")
    run = recorder.folder.run_id
    assert [("run.started", run), ("run.finished", run)] == told(tmp_path / "journal")
    started, finished = journal_log(tmp_path / "journal", "ada").entries(Filter(subject="run:*"))
    assert journals.manifest().variant == started.details["variant"]
    assert {"status": "FAILED", "session": 1, "error": "out of luck"} == finished.details


def test_a_run_that_is_resumed(tmp_path) -> None:
    """A second session is an entry of its own."""
    recorder = RunRecorder.create(tmp_path, journals.manifest())
    recorder.finish("KILLED")
    RunRecorder(recorder.folder).finish("FINISHED")
    assert ["run.started", "run.finished", "run.resumed", "run.finished"] == [action for action, _ in told(tmp_path)]


def test_delivered_deleted_restored(tmp_path, tracking_uri) -> None:
    """What reached the store, with digests of the journal and of every file; that it was deleted, and brought back."""
    root, store = tmp_path / "journal", MlflowStore(tracking_uri, "trial")
    folder = run_states.finished(root, "one", store)
    catalog = Catalog(root, tracking_uri, None)
    run = catalog.find(folder.run_id)
    Deletion(run, catalog, journal_too=False, even_undelivered=False).carry_out()
    restore(Catalog(root, tracking_uri, None), folder.run_id)
    assert ["points.delivered", "artifact.stored", "run.deleted", "run.restored"] == [action for action, _ in told(root)][-4:]
    delivered, stored = (journal_log(root, "ada").entries(Filter(action=name))[0] for name in ("points.delivered", "artifact.stored"))
    assert (True, 64) == (delivered.details["points"] > 0, len(delivered.details["journal_sha256"]))
    assert {"samples.parquet", "steps.parquet"} <= stored.details["sha256"].keys()


def test_reaped(tmp_path) -> None:
    """A dead process's run is closed, with an entry."""
    folder = run_states.killed(tmp_path, "one")
    list(reap_journal(tmp_path))
    assert ("run.reaped", folder.run_id) == told(tmp_path)[-1]


def test_what_cannot_be_entered_is_not_done(tmp_path, tracking_uri) -> None:
    """No run is begun, none is resumed, reaped or deleted, and one under way ends as FAILED."""
    store = MlflowStore(tracking_uri, "trial")
    done = run_states.finished(tmp_path, "done", store)
    dead = run_states.killed(tmp_path, "dead")
    recorder = RunRecorder.create(tmp_path, journals.manifest())
    refuse_entries(tmp_path)
    before = len(list(run_folders(tmp_path)))
    for change in (
        lambda: RunRecorder.create(tmp_path, journals.manifest()),
        lambda: RunRecorder(done),
        lambda: list(reap_journal(tmp_path)),
        lambda: recorder.finish("FINISHED"),
    ):
        with pytest.raises(TrackingError, match="no more"):
            change()
    assert before == len(list(run_folders(tmp_path)))
    assert last_end(dead) is None
    assert "FAILED" == last_end(recorder.folder).status
    catalog = Catalog(tmp_path, tracking_uri, None)
    with pytest.raises(TrackingError, match="no more"):
        Deletion(catalog.find(done.run_id), catalog, journal_too=True, even_undelivered=False).carry_out()
    assert done.path.is_dir()


def test_no_descriptor_stays_open(tmp_path) -> None:
    """The file is left alone between entries: a journal may be moved or copied."""
    enter(tmp_path, "run.started", "ada", "run:1")
    assert ["audit.db"] == [path.name for path in tmp_path.iterdir()]
    _opened.cache_clear()
    assert "run.started" == journal_log(tmp_path, "bob").entries()[-1].action


def test_a_journal_that_was_deleted(tmp_path) -> None:
    """In one process, as in a notebook: a journal that is deleted and made again has a log of its own."""
    enter(tmp_path / "journal", "run.started", "ada", "run:1")
    shutil.rmtree(tmp_path / "journal")
    enter(tmp_path / "journal", "run.started", "ada", "run:2")
    assert ["run:2"] == [entry.subject for entry in journal_log(tmp_path / "journal", "ada").entries(Filter(action="run."))]


def test_an_empty_file(tmp_path) -> None:
    """What a process left that died while it made the log is made whole by the next."""
    (tmp_path / "audit.db").touch()
    assert 1 == enter(tmp_path, "run.started", "ada", "run:1").index


@pytest.mark.parametrize(("mode", "expected"), [(0o755, 0o644), (0o2775, 0o664), (0o1777, 0o666)])
def test_a_journal_that_several_share(tmp_path, mode, expected) -> None:
    """Who may write the journal may write its log."""
    (tmp_path / "journal").mkdir()
    (tmp_path / "journal").chmod(mode)
    umask = os.umask(0o022)
    try:
        enter(tmp_path / "journal", "run.started", "ada", "run:1")
    finally:
        os.umask(umask)
    assert expected == (tmp_path / "journal" / "audit.db").stat().st_mode & 0o777


@pytest.mark.skipif(os.geteuid() != 0, reason="needs to become another user")
def test_another_user() -> None:
    """A second user of a shared journal appends to the log that the first one made."""
    root = Path(tempfile.mkdtemp(dir="/tmp"))
    try:
        root.chmod(0o1777)
        enter(root, "run.started", "ada", "run:1")
        child = os.fork()
        if child == 0:
            try:
                os.setgroups([])
                os.setgid(NOBODY)
                os.setuid(NOBODY)
                enter(root, "run.started", "bob", "run:2")
                os._exit(0)
            finally:
                os._exit(1)
        assert 0 == os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        assert ["1", "2"] == [subject for _, subject in told(root)]
    finally:
        shutil.rmtree(root)
