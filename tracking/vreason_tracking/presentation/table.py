"""A table of text, which every output prints in its own way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from vreason_tracking.comparison.comparison import Comparison, GroupResult, Result


@dataclass(frozen=True)
class Table:
    """Rows of text.

    Attributes:
        name: for links and files.
        title: above it.
        columns: heads.
        rows: cells.
        texts: how many columns on the left are words; the others are numbers.
        note: below it.
    """

    name: str
    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    texts: int = 1
    note: str = ""


def of_all(comparison: Comparison) -> Iterator[tuple[str, Result]]:
    """Name and result of every run on all questions."""
    return zip(comparison.names, comparison.groups[0].results, strict=True)


def of_grouping(comparison: Comparison, grouping: str) -> Iterator[tuple[GroupResult, str, Result]]:
    """Group, name and result of every run on every group of a grouping."""
    for group in comparison.groups:
        if group.grouping == grouping:
            for name, result in zip(comparison.names, group.results, strict=True):
                yield group, name, result


def slug(text: str) -> str:
    """A table's name out of its words."""
    return text.replace(" ", "-").replace("_", "-")
