"""What a user sees while a run goes on: a live display on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from vreason.events import SampleRecord, StepRecord
from vreason_tracking.record import RunSummary

if TYPE_CHECKING:
    from vreason_tracking.running import VariantResult
    from vreason_tracking.settings import RunSettings

_LINE_EVERY = 5.0  # seconds between plain lines of one variant


class PlainProgress:
    """A line when something begins or ends, and one every few seconds in between."""

    def __init__(self, settings: RunSettings) -> None:
        self.settings = settings
        self.results: list[VariantResult] = []
        self.samples = 0
        self.variant = ""
        self.summary = RunSummary()
        self.done = 0
        self.last: StepRecord | None = None
        self.last_sample = ""
        self._said = 0.0

    def __enter__(self) -> Self:
        self.say(f"{self.settings.name}: loading model {self.settings.model.id} and data {self.settings.data.source}")
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        pass

    def say(self, text: str) -> None:
        """One line for the user."""
        click.echo(text)
        sys.stdout.flush()

    def on_loaded(self, model: str, device: str, samples: int) -> None:
        """Model and data are there."""
        self.samples = samples
        self.say(f"{model} on {device}, {samples} sample(s), {len(self.settings.resolved_variants())} variant(s)")

    def on_notice(self, text: str) -> None:
        """Something to know, in between."""
        self.say(text)

    def on_variant(self, name: str, run_id: str, done: int) -> None:
        """A variant begins, or goes on."""
        self.variant, self.summary, self.done, self.last = name, RunSummary(), done, None
        self.say(f"{name}: run {run_id}" + (f", {done} sample(s) done before" if done else ""))

    def on_steps(self, steps: Sequence[StepRecord]) -> None:
        """Remember the newest step, for its entropy and phase."""
        self.last = steps[-1] if steps else self.last

    def on_sample(self, sample: SampleRecord) -> None:
        """A sample has ended."""
        self.summary.add(sample)
        self.done += 1
        self.last_sample = sample.sample_id
        if sample.error:
            self.say(f"{self.variant}: {sample.sample_id} failed: {sample.error}")
        self.tell()

    def on_result(self, result: VariantResult) -> None:
        """A variant has ended."""
        self.results.append(result)
        kept = ", as an earlier call left it" if result.kept else ""
        self.say(f"{result.name}: {result.status}{kept}{_accuracy(result.summary.accuracy)}")

    def on_delivered(self, results: Sequence[VariantResult]) -> None:
        """All that could be delivered is."""
        self.results = list(results)

    def tell(self) -> None:
        """Show where the run stands, at most every few seconds."""
        if time.monotonic() - self._said >= _LINE_EVERY:
            self._said = time.monotonic()
            self.say(f"{self.variant}: {self.done}/{self.samples} samples, {self.figures()}")

    def figures(self) -> str:
        """Accuracy so far, tokens a second, current entropy and phase."""
        parts = []
        if self.summary.accuracy is not None:
            parts.append(f"accuracy {self.summary.accuracy:.1%}")
        if self.summary.tokens_per_second is not None:
            parts.append(f"{self.summary.tokens_per_second:.0f} tokens/s")
        if self.last is not None:
            parts.append(f"H {self.last.entropy:.2f} nats, {self.last.phase}")
        return ", ".join(parts) or "nothing answered"


class LiveProgress(PlainProgress):
    """One bar a variant, with the figures beside it."""

    def __init__(self, settings: RunSettings, console: Console) -> None:
        super().__init__(settings)
        self._bars = Progress(
            TextColumn("{task.description}", style="bold", markup=False),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[figures]}", markup=False),
            TimeRemainingColumn(),
            console=console,
        )
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        self._bars.start()
        return super().__enter__()

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self._bars.stop()

    def say(self, text: str) -> None:
        """Above the bars."""
        self._bars.console.print(text, highlight=False, markup=False)

    def on_variant(self, name: str, run_id: str, done: int) -> None:
        """A new bar."""
        super().on_variant(name, run_id, done)
        self._task = self._bars.add_task(name, total=self.samples, completed=done, figures="")

    def on_steps(self, steps: Sequence[StepRecord]) -> None:
        """Entropy and phase as they change."""
        super().on_steps(steps)
        self.tell()

    def tell(self) -> None:
        """Bring the bar up to date."""
        if self._task is not None:
            self._bars.update(self._task, completed=self.done, figures=self.figures())


def _accuracy(value: float | None) -> str:
    return ", nothing answered" if value is None else f", accuracy {value:.1%}"


def progress_for(settings: RunSettings) -> PlainProgress:
    """The live display on a terminal, plain lines otherwise."""
    console = Console()
    return LiveProgress(settings, console) if console.is_terminal else PlainProgress(settings)
