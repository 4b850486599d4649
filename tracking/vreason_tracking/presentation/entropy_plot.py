"""The entropy plot of a variant, or of several on one page, as PNG and SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np

from vreason_tracking.records import EntropyCurve

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")  # Okabe and Ito: safe for colour-blind readers
_STYLE = {"svg.hashsalt": "vreason", "text.parse_math": False, "font.size": 9, "axes.spines.top": False, "axes.spines.right": False}


def draw_entropy(curves: Mapping[str, EntropyCurve], path: Path, title: str, colours: Sequence[str] = COLOURS) -> list[Path]:
    """Draw mean entropy with a band of one standard deviation, its mean EMA, and the EMA's peak.

    Args:
        curves: by variant; those without a step are left out.
        path: without an ending; ``.png`` and ``.svg`` are written.
        title: above the plot.
        colours: of the variants, in their order; begun again when there are more variants.

    Returns:
        The files written; none when no curve holds a step.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    drawn = {name: curve for name, curve in curves.items() if len(curve.count)}
    if not drawn:
        return []
    with pyplot.rc_context(_STYLE):
        figure, axes = pyplot.subplots(figsize=(8, 4.2), layout="constrained")
        handles, labels = [], []
        for colour, (name, curve) in zip(cycle(colours), drawn.items(), strict=False):
            last = curve.shown_tokens()
            token = np.arange(last)
            mean, spread, ema = curve.mean_entropy[:last], curve.deviation[:last], curve.mean_ema[:last]
            peak = curve.peak_token or 0
            axes.fill_between(token, np.maximum(mean - spread, 0), mean + spread, color=colour, alpha=0.10, linewidth=0)
            thin = axes.plot(token, mean, color=colour, linewidth=0.8, alpha=0.65)
            thick = axes.plot(token, ema, color=colour, linewidth=2.0)
            handles += [*thin, *thick]
            labels += [f"{name}: mean H ± 1 sd", f"{name}: mean EMA, peak at token {peak}"]
            axes.plot([peak], [ema[peak]], marker="o", color=colour, markeredgecolor="white", markersize=7)
        axes.set(xlabel="generated token t", ylabel="entropy, nats", title=title)
        axes.set_ylim(bottom=0)
        axes.margins(x=0.01)
        legend_with(axes, handles, labels, frameon=False, fontsize=8, ncols=min(len(drawn), 2))
        files = [path.with_name(f"{path.name}.{ending}") for ending in ("png", "svg")]
        figure.savefig(files[0], dpi=150)
        figure.set_layout_engine("none")  # it is laid out, and the second file need not do it again
        figure.savefig(files[1], metadata={"Date": None})
        pyplot.close(figure)
    return files


def legend_with(holder: Any, handles: Sequence[Any], labels: Sequence[str], **look: Any) -> None:
    """A legend, of axes or of a figure, with the labels as they are: matplotlib drops those that begin with an underscore."""
    legend = holder.legend(handles, [str(number) for number in range(len(labels))], **look)
    for text, label in zip(legend.get_texts(), labels, strict=True):
        text.set_text(label)
