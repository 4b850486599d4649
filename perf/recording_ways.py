"""The ways of keeping a decoder's figures that `recording.py` compares: each is given the same steps, and says afterwards what it kept."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Metric
from sqlalchemy import create_engine, text
from synthetic_record import make_manifest

from vreason.events import SampleRecord, StepRecord
from vreason_tracking.journal import read_events
from vreason_tracking.records import count_points, step_points
from vreason_tracking.running import RunRecorder


class Journal:
    """The project's own: `RunRecorder`, a journal on disk, fsynced at the end of every sample."""

    name, steps, paced = "journal", 50_000, 64

    def begin(self, folder: Path, samples: int) -> None:
        """A new run."""
        self._recorder = RunRecorder.create(folder, make_manifest(samples))

    def on_steps(self, block: Sequence[StepRecord]) -> None:
        """What the decoding loop calls."""
        self._recorder.on_steps(block)

    def on_sample(self, sample: SampleRecord) -> None:
        """A sample is finished."""
        self._recorder.on_sample(sample)

    def end(self) -> None:
        """Write what waits; everything is on disk afterwards."""
        self._recorder.finish("FINISHED")

    def stored(self) -> int:
        """Points of the steps that are really there."""
        return sum(count_points(event) for event in read_events(self._recorder.folder) if isinstance(event, StepRecord))


class MlflowBatches:
    """`client.log_batch`, as many points at once as `size` says; None: those of one step."""

    name, steps, paced = "mlflow log_batch, a step each", 500, 16
    size: int | None = None

    def __init__(self, uri: str) -> None:
        self._uri, self._client = uri, MlflowClient(uri)

    def begin(self, folder: Path, samples: int) -> None:
        """A new run."""
        self._waiting: list[Metric] = []
        self._run = self._client.create_run("0").info.run_id

    def on_steps(self, block: Sequence[StepRecord]) -> None:
        """Send every step, or collect it until there are `size` points."""
        for step in block:
            self._waiting += [Metric(name, value, step.timestamp_ms, step.token_index) for name, value in step_points(step)]
            if self.size is None:
                self._send(len(self._waiting))
            elif len(self._waiting) >= self.size:
                self._send(self.size)

    def _send(self, count: int) -> None:
        self._client.log_batch(self._run, self._waiting[:count])
        del self._waiting[:count]

    def on_sample(self, sample: SampleRecord) -> None:
        """Only steps are compared."""

    def end(self) -> None:
        """What is left, and the run's end."""
        if self._waiting:
            self._send(len(self._waiting))
        self._client.set_terminated(self._run)

    def stored(self) -> int:
        """Points of the run in the database."""
        engine = create_engine(self._uri)
        try:
            with engine.connect() as connection:
                count = text("SELECT COUNT(*) FROM metrics WHERE run_uuid = :run")
                return int(connection.execute(count, {"run": self._run}).scalar_one())
        finally:
            engine.dispose()


class MlflowThousands(MlflowBatches):
    """The fastest way that MLflow's interface has."""

    name, steps, paced, size = "mlflow log_batch of 1,000", 2_000, 64, 1_000


class MlflowMetrics(MlflowBatches):
    """`log_metric`, point by point."""

    name, steps, paced = "mlflow log_metric", 96, 3
    synchronous = True

    def on_steps(self, block: Sequence[StepRecord]) -> None:
        """A call a point."""
        for step in block:
            for name, value in step_points(step):
                self._client.log_metric(self._run, name, value, step.timestamp_ms, step.token_index, synchronous=self.synchronous)


class MlflowAsync(MlflowMetrics):
    """Every point through MLflow's queue, as it comes."""

    name, paced = "mlflow log_metric, async", 64
    synchronous = False
    buffered = ""

    def begin(self, folder: Path, samples: int) -> None:
        """A new run; MLflow reads the environment each time it looks into its queue."""
        os.environ.pop("MLFLOW_ASYNC_LOGGING_BUFFERING_SECONDS", None)
        if self.buffered:
            os.environ["MLFLOW_ASYNC_LOGGING_BUFFERING_SECONDS"] = self.buffered
        super().begin(folder, samples)

    def end(self) -> None:
        """Wait for the queue, as MLflow's documentation asks for."""
        self._client._tracking_client.store.flush_async_logging()  # what mlflow.flush_async_logging() calls, for this client's database
        super().end()


class MlflowBuffered(MlflowAsync):
    """Every point through MLflow's queue, merged for a second."""

    name, steps, buffered = "mlflow log_metric, async, 1 s buffer", 2_000, "1"


class WandbOffline:
    """`wandb.log` of a dictionary a step, offline. What it would record besides (console, machine, code) is turned off."""

    name, steps, paced = "W&B offline", 10_000, 64

    def begin(self, folder: Path, samples: int) -> None:
        """A new run."""
        import wandb

        quiet: dict[str, Any] = {"console": "off", "silent": True, "disable_git": True, "disable_code": True}
        settings = wandb.Settings(**quiet, x_disable_stats=True, x_disable_machine_info=True)
        folder.mkdir(parents=True)
        self._folder = folder
        self._run: Any = wandb.init(project="benchmark", mode="offline", dir=str(folder), settings=settings)

    def on_steps(self, block: Sequence[StepRecord]) -> None:
        """A call a step."""
        for step in block:
            self._run.log(dict(step_points(step)))

    def on_sample(self, sample: SampleRecord) -> None:
        """Only steps are compared."""

    def end(self) -> None:
        """Write what waits; everything is in its file afterwards."""
        self._run.finish()

    def stored(self) -> int:
        """Points in its file: the items of its history records, without its own."""
        from wandb.proto import wandb_internal_pb2
        from wandb.sdk.internal.datastore import DataStore

        messages: Any = wandb_internal_pb2
        store: Any = DataStore()
        store.open_for_scan(str(next(self._folder.rglob("*.wandb"))))
        points, record = 0, messages.Record()
        while (data := store.scan_data()) is not None:
            record.ParseFromString(data)
            names = ((item.key or item.nested_key[0]) for item in record.history.item)
            points += sum(not name.startswith("_") for name in names)
        return points


Way = Journal | MlflowBatches | WandbOffline


def all_ways(uri: str) -> list[Way]:
    """Every way; those of MLflow write into the database `uri`."""
    made: list[Way] = [Journal(), MlflowMetrics(uri), MlflowAsync(uri), MlflowBuffered(uri), MlflowBatches(uri), MlflowThousands(uri)]
    try:
        import wandb  # noqa: F401
    except ImportError:
        print('W&B is not installed: `pip install -c constraints.txt -e ".[perf]"`; it is left out')
        return made
    return [*made, WandbOffline()]
