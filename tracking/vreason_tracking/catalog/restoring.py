"""Bringing runs back that were deleted in MLflow, by `Deletion` or in MLflow's pages, with the runs of their samples."""

from __future__ import annotations

from dataclasses import dataclass

from vreason.errors import TrackingError
from vreason_tracking.audit import enter
from vreason_tracking.catalog.catalog import Catalog
from vreason_tracking.catalog.deletion import store_of
from vreason_tracking.catalog.run import Run
from vreason_tracking.catalog.stored_run import translate_store_errors
from vreason_tracking.records import user_name
from vreason_tracking.stores import PARENT_TAG, MlflowStore, open_store


@dataclass(frozen=True)
class Restored:
    """What was restored of a run: its id in MLflow, the variant, and how many MLflow runs, with those of its samples."""

    mlflow_id: str
    variant: str
    mlflow_runs: int


def restore(catalog: Catalog, name: str) -> Restored:
    """Restore a run and the runs of its samples; what is not deleted is left as it is.

    Args:
        catalog: where the run is looked for.
        name: as for `Catalog.find`; a run that only MLflow knows is named by its whole id there, for a deleted one is in no list.

    Raises:
        TrackingError: there is no such run, the store cannot be asked, or does not hold it any more.
    """
    run = _found(catalog, name)
    mlflow_id = name if run is None else run.mlflow_id
    if mlflow_id is None:
        raise TrackingError(
            f"run {name} was never delivered, and so never deleted in MLflow; `vreason-track journal deliver` carries it there"
        )
    store = open_store(catalog.uri, None, patient=False) if run is None else store_of(run, catalog)
    with translate_store_errors(store):
        state = store.state_of(mlflow_id)
        if state is None:
            again = f"; `vreason-track journal deliver --again {run.journal_id}` delivers it anew" if run else ""
            raise TrackingError(f"run {mlflow_id} is not in {catalog.address} (purged by `mlflow gc`?){again}")
        enter(catalog.root, "run.restored", user_name(), f"run:{mlflow_id}", details={"journal_id": run.journal_id or "" if run else ""})
        count = _restore(store, mlflow_id, deleted=state == "deleted")
        variant = str(store.client.get_run(mlflow_id).info.run_name)
    return Restored(mlflow_id, variant, count)


def _found(catalog: Catalog, name: str) -> Run | None:
    """The run of one of the lists; None where MLflow alone may know the name."""
    try:
        return catalog.find(name)
    except TrackingError:
        if len(name) == 32 and name.isalnum():
            return None
        raise


def _restore(store: MlflowStore, mlflow_id: str, *, deleted: bool) -> int:
    """The parent first: should the rest fail, the run is in the lists, and can be restored once more."""
    if deleted:
        store.client.restore_run(mlflow_id)
    experiment = store.client.get_run(mlflow_id).info.experiment_id
    nested = store.deleted_runs(f"tags.`{PARENT_TAG}` = '{mlflow_id}'", experiment)
    for run in nested:
        store.client.restore_run(run.info.run_id)
    return len(nested) + int(deleted)
