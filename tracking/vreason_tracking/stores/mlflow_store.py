"""The few things we ask of MLflow, in the sizes that it takes: at most 1,000 points or 100 tags or parameters a call."""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Iterable, Mapping
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from vreason.errors import TrackingError, TrackingUnavailableError
from vreason_tracking.stores import database
from vreason_tracking.stores.addresses import normalised, redact_password, resolved_uri, sqlite_path
from vreason_tracking.stores.mlflow_internals import silence_database_log
from vreason_tracking.stores.moved_artifacts import follow_the_database
from vreason_tracking.stores.refused_values import RefusedValue, send_all_but_refused
from vreason_tracking.stores.store_errors import failure, is_refused_value, reason_of, short_http_timeouts

__all__ = ["PARENT_TAG", "MlflowStore", "Point", "open_store"]

_log = logging.getLogger(__name__)

Point = tuple[str, float, int, int]
"""Name, value, Unix time in milliseconds, step."""

PARENT_TAG = "mlflow.parentRunId"
"""MLflow's tag of a nested run: the id of the run above it."""

_EXPERIMENT_TAGS = {"mlflow.experimentKind": "custom_model_development"}  # the UI then opens on runs and charts, not on traces
_FOUND_BY = ("vreason.", "mlflow.")  # tags by which runs are found begin so
_POINTS = 1000
_PAIRS = 100
_PROXIED = "mlflow-artifacts:"
_LONGEST = 5000  # characters of a tag's or parameter's value that every store takes
_LONGEST_NAME = 250  # characters of a run's name
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")  # PostgreSQL has no NUL, UTF-8 no lone surrogate; models write both


class MlflowStore:
    """One experiment of one tracking database or server.

    Args:
        uri: any SQLAlchemy URL or tracking server that MLflow understands.
        experiment: its name; None opens all that there are, to search them with `all_runs`.
        create: make the experiment when it is not there; else that is an error.
        patient: let MLflow repeat calls to a server that does not answer, for minutes; False makes every call of this process short, for
            a caller that tries again by itself.
        artifacts: in a tracking server's own process: where it keeps what its clients know by mlflow-artifacts: addresses.

    Attributes:
        refused: values that the store did not take, in the order in which they were sent.

    Raises:
        TrackingUnavailableError: the database or server is unavailable or busy.
        TrackingError: it cannot be used.
    """

    def __init__(
        self, uri: str, experiment: str | None, *, create: bool = True, patient: bool = True, artifacts: str | None = None
    ) -> None:
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")  # a line a sample, with the server's password in it
        os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
        began = time.monotonic()
        if not patient:
            short_http_timeouts()
        from mlflow import MlflowClient

        silence_database_log()
        self.uri, self._followed, self._artifacts = normalised(uri), False, artifacts
        self.refused: list[RefusedValue] = []
        database.prepare(self.uri)
        try:
            self.client = MlflowClient(tracking_uri=self.uri)
            self.experiment_id = "" if experiment is None else self._experiment(experiment, create)
            self.experiments = {self.experiment_id: experiment} if experiment is not None else self._all_experiments()
        except TrackingError:
            raise
        except Exception as error:  # whatever a database driver or an HTTP client raises
            shown, reason = redact_password(uri), reason_of(error)
            text = f"{shown}: cannot be used for tracking ({reason}); check tracking.uri, and that its server runs"
            raise failure(error, text) from error
        seconds = time.monotonic() - began
        _log.info("store %s opened in %.2f s: experiment %s", redact_password(self.uri), seconds, experiment or "(all)")

    def direct_uri(self, uri: str) -> str:
        """An artifact's address as this process reaches it: not by way of the server, where it is that itself.

        Raises:
            TrackingError: the address leads out of the place where artifacts are kept.
        """
        if self._artifacts is None or not uri.startswith(_PROXIED):
            return uri
        parts = [part for part in unquote(urlsplit(uri).path).split("/") if part]  # whatever server it names, this one is meant
        if ".." in parts:
            raise TrackingError(f"{uri}: leads out of the place where artifacts are kept; see who wrote it")
        return "/".join([self._artifacts.rstrip("/"), *parts])

    def _experiment(self, name: str, create: bool) -> str:
        found = self.client.get_experiment_by_name(name)
        if found is None and not create:
            where = redact_password(self.uri)
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

    def _all_experiments(self) -> dict[str, str]:
        found = self.client.search_experiments()
        experiments = list(found)
        while found.token:
            found = self.client.search_experiments(page_token=found.token)
            experiments += found
        return {str(experiment.experiment_id): str(experiment.name) for experiment in experiments}

    def start_run(
        self,
        name: str,
        tags: Mapping[str, str],
        parent: str | None = None,
        started_ms: int | None = None,
        experiment_id: str | None = None,
    ) -> str:
        """Open a run, nested below `parent` if given, in the store's experiment unless another is named; returns its id.

        Tags that the store does not take are left out, as by `log`; those by which runs are found are not.
        """
        self._follow_moved_artifacts()
        whole = dict(tags) | ({PARENT_TAG: parent} if parent else {})
        present = experiment_id or self.experiment_id
        shown = _fitting(name, _LONGEST_NAME)
        try:
            return self._created(present, started_ms, whole, shown)
        except Exception as error:
            if not is_refused_value(error):
                raise
            kept = {each: value for each, value in whole.items() if each.startswith(_FOUND_BY)}
            run_id = self._created(present, started_ms, kept, shown)
            self.log(run_id, tags={each: value for each, value in whole.items() if each not in kept})
            return run_id

    def _created(self, experiment_id: str, started_ms: int | None, tags: Mapping[str, str], name: str) -> str:
        run = self.client.create_run(experiment_id, start_time=started_ms, tags=truncate_values(tags), run_name=name)
        if not run.info.run_id:  # a proxy may answer "{}" in the server's place
            raise TrackingUnavailableError(f"{redact_password(self.uri)}: answered the making of a run without the run's id")
        return str(run.info.run_id)

    def _follow_moved_artifacts(self) -> None:
        """Before the first thing is written: artifacts of a project that has moved go beside its database, not into the old place."""
        path = None if self._followed else sqlite_path(self.uri)
        self._followed = True
        if path is not None:
            follow_the_database(path)

    def rename_run(self, run_id: str, name: str) -> None:
        """Give a run another name."""
        self.client.update_run(run_id, name=_fitting(name, _LONGEST_NAME))

    def log(
        self, run_id: str, points: Iterable[Point] = (), params: Mapping[str, Any] | None = None, tags: Mapping[str, str] | None = None
    ) -> None:
        """Write points, parameters and tags; points keep their own times, so that the same ones sent twice change nothing.

        A value that the store does not take is left out, and stands in `refused` from then on.

        Raises:
            Exception: the store is unavailable, or refuses the run.
        """
        from mlflow.entities import Metric, Param, RunTag

        for chunk in _chunks([Metric(name, value, stamp, step) for name, value, stamp, step in points], _POINTS):
            self._send(run_id, "metric", chunk)
        for chunk in _chunks([Param(name, value) for name, value in truncate_values(params or {}).items()], _PAIRS):
            self._send(run_id, "parameter", chunk)
        for chunk in _chunks([RunTag(name, value) for name, value in truncate_values(tags or {}).items()], _PAIRS):
            self._send(run_id, "tag", chunk)

    def _send(self, run_id: str, kind: str, items: list[Any]) -> None:
        word = {"metric": "metrics", "parameter": "params", "tag": "tags"}[kind]
        refused = send_all_but_refused(
            lambda some: self.client.log_batch(run_id, **{word: some}), items, lambda: self.state_of(run_id) == "active"
        )
        for item, reason in refused:
            _log.warning("run %s: the store does not take the %s %r: %s", run_id, kind, item.key, reason)
            self.refused.append(RefusedValue(run_id, kind, str(item.key), reason))

    def log_files(self, run_id: str, files: Iterable[Path], folder: str | None = None) -> None:
        """Copy files into the run's artifacts."""
        self._follow_moved_artifacts()
        for file in files:
            self.client.log_artifact(run_id, str(file), folder)

    def end_run(self, run_id: str, status: str, ended_ms: int | None = None) -> None:
        """Close a run as FINISHED, FAILED or KILLED."""
        self.client.set_terminated(run_id, status, ended_ms)

    def reopen_run(self, run_id: str, tags: Mapping[str, str]) -> None:
        """A run that had ended goes on."""
        self.client.update_run(run_id, status="RUNNING")
        self.log(run_id, tags=tags)

    def delete_tag(self, run_id: str, name: str) -> None:
        """Take a tag away, if the run has it."""
        if name in self.client.get_run(run_id).data.tags:
            self.client.delete_tag(run_id, name)

    def state_of(self, run_id: str) -> str | None:
        """Whether a run of this id is "active" or "deleted", which can be undone; None where the store does not hold it."""
        from mlflow.exceptions import MlflowException

        try:
            return str(self.client.get_run(run_id).info.lifecycle_stage)
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return None
            raise

    def all_runs(self, query: str, order: str, experiment_id: str | None = None) -> list[Any]:
        """Every run of one experiment, else of the store's, or of all of them, that fits a search, page by page; none that is deleted."""
        return self._pages(query, order, [experiment_id] if experiment_id else list(self.experiments))

    def deleted_runs(self, query: str, experiment_id: str) -> list[Any]:
        """Every run of an experiment that fits a search and was deleted, which can be undone."""
        from mlflow.entities import ViewType

        return self._pages(query, "attributes.start_time ASC", [experiment_id], ViewType.DELETED_ONLY)

    def _pages(self, query: str, order: str, experiments: list[str], view: int = 1) -> list[Any]:
        runs: list[Any] = []
        token = None
        while True:
            page = self.client.search_runs(experiments, query, view, 1000, [order], token)
            runs += page
            token = page.token
            if not token:
                return runs


def open_store(uri: str | None, experiment: str | None, *, patient: bool = True, artifacts: str | None = None) -> MlflowStore:
    """The store behind `uri`; without one what the environment names, else the SQLite file in this folder, as `run` has it.

    Raises:
        TrackingError: it cannot be used, or holds no such experiment.
    """
    resolved = resolved_uri(uri)
    path = sqlite_path(resolved)
    if path is not None and not path.exists():
        raise TrackingError(f"{resolved}: there is no such database; name it with --tracking-uri, or run something first")
    return MlflowStore(resolved, experiment, create=False, patient=patient, artifacts=artifacts)


def truncate_values(values: Mapping[str, Any]) -> dict[str, str]:
    """Values as text that every store takes. The Parquet artifacts hold everything whole."""
    return {name: _fitting(str(value), _LONGEST) for name, value in values.items()}


def sanitize_text(text: str) -> str:
    """The text in characters that every store and file takes."""
    return _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def _fitting(text: str, longest: int) -> str:
    """A text that every store takes; one that is cut ends in an ellipsis."""
    text = sanitize_text(text)
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _chunks(items: list[Any], size: int) -> Iterable[list[Any]]:
    rest = iter(items)
    while chunk := list(islice(rest, size)):
        yield chunk
