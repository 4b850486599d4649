"""Labels beside points, placed so that they cover neither each other nor a point."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

Box = tuple[float, float, float, float]
"""Left, bottom, right, top."""
_SIDES = ((1, 0.8), (-1, 0.8), (1, -0.8), (-1, -0.8), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1))
_DISTANCES = (6.0, 14.0, 26.0, 42.0, 64.0)
_POINT = 5.0
_LETTERS = 8.5
_GROUND = {"facecolor": "white", "alpha": 0.7, "edgecolor": "none", "pad": 0.3}  # so that an interval's line does not cross the letters out


def place_labels(axes: Any, xs: Sequence[float], ys: Sequence[float], labels: Sequence[str]) -> None:
    """Write a label beside each point; one that stands apart is joined to its point by a thin line. The axes must have their place."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = axes.figure
    renderer = FigureCanvasAgg(canvas).get_renderer()
    points = [tuple(axes.transData.transform(point)) for point in zip(xs, ys, strict=True)]
    scale = canvas.dpi / 72
    sizes = [(_width(canvas, renderer, label) + 2, 1.3 * _LETTERS * scale) for label in labels]
    boxes = placed(points, sizes, tuple(axes.bbox.extents), scale)
    inverse = axes.transData.inverted()
    for label, point, box in zip(labels, points, boxes, strict=True):
        if _gap(box, point) > 8 * scale:
            near = (min(max(point[0], box[0]), box[2]), min(max(point[1], box[1]), box[3]))
            axes.plot(
                *zip(*inverse.transform([point, near]), strict=True), color="#9A9A9A", linewidth=0.5, zorder=2, scalex=False, scaley=False
            )
        anchor, side = _anchor(box, point)
        axes.text(*inverse.transform(anchor), label, ha=side, va="center", fontsize=_LETTERS, zorder=6, bbox=_GROUND)


def _anchor(box: Box, point: tuple[float, float]) -> tuple[tuple[float, float], str]:
    """The end of a label that is next to its point: the browser's letters may be wider than those measured."""
    middle = (box[1] + box[3]) / 2
    if box[0] >= point[0]:
        return (box[0], middle), "left"
    return ((box[2], middle), "right") if box[2] <= point[0] else (((box[0] + box[2]) / 2, middle), "center")


def _width(canvas: Any, renderer: Any, label: str) -> float:
    """Pixels. The height is not asked for: it is out of all proportion where matplotlib has no letters for a name."""
    text = canvas.text(0, 0, label, fontsize=_LETTERS)
    width = float(text.get_window_extent(renderer).width)
    text.remove()
    return width


def placed(points: Sequence[tuple[float, float]], sizes: Sequence[tuple[float, float]], frame: Box, scale: float = 1.0) -> list[Box]:
    """A box for each label, beside its point and inside the frame: the nearest of its places that covers least.

    Args:
        points: pixels.
        sizes: width and height of each label, pixels.
        frame: what no label should leave.
        scale: pixels a typographic point.
    """
    half = _POINT * scale
    taken: list[Box] = [(x - half, y - half, x + half, y + half) for x, y in points]
    found = []
    for (x, y), (width, height) in zip(points, sizes, strict=True):
        tried = [_beside(x, y, width, height, side, far * scale) for far, side in product(_DISTANCES, _SIDES)]
        best = min(range(len(tried)), key=lambda at: (round(_covered(tried[at], taken, frame), 3), at))
        found.append(tried[best])
        taken.append(tried[best])
    return found


def _beside(x: float, y: float, width: float, height: float, side: tuple[float, float], far: float) -> Box:
    across, up = side
    left = x + across * far - (width if across < 0 else width / 2 if across == 0 else 0)
    middle = y + up * (far + height / 2)
    return left, middle - height / 2, left + width, middle + height / 2


def _covered(box: Box, taken: Sequence[Box], frame: Box) -> float:
    """Area over what is there already, and outside the frame, which counts more."""
    area = (box[2] - box[0]) * (box[3] - box[1])
    return sum(_common(box, each) for each in taken) + 3 * (area - _common(box, frame))


def _common(one: Box, other: Box) -> float:
    return max(0.0, min(one[2], other[2]) - max(one[0], other[0])) * max(0.0, min(one[3], other[3]) - max(one[1], other[1]))


def _gap(box: Box, point: tuple[float, float]) -> float:
    return float(max(box[0] - point[0], point[0] - box[2], box[1] - point[1], point[1] - box[3], 0.0))
