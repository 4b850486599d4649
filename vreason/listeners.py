"""Who is told of a run's life: one base class, whose methods do nothing, and a guard that survives the failures of listeners.

    class PrintEntropy(vreason.Listener):
        def on_steps(self, steps):
            print(*(f"{step.entropy:.2f}" for step in steps))

    model.generate(..., custom_generate=vreason.decode, observers=[PrintEntropy()])

The method calls `on_prefill` and `on_steps`, an evaluation also `on_sample`, a run of several variants all of them. Loads without torch.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from vreason.events import PrefillRecord, SampleRecord, StepRecord


@dataclass(frozen=True)
class RunStarted:
    """A run is about to begin: model and data are loaded.

    Attributes:
        name: of its config.
        model: id and type of the weights, such as "demo (float32)".
        device: where the model is, such as "cuda:0".
        samples: number of questions.
        variants: names, in the config's order.
        schedule: "interleaved" or "sequential".
    """

    name: str
    model: str
    device: str
    samples: int
    variants: tuple[str, ...]
    schedule: str


@dataclass(frozen=True)
class VariantStarted:
    """A variant begins, or goes on.

    Attributes:
        variant: its name.
        run_id: its run in the journal.
        done: number of samples that an earlier process has answered; 0 for a new run.
    """

    variant: str
    run_id: str
    done: int = 0


@dataclass(frozen=True)
class VariantFinished:
    """A variant has ended, one way or another; its journal is closed, its delivery may still be under way.

    Attributes:
        variant: its name.
        run_id: its run in the journal.
        status: "FINISHED", "FAILED" or "KILLED".
        answered, failed: numbers of samples, over all processes that worked on it.
        accuracy: mean score of the answered ones; None without any.
        error: what ended it early; None when nothing did.
        kept: an earlier process had finished it, and nothing was left to do.
    """

    variant: str
    run_id: str
    status: str
    answered: int
    failed: int
    accuracy: float | None
    error: str | None = None
    kept: bool = False


class Listener:
    """Told of the life of a run. Every method does nothing: override those that you need.

    One that raises is warned about once and counted; the run goes on without its part. A listener must not wait: the run waits for it.
    Steps and samples of a run with several variants come in turns: `on_turn` says whose they are from then on.
    """

    def on_run_started(self, run: RunStarted) -> None:
        """Model and data are loaded; the first variant is about to begin."""

    def on_variant_started(self, variant: VariantStarted) -> None:
        """A variant begins anew."""

    def on_variant_resumed(self, variant: VariantStarted) -> None:
        """A variant goes on where an earlier process left it."""

    def on_turn(self, variant: str) -> None:
        """What follows, until the next call, is told of this variant."""

    def on_prefill(self, prefill: PrefillRecord) -> None:
        """A sample's prompt has been read. A sample may begin anew, when its batch ran out of memory and it is asked again alone:
        what was told of it before is then void.
        """

    def on_steps(self, steps: Sequence[StepRecord]) -> None:
        """A block of steps; a sample's steps come in order, samples of a batch side by side."""

    def on_sample(self, sample: SampleRecord) -> None:
        """A sample has ended, answered or with an error; all its steps have been told."""

    def on_variant_finished(self, variant: VariantFinished) -> None:
        """A variant is finished."""

    def on_variant_failed(self, variant: VariantFinished) -> None:
        """A variant has ended early: FAILED, or KILLED by a signal."""

    def on_notice(self, text: str) -> None:
        """Something that a user should know, in a sentence: a store that cannot be reached, a run that was closed."""


@dataclass
class ListenerGuard:
    """Passes events on to listeners and survives their failures.

    Attributes:
        listeners: told in this order. What lacks a method is not told of that event.
        failures: by the listener's class, how often it failed.
    """

    listeners: Sequence[Any] = ()
    failures: dict[str, int] = field(default_factory=dict)

    def tell(self, method: str, event: object) -> None:
        """Call the method of this name, such as "on_steps", of every listener that has it."""
        for listener in self.listeners:
            listen = getattr(listener, method, None)
            if listen is None:
                continue
            try:
                listen(event)
            except Exception as error:  # a listener's failure is not the run's
                self._count(type(listener).__name__, error)

    def _count(self, name: str, error: Exception) -> None:
        self.failures[name] = self.failures.get(name, 0) + 1
        if self.failures[name] == 1:
            with suppress(RuntimeWarning):  # where warnings are errors it is counted all the same, and ends nothing
                warnings.warn(f"listener {name} failed: {error!r}; the run goes on without its part", RuntimeWarning, stacklevel=4)

    def prefill(self, prefill: PrefillRecord) -> None:
        """Tell of a prompt."""
        self.tell("on_prefill", prefill)

    def steps(self, steps: Sequence[StepRecord]) -> None:
        """Tell of steps."""
        self.tell("on_steps", steps)

    def sample(self, sample: SampleRecord) -> None:
        """Tell of a sample's end."""
        self.tell("on_sample", sample)
