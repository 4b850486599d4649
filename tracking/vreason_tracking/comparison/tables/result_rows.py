"""The results of a comparison in the order in which tables have them."""

from __future__ import annotations

from collections.abc import Iterator

from vreason_tracking.comparison.comparison import Comparison, GroupResult, Result


def of_all(comparison: Comparison) -> Iterator[tuple[str, Result]]:
    """Name and result of every run on all questions."""
    return zip(comparison.names, comparison.groups[0].results, strict=True)


def of_grouping(comparison: Comparison, grouping: str) -> Iterator[tuple[GroupResult, str, Result]]:
    """Group, name and result of every run on every group of a grouping."""
    for group in comparison.groups:
        if group.grouping == grouping:
            for name, result in zip(comparison.names, group.results, strict=True):
                yield group, name, result
