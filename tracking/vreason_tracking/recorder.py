"""The listener that writes a variant's record to MLflow: a run for the variant, a nested run for every sample, every step as metrics.

Writing happens on a thread of its own, behind a bounded queue, so that decoding waits for the store only when that is far behind.
"""

from __future__ import annotations

import queue
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from vreason.errors import TrackingError
from vreason.events import SampleRecord, StepRecord
from vreason_tracking.curves import EntropyCurve
from vreason_tracking.metrics import step_points
from vreason_tracking.mlflow_store import MlflowStore, Point, reason_of
from vreason_tracking.plots import COLOURS, draw_entropy
from vreason_tracking.summary import RunSummary
from vreason_tracking.tables import RecordTables

_QUEUED = 32  # finished samples that may wait for the store


class RunRecorder:
    """Records one variant. A `DecodeObserver`; call `finish` exactly once, whatever happened.

    Args:
        store: where to.
        name: of the variant, and of its run.
        params: every resolved setting, flattened.
        tags: provenance.
        config: the resolved configuration as YAML, kept as an artifact.
        colour: of the variant in MLflow's UI and in its plot.
    """

    def __init__(
        self, store: MlflowStore, name: str, params: Mapping[str, Any], tags: Mapping[str, str], config: str, colour: str = COLOURS[0]
    ) -> None:
        self.store, self.name, self.colour = store, name, colour
        self.summary, self.curve = RunSummary(), EntropyCurve()
        self.points = 0
        self.lost: dict[str, int] = {}
        self._done = 0
        self._steps: dict[str, list[StepRecord]] = {}
        self._folder = Path(tempfile.mkdtemp(prefix="vreason-"))
        self._files_at_risk = True
        self._tables = RecordTables(self._folder)
        try:
            self.run_id = store.start_run(name, {**tags, "vreason.kind": "variant", "mlflow.runColor": colour})
        except Exception as error:
            raise TrackingError(f"no run could be opened for {name!r} ({reason_of(error)}); check the tracking database") from error
        config_file = self._folder / "config.yaml"
        config_file.write_text(config, encoding="utf-8")
        opening = (self._try(store.log, self.run_id, (), params), self._try(store.log_files, self.run_id, [config_file]))
        self._faults = [fault for fault in opening if fault]  # told at the end: what is answered until then is kept in the tables
        self._queue: queue.Queue[tuple[int, SampleRecord, list[StepRecord], list[Point]] | None] = queue.Queue(_QUEUED)
        self._writer = threading.Thread(target=self._write, name="mlflow-writer", daemon=True)
        self._writer.start()

    def on_steps(self, steps: Sequence[StepRecord]) -> None:
        """Keep the steps of the samples under way."""
        for step in steps:
            self._steps.setdefault(step.sample_id, []).append(step)

    def on_sample(self, sample: SampleRecord) -> None:
        """Take the finished sample into summary, curve and tables, and hand it to the writer."""
        steps = self._steps.pop(sample.sample_id, [])
        self.summary.add(sample)
        self.curve.add(steps)
        self._tables.add(sample, steps)
        self._done += 1
        now = time.time_ns() // 1_000_000
        live = [(name, value, now, self._done) for name, value in self.summary.live().items()]
        self._queue.put((self._done, sample, steps, live))

    def finish(self, status: str, error: str | None = None) -> None:
        """Wait for the writer, write summary, curves and artifacts, and close the run.

        Args:
            status: FINISHED, FAILED or KILLED.
            error: what ended the run early.

        Raises:
            TrackingError: the store did not take everything; the run is then closed as FAILED where that is still possible, and the message
                names the folder of the tables if those were not taken.
        """
        self._queue.put(None)
        self._writer.join()
        self._tables.close()
        closing = (self._try(self._log_files), self._try(self._log_closing, error))
        faults = [*self._faults, *(fault for fault in closing if fault)]
        kept = f"; its tables are kept in {self._folder}" if self._files_at_risk else ""
        if fault := self._try(self.store.end_run, self.run_id, "FAILED" if faults else status):
            faults.append(fault)
        if not kept:
            shutil.rmtree(self._folder, ignore_errors=True)
        if faults:
            raise TrackingError(f"run {self.run_id}: the record could not be completed ({faults[0]}){kept}; check the tracking database")

    def _log_files(self) -> None:
        """Plot and tables; until they are safe the folder stays."""
        self._files_at_risk = True
        plots = draw_entropy({self.name: self.curve}, self._folder / "entropy", f"Entropy while answering: {self.name}", [self.colour])
        self.store.log_files(self.run_id, [*self._tables.paths.values(), *plots])
        self._files_at_risk = False

    def _log_closing(self, error: str | None) -> None:
        points = self._closing_points()
        self.store.log(self.run_id, points, tags=self._closing_tags(error))
        self.points += len(points)

    @staticmethod
    def _try(act: Callable[..., None], *arguments: Any) -> str | None:
        """Do it; the reason in words when it fails."""
        try:
            act(*arguments)
        except Exception as error:
            return reason_of(error)
        return None

    def _closing_points(self) -> list[Point]:
        now = time.time_ns() // 1_000_000
        points = [(name, value, now, self._done) for name, value in self.summary.metrics().items()]
        for name, series in (("curve.entropy", self.curve.mean_entropy), ("curve.ema", self.curve.mean_ema)):
            points += [(name, float(value), now, token) for token, value in enumerate(series)]
        return points

    def _closing_tags(self, error: str | None) -> dict[str, str]:
        tags = {"memory_source": self.summary.memory_source or "none"}
        if error:
            tags["error"] = error
        if self.lost:
            tags["record.incomplete"] = "; ".join(f"{count} sample(s) not written: {reason}" for reason, count in self.lost.items())
        advice = self.summary.advice()
        if advice:
            tags["mlflow.note.content"] = "**Failure signatures**\n\n" + "\n".join(f"- {line}" for line in advice)
        return tags

    def _write(self) -> None:
        """The writer thread: a failure loses that sample's nested run, is counted, and shown at the end; the tables keep the sample."""
        while (item := self._queue.get()) is not None:
            try:
                self._write_sample(*item)
            except Exception as error:
                reason = reason_of(error)
                self.lost[reason] = self.lost.get(reason, 0) + 1

    def _write_sample(self, number: int, sample: SampleRecord, steps: list[StepRecord], live: list[Point]) -> None:
        tags = {**sample_tags(sample), "vreason.number": f"{number:07d}"}
        run_id = self.store.start_run(sample.sample_id, tags, self.run_id, sample.started_ms)
        points = [(name, value, step.timestamp_ms, step.token_index) for step in steps for name, value in step_points(step)]
        ended = steps[-1].timestamp_ms if steps else sample.started_ms
        whole = [("score", sample.score), ("output_tokens", sample.output_tokens), ("latency_ms", sample.generation_ms)]
        points += [(name, float(value), ended, 0) for name, value in whole if value is not None]
        try:
            self.store.log(run_id, points)
        except Exception:
            self._try(self.store.end_run, run_id, "FAILED", ended)  # half of it is there: it must not seem to be running for ever
            raise
        self.store.end_run(run_id, "FAILED" if sample.error else "FINISHED", ended)
        self.store.log(self.run_id, live)
        self.points += len(points) + len(live)


def sample_tags(sample: SampleRecord) -> dict[str, str]:
    """A sample's nested run carries what it was asked and what came out, as tags."""
    options = "\n".join(f"{chr(65 + i)}. {option}" for i, option in enumerate(sample.options))
    tags = {
        "vreason.kind": "sample",
        "vreason.sample_id": sample.sample_id,
        "video": sample.video,
        "question": sample.question,
        "options": options or None,
        "problem_type": sample.problem_type,
        "category": sample.category or None,
        "answer": sample.answer,
        "prediction": sample.prediction,
        "correct": None if sample.correct is None else str(sample.correct).lower(),
        "output": sample.output or None,
        "error": sample.error,
        "signatures": ", ".join(sample.signatures) or None,
        "stopped": sample.stopped,
        "peak_token": None if sample.peak_token is None else str(sample.peak_token),
        "memory_source": sample.memory_source,
    }
    return {name: value for name, value in tags.items() if value is not None}
