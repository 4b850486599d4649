"""The few things we ask of MLflow, in the sizes that it takes: at most 1,000 points or 100 tags or parameters a call."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from vreason.errors import TrackingError
from vreason_tracking import database
from vreason_tracking.settings_sections import resolved_uri

Point = tuple[str, float, int, int]
"""Name, value, Unix time in milliseconds, step."""

_EXPERIMENT_TAGS = {"mlflow.experimentKind": "custom_model_development"}  # the UI then opens on runs and charts, not on traces
_POINTS = 1000
_PAIRS = 100
_LONGEST = 5000  # characters of a tag's or parameter's value that every store takes


class MlflowStore:
    """One experiment of one tracking database or server.

    Args:
        uri: any SQLAlchemy URL or tracking server that MLflow understands.
        experiment: its name.
        create: make the experiment when it is not there; else that is an error.

    Raises:
        TrackingError: the database cannot be made ready or reached.
    """

    def __init__(self, uri: str, experiment: str, *, create: bool = True) -> None:
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")  # a line a sample, with the server's password in it
        from mlflow import MlflowClient

        self.uri = uri
        database.prepare(uri)
        try:
            self.client = MlflowClient(tracking_uri=uri)
            self.experiment_id = self._experiment(experiment, create)
        except TrackingError:
            raise
        except Exception as error:  # whatever a database driver or an HTTP client raises
            shown, reason = database.without_password(uri), reason_of(error)
            raise TrackingError(f"{shown}: cannot be used for tracking ({reason}); check tracking.uri, and that its server runs") from error

    def _experiment(self, name: str, create: bool) -> str:
        found = self.client.get_experiment_by_name(name)
        if found is None and not create:
            where = database.without_password(self.uri)
            raise TrackingError(f"no experiment {name!r} in {where}; name one that is there with --experiment")
        if found is None:
            from mlflow.exceptions import MlflowException

            try:
                return str(self.client.create_experiment(name, tags=_EXPERIMENT_TAGS))
            except MlflowException:  # another process was faster
                found = self.client.get_experiment_by_name(name)
                if found is None:
                    raise
        if found.lifecycle_stage == "deleted":
            raise TrackingError(f"experiment {name!r} was deleted; restore it with `mlflow experiments restore`, or name another")
        return str(found.experiment_id)

    def start_run(self, name: str, tags: Mapping[str, str], parent: str | None = None, started_ms: int | None = None) -> str:
        """Open a run, nested below `parent` if given; returns its id."""
        whole = dict(tags) | ({"mlflow.parentRunId": parent} if parent else {})
        run = self.client.create_run(self.experiment_id, start_time=started_ms, tags=_short(whole), run_name=name)
        return str(run.info.run_id)

    def log(
        self, run_id: str, points: Iterable[Point] = (), params: Mapping[str, Any] | None = None, tags: Mapping[str, str] | None = None
    ) -> None:
        """Write points, parameters and tags; points keep their own times, so that the same ones sent twice change nothing."""
        from mlflow.entities import Metric, Param, RunTag

        for chunk in _chunks([Metric(name, value, stamp, step) for name, value, stamp, step in points], _POINTS):
            self.client.log_batch(run_id, metrics=chunk)
        for chunk in _chunks([Param(name, value) for name, value in _short(params or {}).items()], _PAIRS):
            self.client.log_batch(run_id, params=chunk)
        for chunk in _chunks([RunTag(name, value) for name, value in _short(tags or {}).items()], _PAIRS):
            self.client.log_batch(run_id, tags=chunk)

    def log_files(self, run_id: str, files: Iterable[Path], folder: str | None = None) -> None:
        """Copy files into the run's artifacts."""
        for file in files:
            self.client.log_artifact(run_id, str(file), folder)

    def end_run(self, run_id: str, status: str, ended_ms: int | None = None) -> None:
        """Close a run as FINISHED, FAILED or KILLED."""
        self.client.set_terminated(run_id, status, ended_ms)


def open_store(uri: str | None, experiment: str) -> MlflowStore:
    """The store behind `uri`; without one what the environment names, else the SQLite file in this folder, as `run` has it.

    Raises:
        TrackingError: it cannot be used, or holds no such experiment.
    """
    resolved = resolved_uri(uri)
    path = database.sqlite_path(resolved)
    if path is not None and not path.exists():
        raise TrackingError(f"{resolved}: there is no such database; name it with --tracking-uri, or run something first")
    return MlflowStore(resolved, experiment, create=False)


def reason_of(error: BaseException) -> str:
    """What went wrong in one line, without passwords and without the driver's preamble."""
    lines = [line for line in str(error).splitlines() if line.strip() and not line.startswith("(raised as a result")]
    return database.without_password(lines[0].strip()) if lines else type(error).__name__


def _short(values: Mapping[str, Any]) -> dict[str, str]:
    """Values as text that fits; what is cut ends in an ellipsis. The Parquet artifacts hold everything whole."""
    texts = {name: str(value) for name, value in values.items()}
    return {name: text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…" for name, text in texts.items()}


def _chunks(items: list[Any], size: int) -> Iterable[list[Any]]:
    rest = iter(items)
    while chunk := list(islice(rest, size)):
        yield chunk
