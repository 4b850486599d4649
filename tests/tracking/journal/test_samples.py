"""vreason_tracking.journal.samples: events into finished samples, over all sessions of a run."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, strategies as st

from tests.helpers import journals, records
from vreason_tracking.journal.codec import Event, SampleEntry
from vreason_tracking.journal.samples import FinishedSample, SampleAssembly

REPLY = records.steps("s-1", 5)
CLOSED = SampleEntry(records.sample("s-1", REPLY), 55)
OTHER = records.steps("s-2", 3)
OTHER_CLOSED = SampleEntry(records.sample("s-2", OTHER), 33)
WRONG = SampleEntry(records.sample("s-1", REPLY, score=0.0), 55)


def assembled(events: Sequence[Event]) -> tuple[SampleAssembly, list[FinishedSample]]:
    """What becomes of these events."""
    assembly = SampleAssembly()
    return assembly, list(assembly.feed(events))


def test_a_sample() -> None:
    """It is finished with its record: number, steps in order, points; nothing of it is kept behind."""
    assembly, found = assembled([journals.begin(), *REPLY, journals.device(), CLOSED, journals.end()])
    assert [FinishedSample(1, CLOSED.sample, tuple(REPLY), 55)] == found
    assert ({"s-1"}, set(), {}) == (assembly.done, assembly.incomplete, assembly.open_steps())


def test_samples_side_by_side() -> None:
    """Steps of a batch come mixed; each goes to its sample, and samples are numbered as they end."""
    mixed = [step for pair in zip(OTHER, REPLY[:3], strict=True) for step in pair]
    _, found = assembled([journals.begin(), *mixed, OTHER_CLOSED, *REPLY[3:], CLOSED])
    assert [(1, "s-2", tuple(OTHER)), (2, "s-1", tuple(REPLY))] == [(each.number, each.sample.sample_id, each.steps) for each in found]


@given(st.lists(st.integers(0, 9), max_size=8))
def test_fed_in_pieces(cuts: list[int]) -> None:
    """Fragments may end anywhere: what is fed in pieces comes to the same as in one go."""
    events = [journals.begin(), *REPLY, CLOSED, *OTHER, OTHER_CLOSED]
    assembly, found, start = SampleAssembly(), [], 0
    for cut in [*sorted(cuts), len(events)]:
        found += assembly.feed(events[start:cut])
        start = max(start, cut)
    assert assembled(events)[1] == found


def test_steps_of_a_sample_under_way() -> None:
    """They are there, by sample, until it ends."""
    assembly, found = assembled([journals.begin(), *REPLY[:2], *OTHER])
    assert ({"s-1": REPLY[:2], "s-2": OTHER}, []) == (assembly.open_steps(), found)
    assert set() == assembly.done | assembly.incomplete


def test_another_session() -> None:
    """What the one before left unfinished is forgotten: it is asked again, and counts as it is answered now."""
    assembly, found = assembled([journals.begin(), *OTHER, OTHER_CLOSED, *REPLY[:3], journals.begin(2), *REPLY, CLOSED])
    assert [("s-2", tuple(OTHER), 1), ("s-1", tuple(REPLY), 2)] == [(each.sample.sample_id, each.steps, each.number) for each in found]
    assert {} == assembly.open_steps()


def test_what_is_forgotten_does_not_come_back() -> None:
    """Steps that an earlier session left are no part of a sample that fails before its first token now."""
    failure = SampleEntry(records.failed("s-1", "the clip is gone"), 1)
    _, found = assembled([journals.begin(), *REPLY[:3], journals.begin(2), failure])
    assert [FinishedSample(1, failure.sample, (), 1)] == found
    assert {} == assembled([journals.begin(), *REPLY[:3], journals.begin(2)])[0].open_steps()


def test_a_sample_that_begins_anew() -> None:
    """A batch that ran out of memory is asked again in the same session: what it told before token 0 is no part of the reply."""
    _, found = assembled([journals.begin(), *REPLY[:4], *OTHER[:1], *REPLY, CLOSED])
    assert [tuple(REPLY)] == [each.steps for each in found]


def test_a_session_whose_beginning_is_damaged() -> None:
    """Though nobody tells of a new session, the sample that it asked again is whole."""
    _, found = assembled([journals.begin(), *REPLY[:4], *REPLY, CLOSED])
    assert [tuple(REPLY)] == [each.steps for each in found]


@pytest.mark.parametrize("missing", range(5))
def test_a_missing_step(missing: int) -> None:
    """Whichever step is damaged, its sample is not finished; the samples around it are."""
    left = [step for step in REPLY if step.token_index != missing]
    assembly, found = assembled([journals.begin(), *left, CLOSED, *OTHER, OTHER_CLOSED])
    assert ({"s-2"}, {"s-1"}) == (assembly.done, assembly.incomplete)
    assert [(1, "s-2")] == [(each.number, each.sample.sample_id) for each in found]
    assert {} == assembly.open_steps()


@pytest.mark.parametrize("steps", [[], [*REPLY, REPLY[4]], REPLY[::-1], [*REPLY[:2], REPLY[1], *REPLY[2:]], records.steps("s-1", 6)])
def test_steps_that_do_not_fit(steps: list[Event]) -> None:
    """None at all, one twice, in another order, one too many: the sample is not finished."""
    assembly, found = assembled([journals.begin(), *steps, CLOSED])
    assert ([], {"s-1"}) == (found, assembly.incomplete)


def test_a_damaged_sample_that_was_asked_again() -> None:
    """Its second answer counts; it is whole, and no longer incomplete."""
    events = [journals.begin(), *REPLY[1:], CLOSED, *OTHER, OTHER_CLOSED, journals.end(), journals.begin(2), *REPLY, WRONG, journals.end(2)]
    assembly, found = assembled(events)
    assert ({"s-1", "s-2"}, set()) == (assembly.done, assembly.incomplete)
    assert [(1, "s-2", 1.0), (2, "s-1", 0.0)] == [(each.number, each.sample.sample_id, each.sample.score) for each in found]


def test_a_damaged_record_of_a_sample() -> None:
    """Without it the sample has not ended: the next session asks it again."""
    assembly, found = assembled([journals.begin(), *REPLY, *OTHER, OTHER_CLOSED, journals.begin(2), *REPLY, CLOSED])
    assert (["s-2", "s-1"], {"s-1", "s-2"}) == ([each.sample.sample_id for each in found], assembly.done)


def test_a_sample_that_is_told_twice() -> None:
    """The first answer stands, whatever the second says; and it costs no memory."""
    assembly, found = assembled([journals.begin(), *REPLY, CLOSED, journals.begin(2), *REPLY, WRONG, *OTHER, OTHER_CLOSED])
    assert [("s-1", 1.0, 1), ("s-2", 1.0, 2)] == [(each.sample.sample_id, each.sample.score, each.number) for each in found]
    assert {} == assembly.open_steps()


@pytest.mark.parametrize("steps", [[], REPLY[:3], REPLY])
def test_a_failed_sample(steps: list[Event]) -> None:
    """It is finished with the steps that it came to, also none: nobody knows how many there should have been."""
    failure = SampleEntry(records.failed("s-1", "out of memory"), 12)
    assembly, found = assembled([journals.begin(), *steps, failure])
    assert [FinishedSample(1, failure.sample, tuple(steps), 12)] == found  # type: ignore[arg-type]
    assert ({"s-1"}, set()) == (assembly.done, assembly.incomplete)


def test_an_answer_of_no_token() -> None:
    """A sample that ended before its first token, without an error, is whole without steps."""
    empty = SampleEntry(records.sample("s-1"), 3)
    _, found = assembled([journals.begin(), empty])
    assert [FinishedSample(1, empty.sample, (), 3)] == found
