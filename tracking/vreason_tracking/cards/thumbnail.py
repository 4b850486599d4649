"""The picture that stands for a repository of the Hub: title, finding, and the entropy curve; PNG, 1200 x 630, without a date."""

from __future__ import annotations

import io
import textwrap

from vreason_tracking.cards.entropy_curve import curve_colours
from vreason_tracking.cards.evidence import Evidence
from vreason_tracking.cards.summary import finding
from vreason_tracking.presentation import plain

_INK, _QUIET = "#1b1f24", "#57606a"


def thumbnail(evidence: Evidence) -> bytes:
    """The file.

    Args:
        evidence: of the card.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    with pyplot.rc_context({"text.parse_math": False, "font.size": 15, "axes.spines.top": False, "axes.spines.right": False}):
        figure = pyplot.figure(figsize=(12, 6.3), dpi=100)
        try:
            figure.text(0.05, 0.9, _lines(evidence.title, 44, 1), fontsize=32, fontweight="bold", color=_INK, va="top")
            figure.text(0.05, 0.77, _lines(finding(evidence), 88, 4), fontsize=18, color=_QUIET, va="top")
            if evidence.curves:
                axes = figure.add_axes((0.09, 0.13, 0.86, 0.36))
                colours = dict(curve_colours(evidence.curves, evidence.baseline))
                for curve in evidence.curves[:6]:
                    values = [float("nan") if value is None else value for value in curve.ema]
                    style = "--" if curve.run == evidence.baseline else "-"
                    axes.plot(curve.tokens, values, style, color=colours[curve.run], linewidth=2.5, label=_lines(curve.run, 30, 1))
                axes.set_ylim(bottom=0)
                axes.set(xlabel="generated token t", ylabel="entropy (nats)")
                axes.legend(frameon=False, fontsize=13)
            picture = io.BytesIO()
            figure.savefig(picture, format="png", metadata={"Software": None})
            return picture.getvalue()
        finally:
            pyplot.close(figure)


def _lines(text: str, width: int, most: int) -> str:
    """Text in at most so many lines, of letters that the picture's font has."""
    return "\n".join(textwrap.wrap(plain(text), width, max_lines=most, placeholder=" …"))
