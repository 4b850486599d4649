"""A journal and a store with runs in every state, for tests that only look: made once, never changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.helpers import readback, run_states, trials
from vreason.clock import unix_ms
from vreason_tracking.delivery.checkpoint import read_delivered
from vreason_tracking.journal.folder import RunFolder
from vreason_tracking.stores.mlflow_store import MlflowStore

DAY = 24 * 3_600_000
SILENT_MINUTES = 720
PARTS = {"run": "abcdef0123456789", "model": "1" * 16, "method": "2" * 16}
USER = {"device": "cpu", "host": "here", "user": "ada", "git.commit": "4c71d97", "config.name": "trial"}
NEWEST_FIRST = ("live", "running", "killed", "offline", "interrupted", "refused", "damaged", "baseline", "v-reason", "silent", "elsewhere")
"""The variants of experiment "vreason", of which each has one run, begun a day before the other."""


@dataclass(frozen=True)
class World:
    """Where it all is.

    Attributes:
        folder: holds everything; relative names start here.
        root: the journal.
        uri: of the store.
        local: folder in the journal by variant.
        stored: MLflow's id by variant, of what the store has.
    """

    folder: Path
    root: Path
    uri: str
    local: Mapping[str, RunFolder]
    stored: Mapping[str, str]

    @property
    def places(self) -> list[str]:
        """Options that lead a command here."""
        return ["--tracking-uri", self.uri, "--journal", str(self.root)]


@contextmanager
def build(folder: Path, template: Path) -> Iterator[World]:
    """Make it. The run called "running" is under way until the end of the block."""
    uri = trials.copy_store(template, folder)
    root = folder / "vreason-journal"
    began = {name: unix_ms() - (number + 1) * DAY for number, name in enumerate(NEWEST_FIRST)}
    with chdir(folder):  # where MLflow puts artifacts
        store = MlflowStore(uri, "vreason")
        local = _journal(root, uri, began)
        for name in ("baseline", "v-reason"):
            readback.deliver(local[name], store)
        elsewhere = run_states.finished(folder / "elsewhere", "elsewhere", store, **_about("elsewhere", uri, began))
    marks = {name: read_delivered(each.delivery_log).run_id for name, each in {**local, "elsewhere": elsewhere}.items()}
    stored = {name: run_id for name, run_id in marks.items() if run_id} | _far_away(store, began)
    with run_states.running(root, {"s-1": 12}, "running", **_about("running", uri, began)) as recorder:
        yield World(folder, root, uri, {**local, "running": recorder.folder}, stored)


def _about(name: str, uri: str, began: Mapping[str, int]) -> dict[str, Any]:
    """What a run's manifest says."""
    tags = {**USER, "vreason.call": f"call-{name}"}
    return {"created_ms": began[name], "experiment": "vreason", "tracking_uri": uri, "tags": tags, "call_id": f"call-{name}"}


def _journal(root: Path, uri: str, began: Mapping[str, int]) -> dict[str, RunFolder]:
    """All of it but for the run that is under way."""
    about = {name: _about(name, uri, began) for name in NEWEST_FIRST}
    both = {"call_id": "call-both", "call_variants": 2}
    second = {**about["v-reason"], **both, "call_position": 1, "identity": PARTS}
    local = {
        "killed": run_states.killed(root, "killed", **about["killed"]),
        "offline": run_states.finished(root, "offline", mode="offline", **about["offline"]),
        "interrupted": run_states.interrupted(root, {"s-1": 12}, "interrupted", **about["interrupted"]),
        "refused": run_states.rejected(root, name="refused", **about["refused"]),
        "damaged": run_states.finished(root, "damaged", **about["damaged"]),
        "baseline": run_states.finished(root, "baseline", **{**about["baseline"], **both}),
        "v-reason": run_states.continued(run_states.interrupted(root, {"s-1": 12}, **second), {"s-2": 7, "s-3": 1}),
        "far": run_states.finished(root, "far", experiment="other", created_ms=began["elsewhere"] - DAY, tracking_uri=uri),
        "broken": run_states.spoil_manifest(run_states.finished(root, "broken")),
    }
    run_states.flip_a_bit(local["damaged"])
    return local


def _far_away(store: MlflowStore, began: Mapping[str, int]) -> dict[str, str]:
    """Runs of other machines that claim to be under way: one lives, with two of five samples done, one is silent."""
    ahead = unix_ms() + DAY  # the heartbeat of a machine whose clock is ahead: it stays fresh however long the tests take
    live = run_states.remote(store, "live", started_ms=began["live"], heard_ms=ahead, **{"vreason.asked": "5"})
    store.log(live, [("live/failed", 0.0, began["live"] + done, done) for done in (1, 2)])
    heard = unix_ms() - SILENT_MINUTES * 60_000
    return {"live": live, "silent": run_states.remote(store, "silent", started_ms=began["silent"], heard_ms=heard)}
