"""A batch's events on their way: collected by sample, handed on at once or held back, and never those of a sample that is done."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.helpers.evaluations import Events
from tests.helpers.records import steps as reply
from vreason.evaluation.relay import RelayObserver
from vreason.events import PrefillRecord, StepRecord
from vreason.generation import BatchEvents
from vreason.listeners import ListenerGuard

NAMES = ("a", "b", "c")
PREFILLS = [PrefillRecord(name, 50, 36, 18) for name in NAMES]
STEPS = {name: reply(name, 4) for name in NAMES}


def tell(observer: BatchEvents | RelayObserver) -> None:
    """A batch of three: its prompts, then two blocks of steps, side by side."""
    for prefill in PREFILLS:
        observer.on_prefill(prefill)
    for block in (range(2), range(2, 4)):
        observer.on_steps([STEPS[name][token] for token in block for name in NAMES])


def test_events_are_collected_by_sample() -> None:
    """Each sample's prompt and its steps, in order."""
    collected = BatchEvents()
    tell(collected)
    assert dict(zip(NAMES, PREFILLS, strict=True)) == collected.prefills
    assert STEPS == collected.steps


@pytest.mark.parametrize("done", [(), ("b",), ("a", "c")], ids=str)
def test_events_are_handed_on_but_for_what_is_done(done: Sequence[str]) -> None:
    """At once, every prompt and step of the samples that are left, and no other."""
    events = Events()
    tell(RelayObserver(ListenerGuard([events]), done))
    left = [name for name in NAMES if name not in done]
    assert [prefill for prefill in PREFILLS if prefill.sample_id in left] == events.prefills
    assert {name: STEPS[name] for name in left} == events.steps


def test_no_block_is_told_that_holds_nothing() -> None:
    """With all of a block's samples done, nobody is told an empty one."""
    blocks: list[Sequence[StepRecord]] = []
    listener = type("Blocks", (), {"on_steps": lambda _, steps: blocks.append(steps)})()
    tell(RelayObserver(ListenerGuard([listener]), NAMES))
    assert [] == blocks
