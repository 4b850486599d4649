"""Mends what a check of the store has found: what is missing is sent, what is too much is replaced."""

from __future__ import annotations

import tempfile
from pathlib import Path

from vreason_tracking.delivery.checkpoint import DeliveryLog
from vreason_tracking.delivery.mlflow_points import ended_ms
from vreason_tracking.delivery.recorded_content import RecordedContent, SampleContent
from vreason_tracking.delivery.store_check import Difference, StoreCheck
from vreason_tracking.delivery.variant_run import VariantRun
from vreason_tracking.journal import Lease, RunFolder
from vreason_tracking.stores import MlflowStore


def repair_samples(folder: RunFolder, store: MlflowStore, found: StoreCheck) -> bool:
    """Mend the runs of samples; whether the variant's own run has to be delivered again, which its marks then say.

    A run that has too much is deleted, which MLflow can undo, and made anew.

    Args:
        folder: the run's.
        store: where it was delivered to.
        found: what the check has found.

    Raises:
        LeaseTakenError: another process delivers the run.
        TrackingError: the journal cannot be read.
        Exception: whatever the store raises; done again, it comes to the same.
    """
    with Lease(folder.delivery_lease), tempfile.TemporaryDirectory(prefix="vreason-") as scratch_dir:
        log = DeliveryLog(folder.delivery_log)
        try:
            run = VariantRun(folder, store, log, Path(scratch_dir))
            known = {each.sample_id: each for each in found.differences if each.recorded}
            for content in RecordedContent(folder).samples():
                if difference := known.get(content.finished.sample.sample_id):
                    _repair(run, content, difference)
            for stray in [each for each in found.differences if not each.recorded]:
                for mlflow_id in stray.mlflow_ids:
                    store.client.delete_run(mlflow_id)
            own = [each for each in found.differences if each.sample_id is None]
            if any(each.superfluous for each in own):
                run.replace()
            elif own:
                run.refresh()
            return bool(own)
        finally:
            log.close()


def _repair(run: VariantRun, content: SampleContent, difference: Difference) -> None:
    store, sample = run.store, content.finished.sample
    mlflow_id = next(iter(difference.mlflow_ids), None)
    if difference.superfluous:
        for each in difference.mlflow_ids:
            store.client.delete_run(each)
        mlflow_id = None
    points = difference.missing if mlflow_id is not None else content.points
    if mlflow_id is None:
        mlflow_id = store.start_run(sample.sample_id, content.tags, run.run_id, sample.started_ms)
    store.log(mlflow_id, points, tags=content.tags)
    store.end_run(mlflow_id, content.status, ended_ms(content.finished))
    run.log.replaced(sample.sample_id, mlflow_id, len(content.points))
