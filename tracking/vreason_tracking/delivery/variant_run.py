"""A variant's run in MLflow with the runs of its samples: made, found again after an attempt that broke off, replaced by a new one."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vreason.errors import TrackingError
from vreason_tracking.delivery.checkpoint import DeliveryLog
from vreason_tracking.journal import RunFolder
from vreason_tracking.records import (
    CALL_TAG,
    COLOUR_TAG,
    CREATED_BY_TAG,
    EXPECTED_SAMPLES_TAG,
    JOURNAL_TAG,
    KIND_TAG,
    REPLACED_BY_TAG,
    RUN_TAG,
    SAMPLE_ID_TAG,
    USER_TAG,
    VARIANT_KIND,
)
from vreason_tracking.stores import PARENT_TAG, MlflowStore, portable_uri, sanitize_text

_log = logging.getLogger(__name__)


class VariantRun:
    """The run of `folder` in `store`, as far as the marks in `log` tell.

    Args:
        folder: in the journal.
        store: where it is delivered to.
        log: what has been delivered; its owner holds the delivery lease.
        scratch_dir: takes the file with the configuration.

    Attributes:
        interrupted: an earlier attempt may have made runs that are not marked.
        maybe_created: the next sample's run may be there already, made by an attempt that did not come to marking it.
    """

    def __init__(self, folder: RunFolder, store: MlflowStore, log: DeliveryLog, scratch_dir: Path) -> None:
        self.folder, self.store, self.log, self._scratch_dir = folder, store, log, scratch_dir
        self.maybe_created = True
        self.interrupted = log.delivered.run_id is not None
        self._present: dict[str, str] | None = None  # runs of samples that an earlier attempt left, marked or not, by sample

    @property
    def run_id(self) -> str:
        """MLflow's id of it; there is one once it is open."""
        run_id = self.log.delivered.run_id
        assert run_id is not None
        return run_id

    def open(self) -> None:
        """Make the run, or find the one that an earlier attempt made.

        Raises:
            Exception: whatever the store raises; done again, it changes nothing.
        """
        found = self._search(f"tags.`{RUN_TAG}` = '{self.folder.run_id}'")
        self.interrupted |= bool(found)
        self._describe(str(found[0].info.run_id) if found else self._start())
        _log.info("run %s %s in the store as %s", self.folder.run_id, "found" if found else "opened", self.run_id)

    def replace(self) -> None:
        """Make a new run in the place of this one, and move its samples there: MLflow takes no point back that it has been given.

        The old run is deleted, which MLflow can undo, and tells which one has replaced it.

        Raises:
            Exception: whatever the store raises; done again, it comes to the same.
        """
        before = self.run_id
        nested = dict.fromkeys([*self.log.delivered.samples.values(), *(run.info.run_id for run in self.sample_runs())])
        after = self._start()
        for run_id in nested:
            if self.store.state_of(run_id) == "active":
                self.store.log(run_id, tags={PARENT_TAG: after})
        self._describe(after)  # from here on the new one counts: the old one is a stray, should what follows not be reached
        self.interrupted, self._present = True, None
        if self.store.state_of(before) == "active":
            self.store.log(before, tags={REPLACED_BY_TAG: after})
            self.store.client.delete_run(before)
        _log.info("run %s is delivered anew as %s in the place of %s", self.folder.run_id, after, before)

    def refresh(self) -> None:
        """Send its settings once more, and have its series and its end be delivered again; what is there already is not doubled.

        Raises:
            Exception: whatever the store raises.
        """
        self.store.log(self.run_id, tags=self.tags())
        self._describe(self.run_id)
        self.log.again()

    def _start(self) -> str:
        manifest = self.folder.manifest
        return self.store.start_run(manifest.variant, self.tags(), started_ms=manifest.created_ms)

    def tags(self) -> dict[str, str]:
        """The run's tags from its beginning on."""
        manifest = self.folder.manifest
        tags = {
            **manifest.tags,
            RUN_TAG: self.folder.run_id,
            KIND_TAG: VARIANT_KIND,
            COLOUR_TAG: manifest.colour,
            CALL_TAG: manifest.call_id,
            JOURNAL_TAG: str(self.folder.path.parent),
        }
        if manifest.sample_ids:  # a program's own loop does not say
            tags |= {EXPECTED_SAMPLES_TAG: str(len(manifest.sample_ids))}
        if user := manifest.tags.get(USER_TAG):
            tags[CREATED_BY_TAG] = user  # MLflow's "Created by"
        return tags

    def _describe(self, run_id: str) -> None:
        """Write the run's settings; then it counts as opened."""
        manifest = self.folder.manifest
        self.store.log(run_id, params=manifest.params)
        config = self._scratch_dir / "config.yaml"
        config.write_text(manifest.config, encoding="utf-8")
        self.store.log_files(run_id, [config])
        self.log.opened(run_id, self.store.experiment_id, portable_uri(self.store.uri))

    def find_sample(self, sample_id: str) -> str | None:
        """The run of a sample that is not marked, if an earlier attempt made one.

        Raises:
            Exception: whatever the store raises.
        """
        if self._present is None:
            self._present = self._by_sample(self.sample_runs() if self.interrupted else ())
        elif self.maybe_created:
            self._present |= self._by_sample(self.sample_runs())
        return self._present.get(sanitize_text(sample_id))

    @staticmethod
    def _by_sample(runs: Sequence[Any]) -> dict[str, str]:
        return {run.data.tags.get(SAMPLE_ID_TAG, ""): run.info.run_id for run in runs}

    def remove_sample(self, nested: str) -> None:
        """Delete the run of a sample that was asked again; MLflow can undo that.

        Raises:
            Exception: whatever the store raises; done again, it changes nothing.
        """
        if self.store.state_of(nested) == "active":
            self.store.client.delete_run(nested)
        self._present = None

    def sample_runs(self) -> Sequence[Any]:
        """The nested runs of samples in the store, the newest first: of two of one sample the older one counts."""
        return self._search(f"tags.`{PARENT_TAG}` = '{self.run_id}'", "DESC")

    def remove_strays(self) -> None:
        """A request that was given up may have made a run after all, later than anybody could look for it."""
        if not self.interrupted:
            return
        known = {self.run_id, *self.log.delivered.samples.values()}
        variants = self._search(f"tags.`{RUN_TAG}` = '{self.folder.run_id}' AND tags.`{KIND_TAG}` = '{VARIANT_KIND}'")
        samples = [run for run in self.sample_runs() if run.data.tags.get(SAMPLE_ID_TAG)]
        for run in (*variants, *samples):
            if run.info.run_id not in known:
                self.store.client.delete_run(run.info.run_id)

    def _search(self, query: str, order: str = "ASC") -> Sequence[Any]:
        return self.store.all_runs(query, f"attributes.start_time {order}")

    def require_present(self) -> None:
        """Stop before a run is delivered to a store that does not know it, though another one took the beginning of it; or that had it.

        Raises:
            TrackingError: the run that the marks name is not in this store, or was deleted in it.
        """
        delivered, name = self.log.delivered, self.folder.run_id
        if delivered.run_id is None:
            return
        state = self.store.state_of(delivered.run_id)
        if state == "deleted":
            raise TrackingError(deleted_in_store(name, delivered.run_id))
        if state is None:
            raise TrackingError(
                f"run {name} was delivered to {delivered.uri} as {delivered.run_id}, which this store does not hold (another store, or"
                f" purged?): name the right one with --tracking-uri, or deliver everything anew with --again"
            )


def deleted_in_store(run_id: str, mlflow_id: str) -> str:
    """What to say of a run that somebody has deleted in MLflow, in its pages say.

    Args:
        run_id: its name in the journal.
        mlflow_id: MLflow's id of it.
    """
    return (
        f"run {run_id} was deleted in MLflow, where it was {mlflow_id}: `vreason-track runs restore {run_id}` brings it back,"
        f" `vreason-track journal deliver --again {run_id}` delivers it anew, `vreason-track runs delete {run_id} --journal-too` deletes it"
        f" here as well"
    )
