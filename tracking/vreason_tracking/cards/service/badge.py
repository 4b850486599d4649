"""A badge for a README: what it is of on the left, what it says on the right; SVG without a font or an address of anybody's."""

from __future__ import annotations

from html import escape

from vreason_tracking.cards.service.index import CardEntry
from vreason_tracking.presentation import percent, plain

FIGURES = ("accuracy", "signed", "state")
_GREEN, _ORANGE, _GREY, _BLUE = "#116329", "#9a4b00", "#57606a", "#0550ae"
_LETTER, _PADDING, _HEIGHT = 6.6, 6, 20


def badge(entry: CardEntry, figure: str) -> str:
    """The picture.

    Args:
        entry: of the card.
        figure: one of `FIGURES`.
    """
    left, right, colour = _told(entry, figure)
    return _drawn(left, right, colour)


def _told(entry: CardEntry, figure: str) -> tuple[str, str, str]:
    if figure == "signed":
        return entry.label, "signed" if entry.signed else "unsigned", _GREEN if entry.signed else _GREY
    if figure == "state":
        return (
            f"card of {entry.label}",
            "stale" if entry.stale else "retired" if entry.retired else "not stale",
            (_ORANGE if entry.stale or entry.retired else _GREEN),
        )
    told = entry.summary
    interval = f" ({percent(told.low)} to {percent(told.high)})" if told.low is not None and told.high is not None else ""
    value = "not known" if told.accuracy is None else f"{percent(told.accuracy)}{interval}"
    benchmark = told.benchmarks[0] if len(told.benchmarks) == 1 else f"{len(told.benchmarks)} benchmarks"
    return f"{entry.label} on {benchmark}", f"{value}{', stale' if entry.stale else ''}", _ORANGE if entry.stale else _BLUE


def _drawn(left: str, right: str, colour: str) -> str:
    left, right = (plain(each)[:80] for each in (left, right))
    widths = [round(len(each) * _LETTER + 2 * _PADDING) for each in (left, right)]
    whole, label = sum(widths), escape(f"{left}: {right}")
    texts = (
        f'<text x="{start + _PADDING}" y="14" textLength="{width - 2 * _PADDING}">{escape(text)}</text>'
        for start, width, text in ((0, widths[0], left), (widths[0], widths[1], right))
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{whole}" height="{_HEIGHT}" role="img" aria-label="{label}"><title>{label}</title>'
        f'<rect width="{whole}" height="{_HEIGHT}" rx="3" fill="#24292f"/>'
        f'<rect x="{widths[0]}" width="{widths[1]}" height="{_HEIGHT}" rx="3" fill="{colour}"/>'
        f'<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">{"".join(texts)}</g></svg>'
    )
