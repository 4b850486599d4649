"""vreason_tracking.catalog.reaping of a store that several machines share: a run that has fallen silent is marked KILLED, any other left
alone.
"""

from __future__ import annotations

import platform

import pytest

from tests.helpers import readback
from vreason.clock import unix_ms
from vreason_tracking.delivery.run_delivery import RunDelivery
from vreason_tracking.delivery.silent_runs import SILENT_MS, reap_store

MINUTE = 60_000


@pytest.fixture
def journal(tmp_path):
    return tmp_path / "journal"


@pytest.fixture
def elsewhere(store):
    """Makes a run of another machine, whose last sign of life was so many minutes ago."""

    def make(name="v-reason", *, silent=6.0, begun=120.0, beats=True, **tags):
        now = unix_ms()
        beat = {"vreason.heartbeat": str(int(now - silent * MINUTE))} if beats else {}
        whole = {"vreason.kind": "variant", "vreason.run_id": f"there-{name}", "host": "elsewhere", **beat, **tags}
        return store.start_run(name, whole, started_ms=int(now - begun * MINUTE))

    return make


def reap(store, journal, **options):
    return list(reap_store(store, journal, **options))


def test_a_silent_run(store, client, journal, elsewhere) -> None:
    """It is KILLED, ended at its last sign of life, and says why and who marked it."""
    run_id = elsewhere(silent=7)
    (reaped,) = reap(store, journal)
    run = client.get_run(run_id)
    assert (run_id, "v-reason", "elsewhere") == (reaped.run_id, reaped.name, reaped.host)
    assert ("KILLED", int(run.data.tags["vreason.heartbeat"])) == (run.info.status, run.info.end_time)
    assert f"no heartbeat for 7 min; marked by {platform.node()}" == run.data.tags["error"] == reaped.reason
    assert [] == reap(store, journal)


def test_a_run_that_beats(store, client, journal, elsewhere) -> None:
    """One that was heard of less than five minutes ago lives, however long it has been going on."""
    run_id = elsewhere(silent=4.9, begun=10_000)
    assert [] == reap(store, journal)
    assert "RUNNING" == client.get_run(run_id).info.status


def test_a_run_that_never_beat(store, client, journal, elsewhere) -> None:
    """It counts from its beginning: one that has just begun is left alone, an old one is not."""
    young, old = elsewhere("young", begun=1, beats=False), elsewhere("old", begun=60, beats=False)
    assert [old] == [reaped.run_id for reaped in reap(store, journal)]
    assert ("RUNNING", "KILLED") == (client.get_run(young).info.status, client.get_run(old).info.status)


def test_runs_of_this_journal(store, client, journal) -> None:
    """They are left to their own delivery, which knows better: also one that is silent since its store was unavailable."""
    recorder = readback.recorder_of(journal, created_ms=1_000)
    readback.answer(recorder, {"s-1": 3})
    recorder._writer.close()
    run_id = readback.deliver(recorder.folder, store).run_id
    assert [] == reap(store, journal)
    assert "RUNNING" == client.get_run(run_id).info.status
    assert [run_id] == [reaped.run_id for reaped in reap(store, journal / "another")]


def test_only_variants_that_claim_to_run(store, client, journal, elsewhere) -> None:
    """Ended runs, samples, and runs of other programs are none of ours."""
    ended = elsewhere("ended")
    store.end_run(ended, "FINISHED", 5)
    sample = store.start_run("s-1", {"vreason.kind": "sample"}, parent=ended, started_ms=1_000)
    foreign = store.start_run("theirs", {}, started_ms=1_000)
    assert [] == reap(store, journal)
    assert ["FINISHED", "RUNNING", "RUNNING"] == [client.get_run(run_id).info.status for run_id in (ended, sample, foreign)]


def test_a_dry_run(store, client, journal, elsewhere) -> None:
    """It says which, and touches nothing."""
    run_id = elsewhere()
    assert [run_id] == [reaped.run_id for reaped in reap(store, journal, dry=True)]
    run = client.get_run(run_id)
    assert ("RUNNING", False) == (run.info.status, "error" in run.data.tags)


def test_patience_of_ones_own(store, journal, elsewhere) -> None:
    """The silence that is allowed can be chosen; five minutes without a choice, twenty times the beat."""
    run_id = elsewhere(silent=2)
    assert [] == reap(store, journal)
    assert [run_id] == [reaped.run_id for reaped in reap(store, journal, silent_ms=MINUTE)]
    assert 5 * MINUTE == SILENT_MS


def test_one_that_lives_sets_it_right(store, client, journal) -> None:
    """A run that was only cut off from its store is RUNNING again with its next heartbeat, and its end is what it is."""
    recorder = readback.recorder_of(journal, created_ms=1_000)
    readback.answer(recorder, {"s-1": 3})
    recorder._writer.close()
    delivery = RunDelivery(recorder.folder, store)
    readback.go_on(delivery)
    run_id = delivery.log.delivered.run_id
    assert [run_id] == [reaped.run_id for reaped in reap(store, journal / "another")]
    delivery.beat()
    run = client.get_run(run_id)
    assert ("RUNNING", False) == (run.info.status, "error" in run.data.tags)
    delivery.close()


def test_a_heartbeat_that_is_none(store, client, journal, elsewhere) -> None:
    """Somebody wrote words where a time belongs: the run counts from its beginning, and the others are looked at as ever."""
    odd = elsewhere("odd", begun=200, **{"vreason.heartbeat": "yesterday"})
    other = elsewhere("other")
    assert {odd, other} == {reaped.run_id for reaped in reap(store, journal)}


def test_many(store, journal, elsewhere) -> None:
    """Each is told with its own name."""
    names = [f"variant {number}" for number in range(5)]
    for name in names:
        elsewhere(name)
    assert sorted(names) == sorted(reaped.name for reaped in reap(store, journal))
