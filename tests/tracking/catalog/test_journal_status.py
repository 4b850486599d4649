"""vreason_tracking.catalog.journal_status: a row for each run of a journal."""

from __future__ import annotations

import pytest

from tests.helpers import readback, run_states
from vreason.errors import TrackingError
from vreason_tracking.catalog.journal_status import journal_rows, totals
from vreason_tracking.journal.lease import Lease


@pytest.fixture(scope="module")
def rows(world):
    """By variant; the one that cannot be read by its id."""
    return {row.variant or row.journal_id: row for row in journal_rows(world.root)}


@pytest.mark.parametrize(
    ("name", "state", "detail", "points"),
    [
        ("running", "running", "process ", (104, 0, 104)),
        ("killed", "killed", "its process died", (166, 0, 166)),
        ("offline", "waiting", "recorded offline", (183, 0, 183)),
        ("interrupted", "waiting", "", (104, 0, 104)),
        ("refused", "refused", "the run was deleted", (183, 0, 183)),
        ("baseline", "delivered", "", (183, 183, 0)),
        ("v-reason", "delivered", "", (178, 178, 0)),
    ],
)
def test_a_row(rows, name, state, detail, points) -> None:
    """State, what is behind it, and points recorded, delivered, waiting."""
    row = rows[name]
    assert (state, points) == (row.state, (row.recorded, row.delivered, row.waiting))
    assert detail in (row.detail or "")


def test_where_it_goes(rows, world) -> None:
    """Destination, names and size."""
    row = rows["baseline"]
    assert (world.uri, world.stored["baseline"], "vreason", "online") == (row.destination, row.mlflow_id, row.experiment, row.mode)
    assert sum(path.stat().st_size for path in world.local["baseline"].path.iterdir()) == row.bytes


def test_a_damaged_run(rows, world) -> None:
    """It has its row: its id, why nothing can be said of it, and its size."""
    row = rows[world.local["broken"].run_id]
    assert ("damaged", None, 0) == (row.state, row.variant, row.recorded)
    assert "run.json: is not the manifest of a run" in (row.detail or "")
    assert row.bytes > 0


def test_totals(world) -> None:
    """Sums over all rows."""
    rows = journal_rows(world.root)
    sums = totals(rows)
    assert sums["recorded"] == sums["delivered"] + sums["waiting"] == sum(row.recorded for row in rows)
    assert sums["bytes"] == sum(path.stat().st_size for folder in world.local.values() for path in folder.path.iterdir())


def test_somebody_delivers_it(tmp_path) -> None:
    """The delivering process is named."""
    folder = run_states.finished(tmp_path)
    with Lease(folder.delivery_lease):
        (row,) = journal_rows(tmp_path)
    assert "process " in (row.deliverer or "")


def test_damaged_and_delivered(tmp_path, store) -> None:
    """What is lost with a damaged step does not wait: there is nothing that could still be delivered."""
    folder = run_states.finished(tmp_path / "journal")
    run_states.flip_a_bit(folder)
    readback.deliver(folder, store)
    (row,) = journal_rows(tmp_path / "journal")
    assert ("delivered", 0, True) == (row.state, row.waiting, 0 < row.delivered < 183)


def test_fragments_that_cannot_be_read(tmp_path) -> None:
    """A fragment that is no file any more makes the run damaged, not the listing."""
    folder = run_states.finished(tmp_path)
    other = run_states.finished(tmp_path)
    _, path = folder.fragments()[-1]
    path.unlink()
    path.mkdir()
    states = {row.journal_id: row.state for row in journal_rows(tmp_path)}
    assert {folder.run_id: "damaged", other.run_id: "waiting"} == states


def test_no_journal(tmp_path) -> None:
    """No rows, sums of nothing; a file is refused."""
    assert {"recorded": 0, "delivered": 0, "waiting": 0, "bytes": 0} == totals(journal_rows(tmp_path / "none"))
    (tmp_path / "file").write_text("")
    with pytest.raises(TrackingError, match="is a file"):
        journal_rows(tmp_path / "file")
