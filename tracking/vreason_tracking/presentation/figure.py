"""One picture of the report, with what is behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """A picture that says where it comes from.

    Attributes:
        name: "entropy", "alpha", ...: its file and its anchor; letters, digits and underscores, unique in a report.
        title: in plain words.
        caption: what is seen and how it is drawn, and what a reader must not conclude.
        svg: a whole ``<svg>`` element to stand in a page; needs nothing from outside.
        columns, rows: the numbers behind it, as text; every row is as long as `columns`.
        run_ids: the runs it is drawn from.
        note: what was thinned or left out; empty when nothing was.
    """

    name: str
    title: str
    caption: str
    svg: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    run_ids: Sequence[str]
    note: str = ""
