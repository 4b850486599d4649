"""One process's work on one variant, seen by whoever owns its run: the record is written here, and closed with the status that is true."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from vreason.events import PrefillRecord, SampleRecord, StepRecord
from vreason.listeners import VariantFinished
from vreason_tracking.journal import closed_samples, recorded_points
from vreason_tracking.records import RunSummary
from vreason_tracking.running.plan import Task
from vreason_tracking.running.recorder import RunRecorder
from vreason_tracking.running.results import VariantResult


class VariantSession:
    """Records a variant until `close`, which must be called exactly once.

    Args:
        task: what the variant has to do.
        recorder: of its run, whose lease it holds.

    Attributes:
        listener_failures: by listener, how often it failed while it was told of this variant.
        notes: what a reader of the result must know.
        excluded: samples that were not asked because their videos cannot be read now, and why.
    """

    def __init__(self, task: Task, recorder: RunRecorder) -> None:
        self.task, self.recorder = task, recorder
        self.listener_failures: Counter[str] = Counter()
        self.notes: list[str] = []
        self.excluded: dict[str, str] = {}
        self._answered, self._failed = 0, ""
        self._failure: Exception | None = None
        self._told: tuple[str, ...] = ()
        self._ending: tuple[str, str | None] = "FAILED", None

    @property
    def name(self) -> str:
        """The variant's."""
        return self.task.request.variant.name

    @property
    def run_id(self) -> str:
        """The run's name in the journal."""
        return self.recorder.folder.run_id

    def record(self, event: PrefillRecord | tuple[StepRecord, ...] | SampleRecord) -> None:
        """Write an event. Called from inside the decoding loop, where nothing may raise: a failure shows at the next `check`."""
        try:
            if isinstance(event, SampleRecord):
                self._answered += event.error is None
                self._failed = self._failed or event.error or ""
                self.recorder.on_sample(event)
            elif isinstance(event, tuple):
                self.recorder.on_steps(event)
        except Exception as error:
            self._failure = self._failure or error

    def check(self) -> None:
        """Raise if the record can no longer be written: a run without a record is worth nothing.

        Raises:
            TrackingError: the disk refused for too long.
        """
        if self._failure is not None:
            raise self._failure
        self.recorder.check()

    def shortfall(self) -> str | None:
        """Why a run that came to its end has not done what it was begun for; None where it has."""
        if self.excluded:
            first = next(iter(self.excluded.values()))
            what = f"{len(self.excluded)} sample(s) were not asked, because their videos cannot be read now ({first})"
            return f"{what}; continue with --resume once they can"
        earlier = any(entry.sample.error is None for entry in closed_samples(self.recorder.folder)) if not self._answered else True
        if earlier or not (self._failed or self.task.done):
            return None
        return f"nothing was answered: every sample failed{f', the first: {self._failed}' if self._failed else ''}"

    def close(self, status: str, error: str | None, notes: Sequence[str] = ()) -> None:
        """Close the run and leave it to others.

        Raises:
            TrackingError: its record could not be written to the end; it has then FAILED.
        """
        failed = [f"listener {name} failed {count} time(s)" for name, count in self.listener_failures.items()]
        self._told = (*self.notes, *failed, *notes)
        self._ending = status, error
        try:
            self.recorder.finish(status, error, self._told)
        except BaseException as failure:
            self._ending = "FAILED", error or str(failure)
            raise

    def result(self) -> VariantResult:
        """What became of the run, once it is closed. Reads its journal.

        Raises:
            TrackingError: it cannot be read.
        """
        (status, error), folder = self._ending, self.recorder.folder
        summary = RunSummary.of(entry.sample for entry in closed_samples(folder))
        points = recorded_points(folder)
        return VariantResult(self.name, folder, status, points, self._told, False, summary, run_id=folder.run_id, error=error)


def finished_event(result: VariantResult) -> VariantFinished:
    """A result as listeners are told of it."""
    summary = result.summary
    return VariantFinished(
        variant=result.name,
        run_id=result.folder.run_id,
        status=result.status,
        answered=summary.answered,
        failed=summary.failed,
        accuracy=summary.accuracy,
        error=result.error,
        kept=result.kept,
    )
