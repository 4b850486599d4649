"""vreason_tracking.cards.difference: what two cards say differently, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.helpers.cards import registered
from vreason_tracking.cards import Evidence, Setting, difference_table, differences, own_run, paired_verdict
from vreason_tracking.catalog import Catalog


def test_the_same_card_differs_in_nothing(evidence: Evidence) -> None:
    assert [] == differences(evidence, evidence)


def test_each_difference_is_named(evidence: Evidence) -> None:
    """A setting, a figure, a departure, the signature: part, name and both values; what only one has is nothing in the other."""
    one = registered(evidence)
    own = own_run(one)
    changed = replace(
        own,
        settings=[*own.settings[1:], Setting("controller.k", "8", "departs from the paper", "paper: 4")],
        departures=[*own.departures, "prompt is in verse"],
    )
    figures = [
        replace(each, value=0.125) if (each.run, each.metric, each.statistic) == (own.name, "accuracy", "mean") else each
        for each in one.figures
    ]
    other = replace(registered(evidence, signed=False), runs=[*one.runs[:-1], changed], figures=figures)
    found = {(each.part, each.name): (each.one, each.other) for each in differences(one, other)}
    assert ("yes", "no") == found[("registration", "signed")]
    assert "12.5 %" in found[("figures", "accuracy (mean)")][1]
    assert ("no", "yes") == found[("departs from the paper's protocol", "prompt is in verse")]
    assert any(part == "method" for part, _ in found)
    table = difference_table(differences(one, other), "shapes/2", "shapes/3")
    assert ("part", "name", "shapes/2", "shapes/3") == tuple(table.columns)
    assert len(table.rows) == len(differences(one, other))


def test_paired_statistics(evidence: Evidence, recorded: tuple[Path, str]) -> None:
    """One sentence on the second run against the first; of one run there is nothing to say."""
    catalog = Catalog(recorded[0], recorded[1], "vreason")
    first, second = (run.run_id for run in evidence.runs)
    assert next(iter(evidence.verdicts)) == paired_verdict(catalog, first, second)
    assert paired_verdict(catalog, second, first).startswith("baseline: ")
    assert "nothing to compare" in paired_verdict(catalog, first, first)
