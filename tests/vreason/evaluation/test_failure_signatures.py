"""The failure signatures, each on both sides of its threshold."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from vreason.evaluation.failure_signatures import ADVICE, find_signatures
from vreason.events import StepRecord

VOCABULARY = 1000
CEILING = 0.9 * math.log(VOCABULARY)
QUIET = StepRecord(
    sample_id="a",
    token_index=0,
    token_id=0,
    entropy=1.0,
    ema=0.5,
    peak=1.0,
    alpha=-1,
    loss=None,
    delta_v_norm=0.1,
    grad_norm=None,
    value_cosine=0.9,
    updated=False,
    device_memory_bytes=None,
    memory_source=None,
    timestamp_ms=0,
    forward_ms=1.0,
    control_ms=0.0,
)


def steps(count: int, peak: int = 50, **changes: Any) -> list[StepRecord]:
    """`count` quiet tokens, the average's peak at token `peak`."""
    return [replace(QUIET, token_index=t, ema=1.0 if t == peak else 0.5, **changes) for t in range(count)]


def found(given: list[StepRecord], stopped: str = "eos", parsed: bool = True) -> tuple[str, ...]:
    return find_signatures(given, VOCABULARY, stopped=stopped, parsed=parsed)


def test_a_quiet_sample_has_none() -> None:
    """Nothing is flagged where nothing is wrong, nor where there is no step at all."""
    assert () == found(steps(100))
    assert () == found([])


@pytest.mark.parametrize("entropy", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("place", [0, 50, 99])
def test_entropies_that_are_no_numbers(entropy: float, place: int) -> None:
    """One is enough; nothing that is found by entropies is said then, what the reply shows is."""
    given = [replace(step, entropy=entropy, ema=math.nan) if step.token_index == place else step for step in steps(100, peak=2)]
    assert ("not-finite",) == found(given)
    assert ("not-finite", "truncated", "unparsed") == found(given, stopped="length", parsed=False)


@pytest.mark.parametrize(("run", "flagged"), [(7, False), (8, True), (20, True)])
def test_entropy_blow_up(run: int, flagged: bool) -> None:
    """Eight tokens in a row above 0.9 log(vocabulary)."""
    given = [replace(step, entropy=CEILING + 0.01) if 40 <= step.token_index < 40 + run else step for step in steps(100)]
    assert flagged == ("entropy-blow-up" in found(given))


def test_entropy_blow_up_needs_an_unbroken_run_above_the_line() -> None:
    """Seven and seven with a pause, or a hundred just below the line, are no blow-up."""
    broken = [replace(step, entropy=CEILING + 0.01) if step.token_index % 8 else step for step in steps(100)]
    assert () == found(broken)
    assert () == found(steps(100, entropy=CEILING - 0.01))


@pytest.mark.parametrize(
    ("count", "peak", "flagged"), [(100, 9, True), (100, 10, False), (400, 19, True), (400, 20, False), (1000, 49, True), (1000, 50, False)]
)
def test_premature_peak(count: int, peak: int, flagged: bool) -> None:
    """The average's final peak before token 10, or before 5 % of the answer."""
    assert flagged == ("premature-peak" in found(steps(count, peak)))


@pytest.mark.parametrize(("updates", "turn", "flagged"), [(4, 0.0, False), (5, 0.0, True), (5, 9e-7, True), (5, 2e-6, False)])
def test_no_effect(updates: int, turn: float, flagged: bool) -> None:
    """After five updates or more, no token at which the values have turned by 1e-6."""
    given = steps(100, value_cosine=1.0)
    given = [replace(step, updated=4 <= step.token_index < 4 + updates) for step in given]
    given[60] = replace(given[60], value_cosine=1.0 - turn)
    assert flagged == ("no-effect" in found(given))


def test_a_baseline_is_not_without_effect() -> None:
    """Without a controller the fields are empty and nothing is flagged."""
    assert () == found(steps(100, value_cosine=None, delta_v_norm=None))


def test_truncated_and_unparsed() -> None:
    """The end by length, and a reply without an answer, each by its own name."""
    assert ("truncated",) == found(steps(100), stopped="length")
    assert ("unparsed",) == found(steps(100), parsed=False)


def test_names_come_in_the_order_of_the_advice() -> None:
    """Several at once are told in one fixed order, and every name has an advice."""
    given = steps(100, peak=3, entropy=CEILING + 1, value_cosine=1.0, updated=True)
    names = found(given, stopped="length", parsed=False)
    assert ("entropy-blow-up", "premature-peak", "no-effect", "truncated", "unparsed") == names
    assert ["not-finite", "out-of-memory"] == [name for name in ADVICE if name not in names]
    assert all(ADVICE.values())
