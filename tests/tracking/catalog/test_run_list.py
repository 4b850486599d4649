"""vreason_tracking.catalog.run_list: rows of both sides, filtered and limited."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from mlflow import MlflowClient

from tests.helpers import readback, run_states
from tests.helpers.recorded_world import DAY, NEWEST_FIRST, PARTS, SILENT_MINUTES
from vreason.clock import unix_ms
from vreason_tracking.catalog.catalog import Catalog
from vreason_tracking.catalog.run_list import RunFilter, iso, list_runs
from vreason_tracking.delivery.checkpoint import read_delivered
from vreason_tracking.running.recorder import RunRecorder

ACCURACY = 1.4 / 3
"""Of readback's three samples: right, wrong, 0.4."""


@pytest.fixture(scope="module")
def index(world):
    return Catalog(world.root, world.uri, "vreason").read()


@pytest.fixture(scope="module")
def rows(index):
    """By variant."""
    return {row.variant: row for row in list_runs(index, RunFilter(), 100).rows}


def names(index, limit=100, **wanted):
    return [row.variant for row in list_runs(index, RunFilter(**wanted), limit).rows]


def test_newest_first(index) -> None:
    """All that are known."""
    assert list(NEWEST_FIRST) == names(index)


def test_the_limit(index) -> None:
    """The newest ones, and how many more there are."""
    found = list_runs(index, RunFilter(), 4)
    assert (list(NEWEST_FIRST[:4]), len(NEWEST_FIRST) - 4) == ([row.variant for row in found.rows], found.more)


@pytest.mark.parametrize(
    ("name", "status", "done", "expected_samples", "accuracy", "waiting"),
    [
        ("live", "RUNNING", 2, 5, None, None),
        ("running", "RUNNING", 1, 3, None, 104),
        ("killed", "KILLED", 2, 3, None, 166),
        ("offline", "FINISHED", 3, 3, ACCURACY, 183),
        ("interrupted", "KILLED", 1, 3, None, 104),
        ("refused", "FINISHED", 3, 3, ACCURACY, 183),
        ("baseline", "FINISHED", 3, 3, ACCURACY, 0),
        ("v-reason", "FINISHED", 3, 3, ACCURACY, 0),
        ("silent", "SILENT", 0, None, None, None),
        ("elsewhere", "FINISHED", 3, 3, ACCURACY, None),
    ],
)
def test_a_row(rows, name, status, done, expected_samples, accuracy, waiting) -> None:
    """Samples done of those asked; accuracy of finished runs only; what waits, where the journal is here."""
    row = rows[name]
    assert (status, done, expected_samples) == (row.status, row.samples_done, row.samples_expected)
    assert (pytest.approx(accuracy) if accuracy else None, waiting) == (row.accuracy, row.waiting_points)


def test_a_row_names_everything(rows, world) -> None:
    """Ids, config, experiment, identity, who and where."""
    row = rows["v-reason"]
    assert (world.stored["v-reason"],) * 2 == (row.id, row.mlflow_id)
    assert (world.local["v-reason"].run_id, "trial", "vreason", PARTS["run"]) == (row.journal_id, row.config, row.experiment, row.identity)
    assert ("ada", "here", True, True) == (row.user, row.host, row.in_journal, row.in_store)
    assert ("far", False) == (rows["live"].host, rows["live"].in_journal)


def test_silence_and_refusal(rows) -> None:
    """For how long a run was silent, and why a store refuses one."""
    assert SILENT_MINUTES <= rows["silent"].silent_minutes < SILENT_MINUTES + 60
    assert rows["live"].silent_minutes is None
    assert ("the run was deleted", None) == (rows["refused"].rejected, rows["offline"].rejected)


def test_times(rows) -> None:
    """Begun in UTC; how long it took, or takes so far; nobody knows when a silent or a killed run stopped."""
    days = NEWEST_FIRST.index("offline") + 1
    assert abs(datetime.fromisoformat(rows["offline"].started).timestamp() * 1000 - (unix_ms() - days * DAY)) < DAY / 2
    assert pytest.approx(days * 86_400, abs=7_200) == rows["offline"].duration_seconds
    assert pytest.approx(2 * 86_400, abs=7_200) == rows["running"].duration_seconds
    assert (None, None) == (rows["silent"].duration_seconds, rows["killed"].duration_seconds)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"statuses": ["RUNNING"]}, ["live", "running"]),
        ({"statuses": ["KILLED", "SILENT"]}, ["killed", "interrupted", "silent"]),
        ({"variants": ["offline", "elsewhere"]}, ["offline", "elsewhere"]),
        ({"variants": ["nobody"]}, []),
        ({"identity": "ABCDEF"}, ["v-reason"]),
        ({"identity": "0000", "variants": ["baseline"]}, ["baseline"]),
        ({"since_ms": unix_ms() - int(2.5 * DAY)}, ["live", "running"]),
        ({"configs": ["trial"], "statuses": ["FINISHED"], "since_ms": unix_ms() - int(6.5 * DAY)}, ["offline", "refused"]),
    ],
)
def test_filters(index, wanted, expected) -> None:
    """Each one narrows; several together narrow further."""
    assert expected == names(index, **wanted)


def test_without_a_store_the_rows_are_the_same(world, rows, tmp_path) -> None:
    """What the journal knows it tells alone; only whether the store still has a run is open."""
    alone = list_runs(Catalog(world.root, f"sqlite:///{tmp_path}/none.db", "vreason").read(), RunFilter(), 100).rows
    for row in alone:
        told, known = vars_of(row), vars_of(rows[row.variant])
        differing = {name for name in told if told[name] != known[name]}
        assert differing <= {"in_store", "duration_seconds"}, (row.variant, differing)


def vars_of(row):
    from dataclasses import asdict

    return asdict(row) | {"accuracy": row.accuracy and round(row.accuracy, 9)}


def test_a_run_of_an_older_version(store, tracking_uri, tmp_path) -> None:
    """What nobody recorded then is empty, and nothing fails."""
    store.start_run("old", {"vreason.kind": "variant"}, started_ms=5_000)
    (row,) = list_runs(Catalog(tmp_path / "none", tracking_uri, "trial").read(), RunFilter(), 1).rows
    assert ("", "", "", "", None, None) == (row.config, row.identity, row.user, row.host, row.journal_id, row.samples_expected)
    assert "1970-01-01T00:00:05Z" == row.started


def test_damage_is_not_counted_as_done(store, tracking_uri, tmp_path) -> None:
    """A sample whose steps are lost is not delivered, and once the run is, not counted."""
    from tests.helpers import readback

    folder = run_states.finished(tmp_path / "journal")
    run_states.flip_a_bit(folder)
    readback.deliver(folder, store)
    (row,) = list_runs(Catalog(tmp_path / "journal", tracking_uri, "trial").read(), RunFilter(), 1).rows
    assert (2, 3, 0, pytest.approx(0.7)) == (row.samples_done, row.samples_expected, row.waiting_points, row.accuracy)


@pytest.mark.parametrize(("stamp", "expected"), [(0, "1970-01-01T00:00:00Z"), (1_700_000_000_999, "2023-11-14T22:13:20Z"), (10**20, "")])
def test_iso(stamp, expected) -> None:
    """UTC to the second; a time that no calendar has is empty."""
    assert expected == iso(stamp)


def test_the_format_can_be_read_back() -> None:
    """By Python's own reader."""
    assert datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC) == datetime.fromisoformat(iso(1_700_000_000_000))


def test_a_journal_that_cannot_be_read(tracking_uri, store, tmp_path) -> None:
    """What turns out while the runs are listed is told with the list; the others have their rows, and the index stays as it was read."""
    hopeless, other = run_states.finished(tmp_path / "journal", "hopeless"), run_states.finished(tmp_path / "journal", "other")
    _, path = hopeless.fragments()[0]
    path.unlink()
    path.mkdir()  # reading it fails, for whoever reads
    index = Catalog(tmp_path / "journal", tracking_uri, "trial").read()
    found = list_runs(index, RunFilter(), 9)
    assert ([other.run_id], [hopeless.run_id]) == ([row.id for row in found.rows], [run.run_id for run in found.unreadable])
    assert [] == index.damaged


@pytest.fixture
def corrected(tmp_path, monkeypatch):
    """A run of two sessions: a minute by a clock that is two hours ahead, then half a minute by one that was corrected."""
    now = [readback.CREATED_MS + 7_200_000]
    monkeypatch.setattr("vreason_tracking.running.recorder.unix_ms", lambda: now[0])
    monkeypatch.setattr("vreason_tracking.catalog.local_run.unix_ms", lambda: now[0])
    recorder = readback.recorder_of(tmp_path / "journal", created_ms=now[0])
    readback.answer(recorder, {"s-1": 3})
    now[0] += 60_000
    recorder.finish("KILLED", "interrupted")
    now[0] = readback.CREATED_MS
    recorder = RunRecorder(recorder.folder)
    now[0] += 30_000
    return recorder


def test_a_clock_that_was_corrected(corrected, tracking_uri) -> None:
    """Its duration is what its sessions took, while it runs and afterwards; in MLflow it does not end before it began."""
    root = corrected.folder.path.parent
    index = Catalog(root, tracking_uri, None).read()
    assert ("RUNNING", 90.0) == (index.runs[0].status, list_runs(index, RunFilter(), 1).rows[0].duration_seconds)
    readback.answer(corrected, {"s-2": 3})
    corrected.finish("FINISHED")
    index = Catalog(root, tracking_uri, None).read()
    assert ("FINISHED", 90.0) == (index.runs[0].status, list_runs(index, RunFilter(), 1).rows[0].duration_seconds)
    assert [] == readback.carry(tracking_uri, corrected.folder)
    info = MlflowClient(tracking_uri).get_run(read_delivered(corrected.folder.delivery_log).run_id).info
    assert info.end_time >= info.start_time
