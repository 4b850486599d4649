"""vreason_tracking.catalog.run_steps: every step of one sample, from the journal and from the table in MLflow."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.helpers import readback, records, run_states
from tests.helpers.run_states import OPEN
from vreason.errors import TrackingError
from vreason_tracking.catalog.catalog import Catalog
from vreason_tracking.catalog.run_steps import steps_of
from vreason_tracking.journal.dead_runs import close_dead_run
from vreason_tracking.running.recorder import RunRecorder


@pytest.fixture(scope="module")
def steps(world):
    """Of a sample of a variant."""
    catalog = Catalog(world.root, world.uri, "vreason")
    return lambda name, sample: steps_of(catalog.find(name), sample)


def of(folder, sample):
    """The steps of a sample in one folder's journal."""
    return steps_of(Catalog(folder.path.parent, f"sqlite:///{folder.path}/none.db", "trial").find(folder.run_id), sample)


@pytest.mark.parametrize("sample", ["s-1", "s-2", "s-3"])
@pytest.mark.parametrize(("name", "source"), [("offline", "journal"), ("v-reason", "journal"), ("elsewhere", "store")])
def test_every_step(steps, name, source, sample) -> None:
    """Both sources hold the very steps that were recorded, whatever session they are of."""
    found = steps(name, sample)
    number, length = list(readback.LENGTHS).index(sample), readback.LENGTHS[sample]
    start = records.START_MS + 1_000 * (number if name != "v-reason" or sample == "s-1" else number - 1)
    assert records.steps(sample, length, start_ms=start) == list(found.steps)
    assert (sample, True, source, None) == (found.sample_id, found.ended, found.source, found.note)


def test_a_sample_that_never_ended(steps) -> None:
    """The steps that a killed process left, from a fragment that nobody has closed, and what became of it."""
    found = steps("killed", OPEN)
    assert records.steps(OPEN, 9) == list(found.steps)
    assert (False, None) == (found.ended, found.sample)
    assert "never ended: its process is gone" in (found.note or "")


def test_after_it_was_closed(tmp_path) -> None:
    """The same steps are there when somebody has closed the run, and when it was continued without asking the sample again."""
    folder = run_states.killed(tmp_path)
    close_dead_run(folder)
    found = of(folder, OPEN)
    assert (9, False) == (len(found.steps), found.ended)
    assert "its session ended KILLED" in (found.note or "")
    recorder = RunRecorder(folder)
    recorder.finish("FINISHED")
    assert records.steps(OPEN, 9) == list(of(folder, OPEN).steps)


def test_asked_again(tmp_path) -> None:
    """The answer of the session that came to an end counts, not the steps of the one that died."""
    folder = run_states.continued(run_states.killed(tmp_path), {OPEN: 4})
    found = of(folder, OPEN)
    assert records.steps(OPEN, 4) == list(found.steps)
    assert (True, None) == (found.ended, found.note)


def test_under_way(tmp_path) -> None:
    """Steps of a sample that is being answered now are shown, and said to be unfinished, with the process that is at it."""
    from tests.helpers.waiting import wait_until

    with run_states.running(tmp_path, {"s-1": 3}) as recorder:
        recorder.on_steps(records.steps("s-2", 5))
        assert wait_until(lambda: any('"s-2"' in path.read_text() for path in recorder.folder.path.glob("*.journal*") if path.exists()))
        found = of(recorder.folder, "s-2")
    assert (5, False) == (len(found.steps), found.ended)
    assert "has not ended: process" in (found.note or "")


def test_a_sample_that_failed(tmp_path) -> None:
    """It has ended; its steps are those up to its failure, and its record says why."""
    recorder = readback.recorder_of(tmp_path)
    recorder.on_steps(records.steps("s-1", 3))
    recorder.on_sample(records.failed("s-1", "out of memory"))
    recorder.finish("FINISHED")
    found = of(recorder.folder, "s-1")
    assert (3, True, "out of memory", None) == (len(found.steps), found.ended, found.sample and found.sample.error, found.note)


def test_damaged_steps(steps) -> None:
    """What is intact is shown, and how much is not is said."""
    found = steps("damaged", "s-2")
    assert [1, 2, 3, 4, 5, 6] == [step.token_index for step in found.steps]
    assert "1 of 7 steps are damaged or missing" in (found.note or "")


def test_one_name_that_begins_like_another(tmp_path) -> None:
    """Samples s-1 and s-10, and names with quotes and letters of all alphabets, are told apart."""
    recorder = readback.recorder_of(tmp_path)
    names = {"s-1": 2, "s-10": 3, 'größe "1"\n': 4, "\ud800": 5}
    readback.answer(recorder, names)
    recorder.finish("FINISHED")
    assert list(names.values()) == [len(of(recorder.folder, name).steps) for name in names]


@pytest.mark.parametrize("name", ["offline", "elsewhere"])
def test_an_unknown_sample(steps, name) -> None:
    """It is an error that names some that there are, on either side."""
    with pytest.raises(TrackingError, match=r"has no sample 's-9'; it has 3, for example s-1, s-2, s-3"):
        steps(name, "s-9")


def test_a_run_elsewhere_that_has_not_ended(steps) -> None:
    """Its table is not written yet: the message says where the steps are."""
    with pytest.raises(TrackingError, match=r"no steps\.parquet, which is written when a run ends; its steps are in the journal on far"):
        steps("live", "s-1")


@pytest.fixture
def delivered(tmp_path, store, tracking_uri):
    """A run whose journal is elsewhere, and the file of its table."""
    folder = run_states.finished(tmp_path / "elsewhere", store=store)
    run_id = readback.read_delivered(folder.delivery_log).run_id
    table = Path(store.client.get_run(run_id).info.artifact_uri.removeprefix("file://")) / "steps.parquet"
    return Catalog(tmp_path / "none", tracking_uri, "trial").find(run_id), table


def test_a_table_that_lacks_something(delivered) -> None:
    """Without a column that every version has, it is an error that names the column."""
    run, table = delivered
    pq.write_table(pq.read_table(table).drop_columns(["entropy"]), table)
    with pytest.raises(TrackingError, match=r"steps\.parquet: is not a record of steps \(the column entropy is missing\)"):
        steps_of(run, "s-1")


def test_a_table_that_is_none(delivered) -> None:
    """Neither is a file that somebody has overwritten a crash."""
    run, table = delivered
    table.write_bytes(b"text")
    with pytest.raises(TrackingError, match=r"steps\.parquet: is not a record of steps"):
        steps_of(run, "s-1")
