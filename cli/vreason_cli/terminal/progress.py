"""What a user sees while a run goes on: a live display on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Self

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from vreason.events import SampleRecord, StepRecord
from vreason.listeners import Listener, RunStarted, VariantFinished, VariantStarted
from vreason_tracking.records import RunSummary

if TYPE_CHECKING:
    from vreason_tracking.settings import RunSettings

_LINE_EVERY = 5.0  # seconds between plain lines


@dataclass
class VariantProgress:
    """How far one variant is: samples done, figures of those of this process, and its newest step."""

    done: int = 0
    summary: RunSummary = field(default_factory=RunSummary)
    last: StepRecord | None = None

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


class PlainProgress(Listener):
    """A line when something begins or ends, and one every few seconds in between."""

    def __init__(self, settings: RunSettings) -> None:
        self.settings = settings
        self.samples = 0
        self.variant = ""
        self.variants: dict[str, VariantProgress] = {}
        self.last_samples: dict[str, str] = {}
        self._said = 0.0

    def __enter__(self) -> Self:
        self.say(f"{self.settings.name}: loading model {self.settings.model.id} and data {self.settings.data.source}")
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        pass

    @property
    def now(self) -> VariantProgress:
        """Of the variant whose turn it is."""
        return self.variants.setdefault(self.variant, VariantProgress())

    def say(self, text: str) -> None:
        """One line for the user."""
        click.echo(text)
        sys.stdout.flush()

    def on_run_started(self, run: RunStarted) -> None:
        """Model and data are there."""
        self.samples = run.samples
        self.say(f"{run.model} on {run.device}, {run.samples} sample(s), {len(run.variants)} variant(s), {run.schedule}")

    def on_notice(self, text: str) -> None:
        """Something to know, in between."""
        self.say(text)

    def on_variant_started(self, variant: VariantStarted) -> None:
        """A variant begins."""
        self._begin(variant)

    def on_variant_resumed(self, variant: VariantStarted) -> None:
        """A variant goes on."""
        self._begin(variant)

    def _begin(self, variant: VariantStarted) -> None:
        self.variant = variant.variant
        self.variants[variant.variant] = VariantProgress(variant.done)
        before = f", {variant.done} sample(s) done before" if variant.done else ""
        self.say(f"{variant.variant}: run {variant.run_id}{before}")

    def on_turn(self, variant: str) -> None:
        """Another variant answers."""
        self.variant = variant

    def on_steps(self, steps: Sequence[StepRecord]) -> None:
        """Remember the newest step, for its entropy and phase."""
        self.now.last = steps[-1] if steps else self.now.last

    def on_sample(self, sample: SampleRecord) -> None:
        """A sample has ended."""
        self.now.summary.add(sample)
        self.now.done += 1
        self.last_samples[self.variant] = sample.sample_id
        if sample.error:
            self.say(f"{self.variant}: {sample.sample_id} failed: {sample.error}")
        self.tell()

    def on_variant_finished(self, variant: VariantFinished) -> None:
        """A variant has ended as it should."""
        self._end(variant)

    def on_variant_failed(self, variant: VariantFinished) -> None:
        """A variant has ended early."""
        self._end(variant)

    def _end(self, variant: VariantFinished) -> None:
        kept = ", as an earlier call left it" if variant.kept else ""
        self.say(f"{variant.variant}: {variant.status}{kept}{_accuracy(variant.accuracy)}")

    def tell(self) -> None:
        """Show where the run stands, at most every few seconds."""
        if time.monotonic() - self._said >= _LINE_EVERY:
            self._said = time.monotonic()
            self.say(f"{self.variant}: {self.now.done}/{self.samples} samples, {self.now.figures()}")


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
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._bars.start()
        return super().__enter__()

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self._bars.stop()

    def say(self, text: str) -> None:
        """Above the bars."""
        self._bars.console.print(text, highlight=False, markup=False)

    def _begin(self, variant: VariantStarted) -> None:
        """A new bar."""
        super()._begin(variant)
        self._tasks[variant.variant] = self._bars.add_task(variant.variant, total=self.samples, completed=variant.done, figures="")

    def on_steps(self, steps: Sequence[StepRecord]) -> None:
        """Entropy and phase as they change."""
        super().on_steps(steps)
        self.tell()

    def tell(self) -> None:
        """Bring the bar up to date."""
        if self.variant in self._tasks:
            self._bars.update(self._tasks[self.variant], completed=self.now.done, figures=self.now.figures())


def _accuracy(value: float | None) -> str:
    return ", nothing answered" if value is None else f", accuracy {value:.1%}"


def progress_for(settings: RunSettings) -> PlainProgress:
    """The live display on a terminal, plain lines otherwise."""
    console = Console()
    return LiveProgress(settings, console) if console.is_terminal else PlainProgress(settings)
