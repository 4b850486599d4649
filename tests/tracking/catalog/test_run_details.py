"""vreason_tracking.catalog.run_details: everything about one run."""

from __future__ import annotations

import os
import platform

import pytest

from tests.helpers import old_records, readback, records, run_states
from tests.helpers.recorded_world import PARTS
from vreason_tracking.catalog.catalog import Catalog
from vreason_tracking.catalog.run_details import details_of
from vreason_tracking.journal.folder import RunFolder
from vreason_tracking.stores.mlflow_store import MlflowStore


def read(catalog, name):
    found = catalog.find_all([name])
    return details_of(found.runs[0], found.index)


@pytest.fixture(scope="module")
def details(world):
    """Of a run by its variant."""
    return lambda name: read(Catalog(world.root, world.uri, "vreason"), name)


def test_sessions(details) -> None:
    """Who ran it, in which process, and how each session ended."""
    first, second = details("v-reason").sessions
    assert (1, os.getpid(), platform.node(), "KILLED") == (first.session, first.pid, first.host, first.status)
    assert ("terminated (SIGTERM)", 2, "FINISHED", None) == (first.error, second.session, second.status, second.error)
    assert first.started <= (first.ended or "") <= second.started <= (second.ended or "")


def test_a_session_without_an_end(details) -> None:
    """One that is under way, and one whose process died, have none."""
    for name in ("running", "killed"):
        (session,) = details(name).sessions
        assert (None, None, None) == (session.ended, session.status, session.error)


@pytest.mark.parametrize(
    ("name", "error", "holder", "unclosed"),
    [
        ("running", None, True, False),
        ("killed", None, False, True),
        ("interrupted", "terminated (SIGTERM)", False, False),
        ("v-reason", None, False, False),
        ("offline", None, False, False),
    ],
)
def test_how_it_ended(details, name, error, holder, unclosed) -> None:
    """The error of the last session; who holds it; whether it waits to be closed."""
    found = details(name)
    assert (error, holder, unclosed) == (found.error, found.holder is not None, found.unclosed)


def test_siblings(details) -> None:
    """The variants of one call, in the order of the config, this one among them."""
    assert ("call-both", ["baseline", "v-reason"]) == (details("v-reason").call_id, [each.variant for each in details("v-reason").siblings])
    assert ["offline"] == [each.variant for each in details("offline").siblings]
    assert ["elsewhere"] == [each.variant for each in details("elsewhere").siblings]


def test_settings_and_provenance(details, world) -> None:
    """Identity by part, parameters, and what it was made with, the same from either side."""
    here, there = details("offline"), details("elsewhere")
    assert PARTS == details("v-reason").identity
    assert {"seed": 0, "method.controller.k": 4} == here.params
    assert {"seed": "0", "method.controller.k": "4"} == there.params
    shared = {"device", "host", "user", "git.commit", "config.name"}
    assert {name: here.tags[name] for name in shared} == {name: there.tags[name] for name in shared}
    assert [] == [name for name in there.tags if name.startswith(("mlflow.", "vreason."))]


def test_figures(details) -> None:
    """Summary metrics of a finished run, as the store has them; of one that is not, only how far it came."""
    here, there = details("offline"), details("elsewhere")
    assert here.summary == pytest.approx(there.summary)
    assert pytest.approx(1.4 / 3) == here.summary["accuracy"]
    assert ({}, {}) == (here.so_far, there.so_far)
    for name in ("running", "interrupted", "killed"):
        assert {} == details(name).summary
        assert "live/accuracy" in details(name).so_far
    assert {"live/failed": 0.0} == details("live").so_far


def test_figures_of_the_first_version(tmp_path) -> None:
    """From its journal and from its store the same summary, by the names that they have now, but for what it did not reckon yet."""
    unpacked = old_records.unpack(tmp_path)
    both = Catalog(unpacked.journal, unpacked.uri, "vreason").read()
    store = Catalog(tmp_path / "none", unpacked.uri, "vreason").read()
    here, there = (details_of(index.find("67ac1ab4b09e44f6babf14c14f72ea6b"), index) for index in (both, store))
    assert there.summary == pytest.approx({name: value for name, value in here.summary.items() if name != "signatures/not-finite"})
    assert {"asked": 4, "answered": 4, "failed": 0} == there.samples == here.samples
    assert {} == there.so_far


def test_what_the_first_version_began_to_deliver(tmp_path, monkeypatch) -> None:
    """This version delivers the rest: one summary under the names of now, the journal's, though the store holds points of both versions."""
    monkeypatch.chdir(tmp_path)
    unpacked = old_records.unpack(tmp_path)
    folder = RunFolder(unpacked.journal / "20261126T003047-7f9d8a")
    store = MlflowStore(unpacked.uri, "vreason", create=False)
    store.log("30d706e2e3ab49f49688245e15d09f82", [("live.failed", 0.0, 1, 1), ("accuracy.numerical", 0.25, 1, 1)])
    assert "FINISHED" == readback.deliver(folder, store).status
    both = Catalog(unpacked.journal, unpacked.uri, "vreason").read()
    far = Catalog(tmp_path / "none", unpacked.uri, "vreason").read()
    here, there = (details_of(index.find(name), index) for index, name in ((both, folder.run_id), (far, "30d706e2")))
    assert (6, 6) == (here.run.samples_done, there.run.samples_done)
    assert there.summary == pytest.approx(here.summary)


def test_progress_of_the_first_version(store, tracking_uri, tmp_path) -> None:
    """Of a run that is not finished: how far it came, by the names that it would have now."""
    run_id = run_states.remote(store, "x", started_ms=1)
    store.log(run_id, [("live.failed", 1.0, 2, 3), ("live.accuracy", 0.5, 2, 3), ("host.rss_bytes", 7.0, 2, 0)])
    index = Catalog(tmp_path / "none", tracking_uri, "trial").read()
    found = details_of(index.find("x"), index)
    assert ({}, {"live/failed": 1.0, "live/accuracy": 0.5}, 3) == (found.summary, found.so_far, found.run.samples_done)


def test_samples(tmp_path, tracking_uri) -> None:
    """Asked, answered and failed."""
    recorder = readback.recorder_of(tmp_path / "journal")
    readback.answer(recorder, {"s-1": 4})
    recorder.on_sample(records.failed("s-2"))
    recorder.finish("FAILED", "out of memory")
    catalog = Catalog(tmp_path / "journal", tracking_uri, "trial")
    found = read(catalog, "v-reason")
    assert {"asked": 3, "answered": 1, "failed": 1} == found.samples
    assert ("FAILED", "out of memory", 2) == (found.run.status, found.error, found.run.samples_done)


def test_delivery(details, world) -> None:
    """Points, where to, and what keeps them; nobody here knows of a journal that is elsewhere."""
    whole, offline, refused = (details(name).delivery for name in ("baseline", "offline", "refused"))
    assert (183, 183, 0, world.uri, None) == (whole.recorded, whole.delivered, whole.waiting, whole.uri, whole.rejected)
    assert (183, 0, 183, "offline") == (offline.recorded, offline.delivered, offline.waiting, offline.mode)
    assert "the run was deleted" == refused.rejected
    assert (None, None, None) == (details("elsewhere").delivery, details("elsewhere").journal, details("elsewhere").bytes_on_disk)


def test_where_the_journal_is(details, world) -> None:
    """Its folder and size."""
    folder, found = world.local["offline"].path, details("offline")
    assert (str(folder), sum(path.stat().st_size for path in folder.iterdir())) == (found.journal, found.bytes_on_disk)


@pytest.mark.parametrize(
    ("name", "can"), [("killed", True), ("interrupted", True), ("offline", False), ("running", False), ("elsewhere", False)]
)
def test_how_to_continue(details, world, name, can) -> None:
    """A run of this journal that is neither finished nor under way has a command, which names the journal where it is not the default."""
    expected = ["vreason-track", "run", "--resume", world.local[name].run_id, "--journal", str(world.root)] if can else None
    assert expected == details(name).resume


def test_the_default_journal_is_not_named(world, monkeypatch) -> None:
    """From its own folder the command is short."""
    monkeypatch.setenv("VREASON_JOURNAL", str(world.root))
    catalog = Catalog(world.root, world.uri, "vreason")
    assert ["vreason-track", "run", "--resume", world.local["killed"].run_id] == read(catalog, "killed").resume


def test_passwords_stay_hidden(store, tracking_uri, tmp_path) -> None:
    """A tag with an address in it is shown without its password."""
    run_states.remote(store, "x", started_ms=1, note="see http://me:s3cret@host/")
    catalog = Catalog(tmp_path / "none", tracking_uri, "trial")
    assert "s3cret" not in str(read(catalog, "x").tags)
