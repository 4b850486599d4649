"""vreason_tracking.comparison.tables.result_rows: the results that fill tables."""

from __future__ import annotations

from vreason_tracking.comparison.tables.result_rows import of_all, of_grouping


def test_results_of_all_questions(trio) -> None:
    """Each run's name with its own result, in the runs' order."""
    assert list(zip(trio.names, trio.groups[0].results, strict=True)) == list(of_all(trio))


def test_results_of_a_grouping(trio) -> None:
    """Every run on every group of this grouping and of no other."""
    groups = [group for group in trio.groups if group.grouping == "category"]
    wanted = [(group, name, result) for group in groups for name, result in zip(trio.names, group.results, strict=True)]
    assert 9 == len(wanted)
    assert wanted == list(of_grouping(trio, "category"))
    assert [] == list(of_grouping(trio, "weather"))
