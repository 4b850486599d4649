"""The paper's Figure 1 on a card: mean entropy and its moving average along the reply, in few points, and their picture.

The picture is written out here and not drawn by a library: the same curve is the same bytes with every version of one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vreason_tracking.presentation import BASELINE, COLOURS, plain
from vreason_tracking.records import EntropyCurve

POINTS = 40
_DIGITS = 5
_WIDTH, _HEIGHT, _EDGE = 320, 96, 4


@dataclass(frozen=True)
class Curve:
    """Entropy along the reply, over a run's samples that got so far; while at least a tenth of them did.

    Attributes:
        run: the variant's name in the card.
        tokens: first token of each point, shape (m,), m at most `POINTS`.
        entropy, ema: mean H_t and mean H^ema_t of each point, nats, shape (m,); None where it is not finite.
        samples: samples that got to the point's first token, shape (m,).
        peak: token at which the mean EMA is highest for the last time, among those that half of the samples reached; None without one.
    """

    run: str
    tokens: Sequence[int]
    entropy: Sequence[float | None]
    ema: Sequence[float | None]
    samples: Sequence[int]
    peak: int | None


def curve_of(run: str, curve: EntropyCurve) -> Curve:
    """A curve of at least one step in at most `POINTS` points, each the mean over neighbouring tokens.

    Args:
        run: the variant's name in the card.
        curve: sums over the run's samples, by token.
    """
    tokens = curve.shown_tokens()
    first = np.arange(0, tokens, -(-tokens // POINTS))
    count, entropy, ema = (np.add.reduceat(each[:tokens], first) for each in (curve.count, curve.entropy, curve.ema))
    with np.errstate(invalid="ignore", divide="ignore"):
        mean_entropy, mean_ema = [
            [round(value, _DIGITS) if np.isfinite(value) else None for value in (each / count).tolist()] for each in (entropy, ema)
        ]
    return Curve(run, first.tolist(), mean_entropy, mean_ema, curve.count[first].astype(int).tolist(), curve.peak_token)


def curve_colours(curves: Sequence[Curve], baseline: str | None) -> list[tuple[str, str]]:
    """Name and colour of each curve, the baseline's first."""
    others = [curve.run for curve in curves if curve.run != baseline]
    own = [(curve.run, BASELINE) for curve in curves if curve.run == baseline]
    return [*own, *((name, COLOURS[index % len(COLOURS)]) for index, name in enumerate(others))]


def curve_svg(curves: Sequence[Curve], baseline: str | None, label: str) -> str:
    """The moving averages of a few runs on one scale, as an SVG element without a name or text of anybody's but its label.

    Args:
        curves: at least one.
        baseline: the run that is drawn in grey and dashed.
        label: read out in the place of the picture.
    """
    from html import escape

    top = max((value for curve in curves for value in curve.ema if value is not None), default=0.0) or 1.0
    last = max((curve.tokens[-1] for curve in curves if curve.tokens), default=0) or 1
    lines = []
    colours = dict(curve_colours(curves, baseline))
    for curve in sorted(curves, key=lambda each: each.run != baseline):  # the baseline lies below the others
        points = [
            f"{_EDGE + (_WIDTH - 2 * _EDGE) * token / last:.1f},{_HEIGHT - _EDGE - (_HEIGHT - 2 * _EDGE) * value / top:.1f}"
            for token, value in zip(curve.tokens, curve.ema, strict=True)
            if value is not None
        ]
        look = f'stroke="{colours[curve.run]}"' + (' stroke-dasharray="4 2"' if curve.run == baseline else "")
        if len(points) == 1:
            points *= 2
        lines.append(f'<polyline points="{" ".join(points)}" fill="none" {look} stroke-width="2" stroke-linecap="round"/>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" height="{_HEIGHT}" role="img" '
        f'aria-label="{escape(plain(label))}">{"".join(lines)}</svg>'
    )
