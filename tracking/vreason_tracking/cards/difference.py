"""Two cards beside each other: every setting, figure and statement that is not the same in both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from vreason.errors import IncomparableRunsError
from vreason_tracking.cards.evidence import Evidence, Figure, RunFacts
from vreason_tracking.cards.summary import own_run
from vreason_tracking.catalog import Catalog, recorded_runs
from vreason_tracking.comparison import compare, named_runs, verdicts
from vreason_tracking.presentation import NONE, Table, amount, percent, points, ratio


@dataclass(frozen=True)
class Difference:
    """One thing that two cards say differently.

    Attributes:
        part: of the card.
        name: of the setting, figure or statement.
        one, other: what each says; "" where it says nothing.
    """

    part: str
    name: str
    one: str
    other: str


_SETTINGS = ("method", "prompt, frames and decoding", "base model", "environment", "identity")


def differences(one: Evidence, other: Evidence) -> list[Difference]:
    """What two cards say differently of their own runs; empty where they say the same.

    Args:
        one: the earlier card.
        other: the later one.
    """
    left, right = own_run(one), own_run(other)
    found = [
        *_mapped("questions", _questions(one), _questions(other)),
        *(each for name in _SETTINGS for each in _mapped(name, _settings(left, name), _settings(right, name))),
        *_mapped("figures", _figures(one, left), _figures(other, right)),
        *_stated("departs from the paper's protocol", left.departures, right.departures),
        *_mapped("registration", _registration(one), _registration(other)),
    ]
    return found


def difference_table(found: list[Difference], one: str, other: str) -> Table:
    """The differences as a table; `one` and `other` name the cards."""
    rows = [(each.part, each.name, each.one or NONE, each.other or NONE) for each in found]
    return Table("differences", "Differences", ("part", "name", one, other), rows, 4)


def _mapped(part: str, one: Mapping[str, str], other: Mapping[str, str]) -> Iterator[Difference]:
    for name in dict.fromkeys((*one, *other)):
        if one.get(name) != other.get(name):
            yield Difference(part, name, one.get(name, ""), other.get(name, ""))


def _stated(part: str, one: Sequence[str], other: Sequence[str]) -> Iterator[Difference]:
    """Statements that only one of them makes."""
    yield from (Difference(part, each, "yes", "no") for each in one if each not in other)
    yield from (Difference(part, each, "no", "yes") for each in other if each not in one)


def _questions(evidence: Evidence) -> dict[str, str]:
    return {"asked": f"{evidence.questions:,} about {evidence.videos:,} video(s)", "scoring profile": evidence.scoring}


def _settings(run: RunFacts, part: str) -> Mapping[str, str]:
    if part == "method":
        return {each.name: each.value for each in run.settings}
    return {
        "prompt, frames and decoding": dict(run.decoding),
        "base model": run.model,
        "environment": run.provenance,
        "identity": run.identity,
    }[part]


def _figures(evidence: Evidence, run: RunFacts) -> dict[str, str]:
    return {
        f"{each.metric} ({each.statistic})": _told(each)
        for each in evidence.figures
        if each.run == run.name and each.grouping == "all" and each.value is not None
    }


def _told(figure: Figure) -> str:
    tell = {"ratio": ratio, "share": points if figure.statistic == "difference" else percent}.get(figure.unit, amount)
    if figure.low is None or figure.high is None:
        return tell(figure.value)
    return f"{tell(figure.value)} ({tell(figure.low)} to {tell(figure.high)})"


def _registration(evidence: Evidence) -> dict[str, str]:
    model = evidence.model
    if model is None:
        return {}
    return {
        "variant": model.variant,
        "signed": "yes" if model.signed else "no",
        "example": model.example,
        "forced": model.forced or "",
        "against": model.against or "",
    }


def paired_verdict(catalog: Catalog, one: str, other: str) -> str:
    """What the questions that both runs were asked say of the second against the first, in one sentence.

    Args:
        catalog: where the runs are looked for.
        one, other: ids of runs; the first is the baseline.

    Raises:
        TrackingError: a run is not there, or its record cannot be read.
    """
    if one == other:
        return "Both are of one run: there is nothing to compare question by question."
    with recorded_runs(named_runs(catalog, [one, other]).runs, steps=False) as runs:
        first = next(run for run in runs if one in run.ids)
        try:
            return next(iter(verdicts(compare(runs, baseline=first.run_id))))
        except IncomparableRunsError as error:
            return f"They were not asked the same, and are not compared question by question: {error}"
