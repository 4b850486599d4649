"""The comparison as one HTML file that needs nothing else: no network, no script, pictures and samples' pages inside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING

from vreason_tracking.comparison.comparison import Comparison
from vreason_tracking.comparison.costs import QUANTITIES
from vreason_tracking.comparison.export.page_sections import groupings_of, opening, tables_of, title_of
from vreason_tracking.comparison.figures import Figure
from vreason_tracking.comparison.sample_pages.page import SamplePage, anchor
from vreason_tracking.comparison.tables.cost_tables import cost_summary
from vreason_tracking.comparison.tables.questions import QuestionList, questions_of
from vreason_tracking.comparison.tables.verdicts import FEW_RUNS, in_short, verdicts
from vreason_tracking.presentation import LOOK, slug

if TYPE_CHECKING:
    from jinja2 import Environment

LARGEST = 5_000_000
"""Bytes that the file stays below: what a mail still carries."""

_ROWS = 100  # of the data behind a picture, where there is no room for more

_COSTS = (*(slug(quantity.name) for quantity in QUANTITIES), "memory")


@dataclass(frozen=True)
class HtmlPage:
    """The file's text.

    Attributes:
        text: of the file.
        excluded: samples that a page was read for, and that the file had no room for.
    """

    text: str
    excluded: Sequence[str] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return len(self.text.encode())


def to_html(comparison: Comparison, figures: Sequence[Figure], pages: Sequence[SamplePage]) -> HtmlPage:
    """The whole file. Pages of samples that would make it larger than `LARGEST` are left out, the last ones first.

    Where that is not enough, the data behind the pictures is cut, and says so; `HtmlPage.size` tells whether it was enough then.
    """
    found = _fitted(comparison, figures, pages)
    return found if found.size < LARGEST else _fitted(comparison, [_cut(figure) for figure in figures], pages)


def _cut(figure: Figure) -> Figure:
    if len(figure.rows) <= _ROWS:
        return figure
    note = f"The data below are the first {_ROWS} of {len(figure.rows):,} rows, for the file's size."
    return replace(figure, rows=figure.rows[:_ROWS], note=f"{figure.note} {note}".strip())


def _fitted(comparison: Comparison, figures: Sequence[Figure], pages: Sequence[SamplePage]) -> HtmlPage:
    sizes = [len(_rendered_page(page).encode()) for page in pages]
    room = LARGEST - len(_rendered(comparison, figures, []).encode()) - 50_000  # links to them, and the words on those left out
    kept: list[SamplePage] = []
    for page, size in zip(pages, sizes, strict=True):
        room -= size
        if room < 0:
            break
        kept.append(page)
    return HtmlPage(_rendered(comparison, figures, kept), [page.sample_id for page in pages[len(kept) :]])


def _rendered(comparison: Comparison, figures: Sequence[Figure], pages: Sequence[SamplePage]) -> str:
    questions: QuestionList = questions_of(comparison, {page.sample_id: anchor(page.sample_id) for page in pages})
    told = verdicts(comparison)
    return (
        _templates()
        .get_template("report.html.j2")
        .render(
            look=LOOK,
            title=title_of(comparison),
            opening=opening(comparison),
            warnings=comparison.warnings,
            verdicts=told,
            in_short=in_short(comparison) if len(told) > FEW_RUNS else "",
            tables=tables_of(comparison),
            added_tables=comparison.added_tables,
            summary=cost_summary(comparison),
            costs=_COSTS,
            groupings=list(groupings_of(comparison)),
            figures=figures,
            questions=questions,
            pages=pages,
        )
    )


def _rendered_page(page: SamplePage) -> str:
    module = _templates().get_template("sample.html.j2").module
    return str(module.sample_page(page))  # type: ignore[attr-defined]


@cache
def _templates() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    loader = PackageLoader("vreason_tracking.comparison", "templates")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=False)
