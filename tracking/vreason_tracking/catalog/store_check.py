"""Runs of a journal held against the stores that they were delivered to: whether each is still there, and whether it is whole."""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from vreason.errors import TrackingError
from vreason_tracking.catalog.destinations import destination
from vreason_tracking.catalog.journal_delivery import JournalDelivery
from vreason_tracking.catalog.local_run import LocalRun, local_runs
from vreason_tracking.catalog.stored_run import translate_store_errors
from vreason_tracking.delivery import StoreCheck, check_store, deleted_in_store, repair_samples
from vreason_tracking.journal import LeaseTakenError, RunFolder
from vreason_tracking.records import HOST_TAG, JOURNAL_TAG, KIND_TAG, RUN_TAG, VARIANT_KIND
from vreason_tracking.stores import MlflowStore, open_store


def delivered_by_address(
    folders: Sequence[RunFolder], uri: str | None, environment: Mapping[str, str]
) -> tuple[dict[str, list[LocalRun]], list[str]]:
    """The runs that were delivered to their end, by the address of the store that has them; and what stands in the way of others.

    Args:
        folders: the runs.
        uri: the address; None takes that of each run.
        environment: may name the address of a run whose own holds a password.
    """
    groups: dict[str, list[LocalRun]] = {}
    failures = []
    for folder in folders:
        run = LocalRun(folder)
        try:
            if run.fault is None and run.is_delivered:
                groups.setdefault(destination(run, uri, environment).uri, []).append(run)
        except TrackingError as error:
            failures.append(str(error))
    return groups, failures


def gone_from_store(runs: Sequence[LocalRun], uri: str) -> list[str]:
    """What to say of those runs that the store no longer holds, though they were delivered there; a message each.

    Raises:
        TrackingUnavailableError: the store is unavailable.
        TrackingError: it cannot be used.
    """
    store = open_store(uri, None, patient=False)
    with translate_store_errors(store):
        there = {run.info.run_id for run in store.all_runs(f"tags.`{KIND_TAG}` = '{VARIANT_KIND}'", "attributes.start_time ASC")}
        gone = [(run, run.marks.run_id or "") for run in runs if run.marks.run_id not in there]
        states = {mlflow_id: store.state_of(mlflow_id) for _, mlflow_id in gone}
    return [
        deleted_in_store(run.run_id, mlflow_id)
        if states[mlflow_id]
        else f"run {run.run_id} ({run.variant}) was delivered as {mlflow_id}, which the store no longer holds (purged by `mlflow gc`?):"
        f" `vreason-track journal deliver --again {run.run_id}` delivers it anew"
        for run, mlflow_id in gone
    ]


def lost_here(root: Path, uri: str) -> list[str]:
    """Runs of the store that were recorded in this journal and are not in it any more; a message each.

    Raises:
        TrackingError: the store cannot be used.
    """
    store = open_store(uri, None, patient=False)
    here = {run.run_id for run in local_runs(root)}
    with translate_store_errors(store):
        runs = store.all_runs(f"tags.`{JOURNAL_TAG}` = '{_quoted(root)}'", "attributes.start_time ASC")
    return [
        f"run {run.data.tags[RUN_TAG]} ({run.info.run_name}) is in the store as {run.info.run_id}, and its folder is gone from {root}"
        for run in runs
        if run.data.tags.get(HOST_TAG) == platform.node() and run.data.tags.get(RUN_TAG) not in here
    ]


def _quoted(root: Path) -> str:
    return str(root).replace("'", "''")


def check_delivered(run: LocalRun, store: MlflowStore) -> StoreCheck:
    """Read a run back from the store, and hold it against the journal point for point.

    Raises:
        TrackingError: the journal cannot be read, or the store cannot be used.
    """
    with translate_store_errors(store):
        return check_store(run.folder, store)


def repair(run: LocalRun, uri: str, found: StoreCheck, notice: Callable[[str], None], wait: float) -> StoreCheck:
    """Mend what the check has found, and check again.

    Args:
        run: of the journal.
        uri: the store's address, password and all.
        found: of `check_delivered`.
        notice: told in words of what a user should know meanwhile.
        wait: seconds for which a store that is unavailable is asked again.

    Raises:
        TrackingError: another process delivers the run, or the store cannot be used, or does not take it.
    """
    store = MlflowStore(uri, run.manifest.experiment, patient=False)
    try:
        with translate_store_errors(store):
            again = repair_samples(run.folder, store, found)
    except LeaseTakenError as error:
        raise TrackingError(f"run {run.run_id}: {error.holder} delivers it; wait for it, then repair it") from error
    if again:
        delivery = JournalDelivery(uri, [LocalRun(run.folder)], notice, wait)
        try:
            for _ in delivery.advance():
                pass
        finally:
            delivery.close()
        if reasons := [*delivery.result.refused.values(), *filter(None, [delivery.result.unavailable])]:
            raise TrackingError(f"run {run.run_id}: {'; '.join(reasons)}")
    return check_delivered(LocalRun(run.folder), store)
