"""Who works the units off. Whoever owns the runs' leases writes their record, wherever the work is done."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Protocol

from vreason.listeners import Listener
from vreason_tracking.running.units import UnitEvent, WorkUnit

if TYPE_CHECKING:
    from vreason.evaluation import EvaluationConfig, Evaluator, LoadedBatch
    from vreason.events import PrefillRecord, SampleRecord, StepRecord
    from vreason.meters import MemoryMeter
    from vreason.models import LoadedModel
    from vreason.video import VideoConfig

Receive = Callable[[UnitEvent], None]


class Executor(Protocol):
    """Works units off.

    Attributes:
        current: position of the variant at work; after an exception, of the one that raised it. None where nobody knows.
    """

    current: int | None

    def work(self, units: Sequence[WorkUnit], receive: Receive, *, ranked: bool = True) -> Iterator[tuple[int, int]]:
        """Answer every unit's samples that are not done.

        Args:
            units: in the order in which they should be begun.
            receive: told of every event. A variant's events of one sample come in order.
            ranked: whether the samples' records tell at which place their variant answered.

        Yields:
            Number of the unit and position of the variant, whenever one variant is through with one unit.

        Raises:
            Exception: whatever ends the run.
        """
        ...

    def excluded(self, position: int) -> dict[str, str]:
        """Samples that a variant was not asked because their videos cannot be read now, and why; once the work is done."""
        ...


MakeExecutor = Callable[..., Executor]
"""Makes an executor of the arguments of `LocalExecutor`."""


class LocalExecutor:
    """Works in this process, a unit at a time: the frames are read once, the variants answer one after the other.

    On an accelerator the next unit's frames are read while this one is answered. On a CPU they are not: reading would take processors from
    whichever variant stands first.

    Args:
        loaded: the model, which all variants share.
        configs: by position of the variant; they differ in the method only.
        meter: samples the memory in use.
    """

    def __init__(self, loaded: LoadedModel, configs: Mapping[int, EvaluationConfig], meter: MemoryMeter | None = None) -> None:
        self._loaded, self._configs, self._meter = loaded, dict(configs), meter
        self.current: int | None = None
        self._evaluators: dict[int, Evaluator] = {}

    def excluded(self, position: int) -> dict[str, str]:
        """Samples that a variant was not asked because their videos cannot be read now, and why."""
        return self._evaluators[position].unavailable if position in self._evaluators else {}

    def work(self, units: Sequence[WorkUnit], receive: Receive, *, ranked: bool = True) -> Iterator[tuple[int, int]]:
        """See `Executor`."""
        from vreason.evaluation import Evaluator

        self._evaluators = evaluators = {
            position: Evaluator(self._loaded, config, [_Sender(position, receive)], self._meter)
            for position, config in self._configs.items()
        }
        cold = True
        for unit, batch in self._batches(units):
            if cold and batch.readable:
                self._warm_up(evaluators, batch)
                cold = False
            for place, position in enumerate(unit.order):
                self.current = position
                for _ in evaluators[position].answer(batch, unit.done[position], place if ranked and unit.complete else None):
                    pass
                yield unit.number, position
            self.current = None

    def _warm_up(self, evaluators: Mapping[int, Evaluator], batch: LoadedBatch) -> None:
        """Every variant once, before anything is measured; also one that has this batch behind it."""
        for position, evaluator in evaluators.items():
            self.current = position
            evaluator.warm_up(batch)

    def _batches(self, units: Sequence[WorkUnit]) -> Iterator[tuple[WorkUnit, LoadedBatch]]:
        from vreason.evaluation import read_batch

        if not units:
            return
        video: VideoConfig = next(iter(self._configs.values())).video
        if self._loaded.device.startswith("cpu"):
            yield from ((unit, read_batch(unit.samples, video)) for unit in units)
            return
        with ThreadPoolExecutor(1, thread_name_prefix="video") as ahead:
            waiting: Future[LoadedBatch] = ahead.submit(read_batch, units[0].samples, video)
            for unit, following in zip(units, [*units[1:], None], strict=True):
                batch = waiting.result()
                if following is not None:
                    waiting = ahead.submit(read_batch, following.samples, video)
                yield unit, batch


class _Sender(Listener):
    """Hands on what an evaluator tells, with the variant that it is about."""

    def __init__(self, variant: int, receive: Receive) -> None:
        self._variant, self._receive = variant, receive

    def on_prefill(self, prefill: PrefillRecord) -> None:
        """A prompt has been read."""
        self._receive(UnitEvent(self._variant, prefill))

    def on_steps(self, steps: Sequence[StepRecord]) -> None:
        """Tokens were drawn."""
        self._receive(UnitEvent(self._variant, tuple(steps)))

    def on_sample(self, sample: SampleRecord) -> None:
        """A sample has ended."""
        self._receive(UnitEvent(self._variant, sample))
