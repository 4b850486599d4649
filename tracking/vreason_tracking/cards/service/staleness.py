"""Whether a card still says what the record says: its runs are there, have the figures that it has, and no newer run disagrees."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from vreason_tracking.cards.summary import SummarisedRun, Summary
from vreason_tracking.presentation import percent

_SAME = 1e-9


@dataclass(frozen=True)
class RunState:
    """A run as the store has it now.

    Attributes:
        ids: that it may be called by.
        identity: digest of what its result depends on; "" where it is not known.
        accuracy: of a finished run; None else.
        started: ISO 8601, UTC.
        finished: whether it came to its end.
    """

    ids: Sequence[str]
    identity: str
    accuracy: float | None
    started: str
    finished: bool


class RunStates:
    """The runs of a store, looked up by id and by what their result depends on."""

    def __init__(self, runs: Iterable[RunState]) -> None:
        self._by_id: dict[str, RunState] = {}
        self._newest: dict[str, RunState] = {}
        for run in runs:
            self._by_id |= dict.fromkeys(run.ids, run)
            known = self._newest.get(run.identity)
            if run.identity and run.finished and (known is None or known.started < run.started):
                self._newest[run.identity] = run

    def find(self, name: str) -> RunState | None:
        """The run with an id; None where the store has none, or it was deleted."""
        return self._by_id.get(name)

    def newest_like(self, identity: str) -> RunState | None:
        """The finished run that was begun last with the same digest of everything that its result depends on."""
        return self._newest.get(identity)


def stale_reasons(summary: Summary, runs: RunStates) -> list[str]:
    """Why a card is not to be relied on any more, a sentence each; empty where nothing speaks against it.

    Args:
        summary: of the card.
        runs: of the store, now.
    """
    return [reason for run in summary.runs for reason in _reasons(run, runs)]


def _reasons(run: SummarisedRun, runs: RunStates) -> Iterator[str]:
    known = runs.find(run.id)
    if known is None:
        if run.stored:
            yield f"Run {run.id} is not in the store any more."
        return
    if _differ(run.accuracy, known.accuracy):
        yield f"Run {run.id} was changed: its accuracy is {percent(known.accuracy)} now, the card has {percent(run.accuracy)}."
    newer = runs.newest_like(run.identity)
    if newer is not None and newer is not known and newer.started > known.started and _differ(run.accuracy, newer.accuracy):
        yield f"A newer run of the same settings, {newer.ids[0]}, has {percent(newer.accuracy)}; the card has {percent(run.accuracy)}."


def _differ(one: float | None, other: float | None) -> bool:
    return one is not None and other is not None and abs(one - other) > _SAME
