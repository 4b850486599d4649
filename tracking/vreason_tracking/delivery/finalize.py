"""What is written when a session of a run has ended: tables, plots and tags always; summary and curves of a run that is finished.

A run that was killed or failed has no accuracy: a figure over part of the questions would stand beside whole ones. How far it came is in
its `live/` series and in its tables.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from vreason_tracking.journal import Manifest, SessionEnded
from vreason_tracking.presentation import draw_entropy
from vreason_tracking.records import (
    DESCRIPTION_TAG,
    DONE_TAG,
    ERROR_TAG,
    INCOMPLETE_TAG,
    MEMORY_SOURCE_TAG,
    NOTES_TAG,
    TABLES_TAG,
    EntropyCurve,
    RunSummary,
    listed,
    metric_names,
    write_summary_table,
)
from vreason_tracking.stores import MlflowStore, Point


@dataclass(frozen=True)
class RunFinalizer:
    """The end of a session.

    Attributes:
        manifest: of the run.
        end: how the session ended.
        summary, curve: over all finished samples of all sessions.
        done: number of finished samples.
        missing: ids of samples whose record is damaged or gone.
    """

    manifest: Manifest
    end: SessionEnded
    summary: RunSummary
    curve: EntropyCurve
    done: int
    missing: frozenset[str]

    def write(self, store: MlflowStore, run_id: str, scratch_dir: Path, tables: Iterable[Path]) -> dict[str, str]:
        """Write it all and give the run the status that is true.

        Returns:
            SHA-256 of each file that was written, by its name.

        Raises:
            Exception: whatever the store raises; written again, it changes nothing.
        """
        name = self.manifest.variant
        plots = draw_entropy({name: self.curve}, scratch_dir / "entropy", f"Entropy while answering: {name}", [self.manifest.colour])
        files = [*tables, *plots]
        store.log_files(run_id, files)
        if self.end.status == "FINISHED":
            store.log(run_id, self.points())
            files.append(self._write_summary_table(store, run_id, scratch_dir))
            store.delete_tag(run_id, ERROR_TAG)
        store.log(run_id, tags=self.tags())
        store.end_run(run_id, self.end.status, max(self.end.ended_ms, self.manifest.created_ms))  # a clock may have been corrected
        return {path.name: _sha256(path) for path in files}

    def _write_summary_table(self, store: MlflowStore, run_id: str, scratch_dir: Path) -> Path:
        """The file first, then the tag that tells of it: no view looks for a table that is not there."""
        table = write_summary_table(self.summary.metrics(), scratch_dir)
        store.log_files(run_id, [table])
        store.log(run_id, tags={TABLES_TAG: listed(store.client.get_run(run_id).data.tags.get(TABLES_TAG, ""))})
        return table

    def points(self) -> list[Point]:
        """Summary metrics at the number of samples, curves over token index; all at the time of the end."""
        now = self.end.ended_ms
        points = [(name, value, now, self.done) for name, value in self.summary.metrics().items()]
        for name, series in ((metric_names.CURVE_ENTROPY, self.curve.mean_entropy), (metric_names.CURVE_EMA, self.curve.mean_ema)):
            points += [(name, float(value), now, token) for token, value in enumerate(series)]
        return points

    def tags(self) -> dict[str, str]:
        """What a reader of the run must know."""
        tags = {MEMORY_SOURCE_TAG: self.summary.memory_source or "none", DONE_TAG: str(self.done)}
        if self.end.status == "FINISHED":
            tags |= self.summary.name_tags()
        if self.end.error:
            tags[ERROR_TAG] = self.end.error
        if self.end.notes:
            tags[NOTES_TAG] = "\n".join(self.end.notes)
        if self.missing:
            names = ", ".join(sorted(self.missing)[:20])
            tags[INCOMPLETE_TAG] = f"{len(self.missing)} sample(s) damaged or missing in the journal: {names}"
        advice = self.summary.advice()
        if advice:
            tags[DESCRIPTION_TAG] = "**Failure signatures**\n\n" + "\n".join(f"- {line}" for line in advice)
        return tags


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
