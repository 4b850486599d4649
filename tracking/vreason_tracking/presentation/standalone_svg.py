"""A report's picture as a file of its own: with a size, and with the warning that stands above it in a report."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

from vreason_tracking.presentation.run_styles import plain

_HEAD = re.compile(r'^(<svg\b[^>]*?) viewBox="0 0 ([0-9.]+) ([0-9.]+)" width="100%"([^>]*>)')
_LINE, _LETTER, _SIZE = 16, 5.6, 10  # height of the warning's line, mean width of its letters, their size: 72nds of an inch
_STYLE = f"font-family:'DejaVu Sans',Verdana,sans-serif;font-size:{_SIZE}px;font-weight:bold"


def picture_file(svg: str, warning: str, described: Sequence[str]) -> str:
    """The picture as wide and high as it was drawn: as wide as its surroundings it is nothing in MLflow's view of an artifact.

    Args:
        svg: as `Figure` has it.
        warning: a line above it, for which it becomes higher; "" for none.
        described: all there is to say, sentence by sentence, for whoever reads the file or has it read out; only beside a warning.
    """
    head = _HEAD.match(svg)
    assert head is not None, "every picture comes from `figures.svg.page_svg`"
    width, height = float(head[2]), float(head[3])
    above = _LINE if warning else 0
    box = f'viewBox="0 {-above} {width:g} {height + above:g}" width="{width:g}" height="{height + above:g}"'
    return f"{head[1]} {box}{head[4]}{_warned(warning, described, width) if warning else ''}{svg[head.end() :]}"


def _warned(warning: str, described: Sequence[str], width: float) -> str:
    """A bar across the top that reads on any ground."""
    most = int(width / _LETTER)
    line = plain(warning) if len(warning) <= most else f"{plain(warning)[: most - 1]}…"
    told = escape("\n".join(plain(each) for each in described))
    bar = f'<rect x="0" y="{-_LINE}" width="{width:g}" height="{_LINE}" style="fill:#fff3c4"/>'
    return f'<desc>{told}</desc>{bar}<text x="4" y="{_SIZE + 1 - _LINE}" style="{_STYLE};fill:#5c1a00">{escape(line)}</text>'
