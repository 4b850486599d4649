"""vreason_tracking.cards.service.staleness: a card is stale when its runs are gone, changed, or a newer one like them disagrees."""

from __future__ import annotations

from dataclasses import replace

import pytest

from vreason_tracking.cards import Evidence, summary_of
from vreason_tracking.cards.service.staleness import RunState, RunStates, stale_reasons
from vreason_tracking.cards.summary import SummarisedRun, Summary

NOW = RunState(("r1", "j1"), "same", 0.5, "2026-11-01T00:00:00Z", True)
OWN = SummarisedRun("r1", "same", 0.5, True)


@pytest.fixture
def summary(evidence: Evidence) -> Summary:
    return replace(summary_of(evidence), runs=[OWN])


def test_nothing_speaks_against_it(summary: Summary) -> None:
    """Its run as it was, an older one that disagrees, a newer one that agrees, one that has not ended, and one of something else."""
    others = [
        replace(NOW, ids=("old",), accuracy=0.1, started="2026-10-01T00:00:00Z"),
        replace(NOW, ids=("new",), started="2026-11-02T00:00:00Z"),
        replace(NOW, ids=("running",), accuracy=0.1, started="2026-11-03T00:00:00Z", finished=False),
        replace(NOW, ids=("other",), identity="another", accuracy=0.1, started="2026-11-04T00:00:00Z"),
    ]
    assert [] == stale_reasons(summary, RunStates([NOW, *others]))


def test_deleted(summary: Summary) -> None:
    """A run that the store had and has no more; one that only ever lay in a journal is not looked for."""
    (told,) = stale_reasons(summary, RunStates([]))
    assert "Run r1 is not in the store any more." == told
    assert [] == stale_reasons(replace(summary, runs=[replace(OWN, stored=False)]), RunStates([]))


def test_changed(summary: Summary) -> None:
    """The run has another accuracy now; both are told."""
    (told,) = stale_reasons(summary, RunStates([replace(NOW, accuracy=0.625)]))
    assert "Run r1 was changed: its accuracy is 62.5 % now, the card has 50.0 %." == told


def test_a_newer_run_disagrees(summary: Summary) -> None:
    """The newest finished run with the same digest counts, by its name."""
    newer = [replace(NOW, ids=(f"n{day}",), accuracy=day / 10, started=f"2026-11-0{day}T00:00:00Z") for day in (3, 2)]
    (told,) = stale_reasons(summary, RunStates([*newer, NOW]))
    assert "A newer run of the same settings, n3, has 30.0 %; the card has 50.0 %." == told


def test_what_is_not_known_speaks_against_nothing(summary: Summary) -> None:
    """Runs without a digest are not alike, and an accuracy that nobody has is none that differs."""
    unknown = replace(summary, runs=[replace(OWN, identity="", accuracy=None)])
    assert [] == stale_reasons(unknown, RunStates([NOW, replace(NOW, ids=("x",), identity="", accuracy=0.9, started="2027")]))
