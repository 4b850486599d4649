"""A table of text, which every output prints in its own way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


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


def slug(text: str) -> str:
    """A table's name out of its words."""
    return text.replace(" ", "-").replace("_", "-")
