"""A recorded variant: how tests make one of synthetic samples, carry it to MLflow in this process, and read it back."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from tests.helpers import records
from vreason_tracking.delivery.checkpoint import DeliveryState, read_delivered
from vreason_tracking.delivery.run_delivery import HEARTBEAT_TAG, RunDelivery
from vreason_tracking.delivery.scheduler import DeliveryScheduler
from vreason_tracking.journal.codec import SampleEntry, SessionEnded, SessionStarted
from vreason_tracking.journal.folder import RunFolder, new_run_id
from vreason_tracking.journal.manifest import Manifest
from vreason_tracking.journal.reader import asked_again, read_events
from vreason_tracking.journal.samples import FinishedSample, SampleAssembly
from vreason_tracking.records.tags import JOURNAL_TAG
from vreason_tracking.running.recorder import RunRecorder
from vreason_tracking.stores.mlflow_store import MlflowStore

CONFIG = "name: trial  # größer\n"
LENGTHS = {"s-1": 12, "s-2": 7, "s-3": 1}
COLOUR = "#0072B2"
CREATED_MS = records.START_MS - 1_000


def manifest(name: str = "v-reason", **changes: Any) -> Manifest:
    """What is known of a variant's run before its first record; `changes` are fields."""
    values: dict[str, Any] = {
        "run_id": new_run_id(),
        "variant": name,
        "call_id": "c0ffee",
        "call_position": 0,
        "call_variants": 1,
        "config_name": "trial",
        "experiment": "trial",
        "tracking_uri": "sqlite:////nowhere/mlflow.db",
        "mode": "online",
        "colour": COLOUR,
        "config": CONFIG,
        "created_ms": CREATED_MS,
        "params": {"seed": 0, "method.controller.k": 4},
        "tags": {"device": "cpu", "host": "here"},
        "identity": {"run": "0" * 16},
        "sample_ids": tuple(LENGTHS),
    }
    return Manifest(**(values | changes))


def recorder_of(root: Path, name: str = "v-reason", **changes: Any) -> RunRecorder:
    """A recorder for one variant in the journal `root`."""
    return RunRecorder.create(root, manifest(name, **changes))


def answer(recorder: RunRecorder, lengths: Mapping[str, int] = LENGTHS, controller: bool = True) -> dict[str, list[Any]]:
    """Samples of these lengths, one after the other, the second one wrong, the third a regression item."""
    replies = {}
    changes: dict[str, dict[str, Any]] = {
        "s-2": {"score": 0.0, "prediction": "A"},
        "s-3": {"score": 0.4, "problem_type": "regression", "options": ()},
    }
    for number, (name, length) in enumerate(lengths.items()):
        reply = records.steps(name, length, controller=controller, start_ms=records.START_MS + 1_000 * number)
        replies[name] = reply
        for start in range(0, len(reply), 5):
            recorder.on_steps(reply[start : start + 5])
        recorder.on_sample(records.sample(name, reply, **changes.get(name, {})))
    return replies


def recorded(
    root: Path, lengths: Mapping[str, int] = LENGTHS, status: str = "FINISHED", name: str = "v-reason", **changes: Any
) -> RunFolder:
    """A variant with these samples, and a window of each of two devices, closed in the journal `root`."""
    recorder = recorder_of(root, name, **changes)
    answer(recorder, lengths)
    recorder.on_device(records.device("host"))
    recorder.on_device(records.device("gpu.0"))
    recorder.finish(status)
    return recorder.folder


def ended(recorder: RunRecorder) -> SessionEnded:
    """How the newest session ended."""
    return [event for event in read_events(recorder.folder) if isinstance(event, SessionEnded)][-1]


def deliver(folder: RunFolder, store: MlflowStore) -> DeliveryState:
    """Carry everything that is there to the store, in this process; returns the marks."""
    delivery = RunDelivery(folder, store)
    try:
        go_on(delivery)
    finally:
        delivery.close()
    return read_delivered(folder.delivery_log)


def go_on(delivery: RunDelivery) -> None:
    """Carry all that there is now."""
    while delivery.advance():
        pass
    if not delivery.ended:
        delivery.idle()


class Deliveries:
    """`DeliveryScheduler` in this process over the stores of one address.

    Attributes:
        said: what it told: state, reason, run.
        rounds: the rounds.
    """

    def __init__(self, uri: str, open: Callable[[str], MlflowStore] | None = None) -> None:
        self.said: list[tuple[str, str, str]] = []
        stores: dict[str, MlflowStore] = {}
        self.rounds = DeliveryScheduler(
            open or (lambda name: stores.setdefault(name, MlflowStore(uri, name))), lambda *word: self.said.append(word)
        )

    def __enter__(self) -> Deliveries:
        return self

    def __exit__(self, *error: object) -> None:
        self.rounds.close()

    def carry(self, *folders: RunFolder, turns: int = 1_000) -> None:
        """Rounds until all of these are over, at most so many."""
        for folder in folders:
            self.rounds.add(folder)
        for _ in range(turns):
            if not self.rounds.unfinished():
                return
            self.rounds.run_once()

    def states(self) -> list[str]:
        """What was told, the states only."""
        return [state for state, _, _ in self.said]


def carry(uri: str, *folders: RunFolder) -> list[tuple[str, str, str]]:
    """Carry these runs to their end; returns what was told."""
    with Deliveries(uri) as deliveries:
        deliveries.carry(*folders)
        return deliveries.said


def nested(client: Any, run_id: str) -> dict[str, Any]:
    """The runs of a variant's samples by sample id; fails where a sample has two."""
    experiment = client.get_run(run_id).info.experiment_id
    found = client.search_runs([experiment], f"tags.`mlflow.parentRunId` = '{run_id}'")
    counts = Counter(run.data.tags["vreason.sample_id"] for run in found)
    assert [] == [name for name, count in counts.items() if count > 1]
    return {run.data.tags["vreason.sample_id"]: run for run in found}


def series(client: Any, run_id: str, name: str) -> list[tuple[int, int, float]]:
    """A metric's points: step, time in milliseconds, value."""
    return sorted((point.step, point.timestamp, point.value) for point in client.get_metric_history(run_id, name))


def rows(client: Any, run_id: str, file: str) -> list[dict[str, Any]]:
    """A table among a run's artifacts."""
    found: list[dict[str, Any]] = pq.read_table(client.download_artifacts(run_id, file)).to_pylist()
    return found


def content(database: Path, experiment_id: str, drop: Iterable[str] = (HEARTBEAT_TAG,)) -> dict[str, Any]:
    """All that an MLflow database in a SQLite file holds of an experiment, by the runs' names instead of their random ids.

    Deleted runs stand in it too. Two runs of one name become a list of two, so that a double is a difference.
    """
    found: dict[str, list[Any]] = {}
    dropped = {"mlflow.parentRunId", JOURNAL_TAG, *drop}  # which journal it was differs from test to test
    with closing(sqlite3.connect(database, timeout=30)) as connection:
        query = "SELECT run_uuid, name, status, start_time, end_time, lifecycle_stage FROM runs WHERE experiment_id = ? ORDER BY start_time"
        names = {row[0]: row[1] for row in connection.execute(query, [experiment_id])}
        for run_id, name, *rest in connection.execute(query, [experiment_id]).fetchall():
            tags = dict(connection.execute("SELECT key, value FROM tags WHERE run_uuid = ?", [run_id]).fetchall())
            points = "SELECT key, step, timestamp, value, is_nan FROM metrics WHERE run_uuid = ?"
            found.setdefault(name, []).append(
                {
                    "info": rest,
                    "parent": names.get(tags.get("mlflow.parentRunId")),
                    "params": dict(connection.execute("SELECT key, value FROM params WHERE run_uuid = ?", [run_id]).fetchall()),
                    "tags": {key: value for key, value in tags.items() if key not in dropped},
                    "points": sorted(connection.execute(points, [run_id]).fetchall()),
                }
            )
    return found


def content_points(folder: RunFolder, store: MlflowStore) -> int:
    """Points that MLflow holds of a delivered run and of its samples."""
    marks = read_delivered(folder.delivery_log)
    ids = [marks.run_id, *marks.samples.values()]
    with closing(sqlite3.connect(store.uri.removeprefix("sqlite:///"), timeout=30)) as connection:
        query = f"SELECT count(*) FROM metrics WHERE run_uuid IN ({', '.join('?' * len(ids))})"
        return int(connection.execute(query, ids).fetchone()[0])


def finished_samples(folder: RunFolder) -> list[FinishedSample]:
    """The samples that are done, with their steps, over all sessions."""
    return list(SampleAssembly(asked_again(folder)).feed(read_events(folder)))


def journal_points(folder: RunFolder) -> dict[str, list[tuple[str, int, int, float]]]:
    """What the journal's finished samples come to, straight from its events: by sample, name, step, time, value.

    Independent of the code that delivers: a step's metrics are its fields of these names, and the time of all is the event's own.
    """
    steps: dict[str, list[Any]] = {}
    found: dict[str, list[tuple[str, int, int, float]]] = {}
    names = ("entropy", "ema", "peak", "alpha", "loss", "delta_v_norm", "grad_norm", "value_cosine", "device_memory_bytes")
    for event in read_events(folder):
        if isinstance(event, SessionStarted):
            steps.clear()
        elif isinstance(event, SampleEntry):
            one = event.sample
            reply = steps.pop(one.sample_id, [])
            points = [(name, s.token_index, s.timestamp_ms, getattr(s, name)) for s in reply for name in names]
            points += [("step_ms", s.token_index, s.timestamp_ms, s.forward_ms + s.control_ms) for s in reply]
            end = reply[-1].timestamp_ms if reply else one.started_ms
            own = {"score": one.score, "tokens/output": one.output_tokens, "latency/total_ms": one.generation_ms}
            points += [(name, 0, end, value) for name, value in (own | {"latency/first_token_ms": one.time_to_first_token_ms}).items()]
            found[one.sample_id] = sorted((name, step, stamp, float(value)) for name, step, stamp, value in points if value is not None)
        elif not isinstance(event, SessionEnded) and hasattr(event, "token_index"):
            steps.setdefault(event.sample_id, []).append(event)
    return found


def sample_points_in(database: Path, experiment_id: str) -> dict[str, list[tuple[str, int, int, float]]]:
    """The same as MLflow's database holds them."""
    runs = {name: each for name, several in content(database, experiment_id).items() for each in several if each["parent"]}
    return {each["tags"]["vreason.sample_id"]: sorted(tuple(point[:4]) for point in each["points"]) for each in runs.values()}


def without_measured(record: Any) -> dict[str, Any]:
    """A step's or a sample's fields but for times, memory, the machine's load and the variant's place, which no two runs share."""
    measured = {"timestamp_ms", "forward_ms", "control_ms", "device_memory_bytes", "memory_source", "started_ms", "decode_video_ms"}
    measured |= {"time_to_first_token_ms", "generation_ms", "peak_memory_bytes", "peak_allocated_bytes", "peak_reserved_bytes"}
    measured |= {"rotation_place", "other_load", "cpu_steal", "energy_joules"}
    values = record if isinstance(record, dict) else asdict(record)
    return {name: value for name, value in values.items() if name not in measured}


def outcome(folder: RunFolder) -> list[tuple[int, dict[str, Any], list[dict[str, Any]]]]:
    """Everything that a run says but for what is measured: samples in their order, each with its steps."""
    return [
        (done.number, without_measured(done.sample), [without_measured(step) for step in done.steps]) for done in finished_samples(folder)
    ]


def sessions(folder: RunFolder) -> list[int]:
    """Numbers of its sessions, in order."""
    return [event.session for event in read_events(folder) if isinstance(event, SessionStarted)]
