"""Events into finished samples, over all sessions of a run: what everything that is shown or delivered is made from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from vreason.events import SampleRecord, StepRecord
from vreason_tracking.journal.codec import Event, SampleEntry, SessionStarted


@dataclass(frozen=True)
class FinishedSample:
    """A sample that is done, all of its steps there.

    Attributes:
        number: from 1, in the order in which samples ended; what was asked again leaves a gap, so that the others keep theirs.
        sample: the sample.
        steps: its steps, in order. A sample that failed has those up to its failure.
        points: metric points that it comes to.
    """

    number: int
    sample: SampleRecord
    steps: tuple[StepRecord, ...]
    points: int


class SampleAssembly:
    """Feed it a journal's events in order, from the first. Holds the steps of samples under way, nothing of those that are done.

    Steps of a sample that never ended are forgotten when the next session begins: that session asks it again. A sample of which a step is
    missing (damage) is not finished; should it have been asked again, that counts.

    Args:
        asked_again: how often each sample was asked again because it had failed (see `reader.asked_again`): so many records of it do not
            count, the first ones.

    Attributes:
        done: ids of the samples that are finished.
        incomplete: ids of those whose record was closed, but whose steps are not all there.
    """

    def __init__(self, asked_again: Mapping[str, int] | None = None) -> None:
        self._superseded = dict(asked_again or {})
        self.done: set[str] = set()
        self.incomplete: set[str] = set()
        self._open: dict[str, list[StepRecord]] = {}
        self._closed = 0

    def feed(self, events: Iterable[Event]) -> Iterator[FinishedSample]:
        """Finished samples, as their last records come by."""
        for event in events:
            if isinstance(event, StepRecord):
                if event.token_index == 0:  # it begins, or begins anew: see `vreason.Listener`
                    self._open[event.sample_id] = []
                self._open.setdefault(event.sample_id, []).append(event)
            elif isinstance(event, SessionStarted):
                self._open.clear()
            elif isinstance(event, SampleEntry):
                finished = self._finished(event)
                if finished:
                    yield finished

    def open_steps(self) -> dict[str, list[StepRecord]]:
        """The steps of samples that have not ended."""
        return self._open

    def _finished(self, event: SampleEntry) -> FinishedSample | None:
        sample = event.sample
        steps = self._open.pop(sample.sample_id, [])
        if sample.sample_id in self.done:
            return None
        if self._superseded.get(sample.sample_id):
            self._superseded[sample.sample_id] -= 1
            self._closed += 1
            self.incomplete.discard(sample.sample_id)
            return None
        if sample.error is None and [step.token_index for step in steps] != list(range(sample.output_tokens)):
            self.incomplete.add(sample.sample_id)
            return None
        self.incomplete.discard(sample.sample_id)
        self.done.add(sample.sample_id)
        self._closed += 1
        return FinishedSample(self._closed, sample, tuple(steps), event.points)
