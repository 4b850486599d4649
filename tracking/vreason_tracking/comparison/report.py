"""A comparison with its pictures and the pages of some samples: what the HTML file and MLflow get."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vreason.errors import TrackingError
from vreason_tracking.comparison.comparison import Comparison
from vreason_tracking.comparison.export.html_page import HtmlPage, to_html
from vreason_tracking.comparison.figures import Figure, figures
from vreason_tracking.comparison.sample_pages.disagreement import most_informative
from vreason_tracking.comparison.sample_pages.page import SamplePage
from vreason_tracking.comparison.sample_pages.reading import read_pages
from vreason_tracking.records import read_steps

PAGES = 12
"""Samples that get a page unless somebody says otherwise."""


@dataclass(frozen=True)
class Report:
    """A comparison with its pictures and the pages of single samples.

    Attributes:
        comparison: the figures.
        figures: pictures.
        pages: of samples.
    """

    comparison: Comparison
    figures: Sequence[Figure]
    pages: Sequence[SamplePage]

    def html(self) -> HtmlPage:
        """As one file."""
        return to_html(self.comparison, self.figures, self.pages)


def require_compared(comparison: Comparison, samples: Sequence[str]) -> None:
    """Refuse ids of samples that are not compared.

    Raises:
        TrackingError: there are some.
    """
    compared = set(comparison.frame.ids)
    if unknown := [name for name in samples if name not in compared]:
        known = ", ".join(comparison.frame.ids[:5])
        raise TrackingError(f"--sample: {', '.join(unknown)}: not among the samples compared, such as {known}")


def make_report(comparison: Comparison, samples: Sequence[str] = (), pages: int = PAGES) -> Report:
    """Read the steps, draw the pictures, fill the pages.

    Args:
        comparison: of what.
        samples: ids that get a page in any case; the first one's phases are drawn.
        pages: how many samples get a page; the most telling ones are taken.

    Raises:
        TrackingError: a sample is not among those compared, or a run's steps cannot be read.
    """
    require_compared(comparison, samples)
    chosen = list(dict.fromkeys([*samples, *most_informative(comparison, pages)]))[: max(pages, len(samples))]
    drawn = chosen[:1] or most_informative(comparison, 1)
    steps = read_steps([run.steps for run in comparison.runs], comparison.frame.ids, {*chosen, *drawn})
    return Report(comparison, figures(comparison, steps, drawn[0] if drawn else None), read_pages(comparison, chosen, steps))
