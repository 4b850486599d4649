"""vreason_tracking.comparison.export.page_sections: what stands on a page, in order."""

from __future__ import annotations

from dataclasses import replace

from vreason_tracking.comparison.export.page_sections import groupings_of, opening, tables_of, title_of


def test_titles(trio, many) -> None:
    """Few runs by name, many by number."""
    assert "v-reason and v-reason-lite against baseline" == title_of(trio)
    assert "9 runs against run-0" == title_of(many)
    runs = [replace(trio.runs[0], name="n" * 50), replace(trio.runs[1], name="o" * 80), trio.runs[2]]
    assert f"2 runs against {'n' * 50}" == title_of(replace(trio, runs=runs))
    assert f"{'o' * 80} against {'n' * 50}" == title_of(replace(trio, runs=runs[:2]))


def test_opening(trio) -> None:
    """What was asked of whom."""
    assert "3 runs of trial, 48 questions about 12 videos, scoring profile robust; baseline: baseline." == opening(trio)
    nameless = replace(trio, runs=[replace(run, config="") for run in trio.runs])
    assert opening(nameless).startswith("3 runs of no named config, ")


def test_tables(trio, forced) -> None:
    """Accuracy first; what else differs only where something does; the paper's only with its models."""
    costs = ["output-tokens", "latency-ms", "time-to-first-token-ms", "ms-per-token", "control-share", "memory"]
    assert ["accuracy", *costs, "failures", "runs", "method"] == [table.name for table in tables_of(trio)]
    different = replace(forced, differences=forced.differences)
    assert bool(different.differences) == ("differences" in [table.name for table in tables_of(different)])


def test_every_row_is_as_wide_as_its_heads(trio, many, forced) -> None:
    """In every table of every grouping."""
    for comparison in (trio, many, forced):
        tables = [*tables_of(comparison), *(table for _, tables in groupings_of(comparison) for table in tables)]
        assert len(tables) > 15
        for table in tables:
            assert {len(table.columns)} == {len(row) for row in table.rows}, table.name
            assert 1 <= table.texts <= len(table.columns)


def test_groupings(trio) -> None:
    """Each with accuracy and costs; failures where there are some, and a grouping without groups not at all."""
    found = dict(groupings_of(trio))
    assert ["benchmark", "problem type", "video length", "category"] == list(found)
    assert ["Accuracy by category", "Costs by category"] == [table.title for table in found["category"]]
    without = replace(trio, groups=[group for group in trio.groups if group.grouping != "category"])
    assert ["benchmark", "problem type", "video length"] == list(dict(groupings_of(without)))
