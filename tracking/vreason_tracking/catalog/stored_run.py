"""A variant's run as an MLflow store knows it, wherever it was made."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from vreason.clock import unix_ms
from vreason.errors import TrackingError
from vreason_tracking.delivery import SILENT_MS
from vreason_tracking.records import DONE_TAG, EXPECTED_SAMPLES_TAG, HEARTBEAT_TAG, KIND_TAG, RUN_TAG, VARIANT_KIND, metric_names
from vreason_tracking.stores import MlflowStore, failure, reason_of, redact_password

_log = logging.getLogger(__name__)

SILENT = "SILENT"
"""Status of a run that claims to be running, but has not been heard of for a while."""


class StoredRun:
    """An MLflow run of a variant.

    Args:
        run: MLflow's.
        store: where it is.
        now_ms: Unix time, milliseconds; None takes the clock's.
    """

    def __init__(self, run: Any, store: MlflowStore, now_ms: int | None = None) -> None:
        self.run, self.store = run, store
        self._now_ms = unix_ms() if now_ms is None else now_ms

    @property
    def run_id(self) -> str:
        """MLflow's id of it."""
        return str(self.run.info.run_id)

    @property
    def experiment_id(self) -> str:
        """MLflow's id of its experiment."""
        return str(self.run.info.experiment_id)

    @property
    def experiment(self) -> str:
        """The name of its experiment."""
        return self.store.experiments.get(self.experiment_id, self.experiment_id)

    @property
    def name(self) -> str:
        """The variant."""
        return str(self.run.info.run_name)

    @property
    def tags(self) -> Mapping[str, str]:
        """The run's tags by name, as MLflow has them."""
        return dict(self.run.data.tags)

    @property
    def metrics(self) -> Mapping[str, float]:
        """Newest values of its metrics, by the names that they have now."""
        return metric_names.in_current_names(self.run.data.metrics)

    @property
    def journal_id(self) -> str | None:
        """The run's name in the journal that it was delivered from."""
        return self.tags.get(RUN_TAG)

    @property
    def started_ms(self) -> int:
        """Unix time, milliseconds."""
        return int(self.run.info.start_time)

    @property
    def ended_ms(self) -> int | None:
        """Unix time, milliseconds; None while it is under way."""
        return None if self.run.info.end_time is None or self.run.info.status == "RUNNING" else int(self.run.info.end_time)

    @property
    def heard_ms(self) -> int:
        """When it was heard of last, Unix time in milliseconds."""
        beat = self.tags.get(HEARTBEAT_TAG, "")
        return int(beat) if beat.isdecimal() else self.started_ms

    @property
    def silent_ms(self) -> int | None:
        """For how long it has been silent, if it claims to be running and that is too long."""
        silence = self._now_ms - self.heard_ms
        return silence if self.run.info.status == "RUNNING" and silence >= SILENT_MS else None

    @property
    def status(self) -> str:
        """MLflow's, but SILENT for a run that claims to be running and is not heard of."""
        return SILENT if self.silent_ms is not None else str(self.run.info.status)

    @cached_property
    def done(self) -> int:
        """Number of finished samples. For a run that has not ended the store is asked."""
        told = self.tags.get(DONE_TAG, "")
        if told.isdecimal() and self.status != "RUNNING":
            return int(told)
        with translate_store_errors(self.store):
            points = series_of(self.store, self.run_id, metric_names.LIVE_FAILED)
        return max((point.step for point in points), default=0)

    @property
    def expected_samples(self) -> int | None:
        """Number of samples that it was begun to ask; None where nobody says so."""
        told = self.tags.get(EXPECTED_SAMPLES_TAG, "")
        return int(told) if told.isdecimal() else self.done if self.status == "FINISHED" else None

    @property
    def accuracy(self) -> float | None:
        """Of a run that is finished."""
        return self.metrics.get(metric_names.ACCURACY) if self.status == "FINISHED" else None


def stored_runs(store: MlflowStore) -> list[StoredRun]:
    """Every variant's run of the store's experiment, or experiments; newest first.

    Raises:
        TrackingError: the store does not answer.
    """
    now = unix_ms()
    with translate_store_errors(store):
        runs = store.all_runs(f"tags.`{KIND_TAG}` = '{VARIANT_KIND}'", "attributes.start_time DESC")
    _log.info("%s holds %d run(s) of variants in %d experiment(s)", redact_password(store.uri), len(runs), len(store.experiments))
    return [StoredRun(run, store, now) for run in runs]


def series_of(store: MlflowStore, run_id: str, name: str) -> list[Any]:
    """MLflow's points of a series, in no order; those that earlier versions recorded under another name are among them.

    Args:
        store: where the run is.
        run_id: MLflow's id of it.
        name: the metric, as it is called now.

    Raises:
        Exception: whatever the store raises.
    """
    names = [each for each in (name, metric_names.former_name(name)) if each]
    return [point for each in names for point in store.client.get_metric_history(run_id, each)]


@contextmanager
def translate_store_errors(store: MlflowStore) -> Iterator[None]:
    """Say of whatever a store raises that it cannot be used now, and what to do.

    Raises:
        TrackingUnavailableError: it is unavailable or busy.
        TrackingError: it refuses.
    """
    from mlflow.exceptions import MlflowException
    from requests.exceptions import RequestException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except TrackingError:
        raise
    except (MlflowException, SQLAlchemyError, RequestException, OSError) as error:
        text = f"{redact_password(store.uri)}: does not answer as it should ({reason_of(error)}); check it with `vreason-track doctor`"
        raise failure(error, text) from error
