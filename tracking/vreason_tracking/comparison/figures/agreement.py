"""Who is right on which question: one column a question, one row a run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vreason_tracking.comparison.comparison import Comparison
from vreason_tracking.presentation import Figure, legend, plain, render_svg, short_names, whole_axis
from vreason_tracking.records import OUTCOMES, outcome_of

RIGHT, PARTLY, WRONG, FAILED = range(len(OUTCOMES))  # in the order of `OUTCOMES`
SIGNS = ("1", "½", "0", "x")
MOST_CELLS = 2_000
MOST_COLUMNS = 1_000
MOST_ROWS = 5_000
_COLOURS = ("#0B3C6F", "#7F9FB8", "#F4E27A", "#FFFFFF")  # dark to light: reads in grey print as well
_HATCH = "xxxxxx"
_TITLES = ("right", "partly right", "wrong", "failed")
Outcomes = NDArray[np.int8]


def draw(comparison: Comparison) -> Figure | None:
    """Right, partly right, wrong and failed of all questions."""
    made = outcomes(comparison.frame.scores)
    order = sorted_questions(comparison.frame.scores, comparison.frame.ids)
    sorted_made = made[order]
    runs = made.shape[1]
    title = "Who is right on which question"
    width = 1 if made.size <= MOST_CELLS else -(-len(made) // MOST_COLUMNS)
    differing = [position for position in order if len(set(made[position].tolist())) > 1]
    return Figure(
        name="agreement",
        title=title,
        caption=_caption(width),
        svg=render_svg(
            "agreement", title, 0.95 + max(0.22, min(0.4, 1.2 / runs)) * runs, lambda canvas: _draw(canvas, comparison, sorted_made, width)
        ),
        columns=["question", "right", "pattern"],
        rows=[_row(comparison.frame.ids[position], made[position]) for position in differing[:MOST_ROWS]],
        run_ids=[run.run_id for run in comparison.runs],
        note=_note(comparison, len(differing), len(made)),
    )


def outcomes(scores: NDArray[np.float64]) -> Outcomes:
    """What became of each question, by its score: `RIGHT`, `PARTLY`, `WRONG` or `FAILED`, shape (n, V)."""
    values, places = np.unique(scores, return_inverse=True)  # a handful, of many cells
    made: Outcomes = np.array([OUTCOMES.index(outcome_of(value)) for value in values], np.int8)[places].reshape(scores.shape)
    return made


def sorted_questions(scores: NDArray[np.float64], ids: Sequence[str]) -> list[int]:
    """Places of the questions: those that most runs get right first, then by the sum of the scores, then by id."""
    right, total = (scores >= 1).sum(1), np.nansum(scores, 1)
    return sorted(range(len(ids)), key=lambda position: (-int(right[position]), -float(total[position]), ids[position]))


def stacked(made: Outcomes, width: int) -> Outcomes:
    """Cells of a picture that holds every question once: `width` neighbouring ones share a column, in which each run has them one above the
    other, right ones at the bottom. Shape (V * width, columns); -1 where the last column has no more questions.
    """
    n, runs = made.shape
    columns = -(-n // width)
    padded = np.full((columns * width, runs), -1, np.int8)
    padded[:n] = made
    blocks = np.sort(padded.reshape(columns, width, runs), axis=1)[:, ::-1]  # the greatest, failed, on top
    found: Outcomes = blocks.transpose(2, 1, 0).reshape(runs * width, columns)
    return found


def _draw(canvas: Any, comparison: Comparison, made: Outcomes, width: int) -> None:
    from matplotlib.patches import Patch

    axes = canvas.subplots()
    n, runs = made.shape
    (_vector if made.size <= MOST_CELLS else _raster)(axes, made, width)
    for row in range(1, runs):
        axes.axhline(row - 0.5, color="white", linewidth=1.6)
    axes.set(xlim=(0, n), ylim=(runs - 0.5, -0.5), yticks=range(runs))
    axes.set_yticklabels(short_names(comparison.names, 34))
    axes.get_yticklabels()[comparison.baseline].set_fontweight("bold")
    axes.set_xlabel(f"{n:,} question{'s' if n > 1 else ''}, those that most runs get right first")
    whole_axis(axes)
    axes.tick_params(axis="y", length=0)
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)
    present = [kind for kind in range(4) if (made == kind).any()]
    patches = [
        Patch(facecolor=_COLOURS[kind], edgecolor="#333333", linewidth=0.4, hatch=_HATCH if kind == FAILED else None) for kind in present
    ]
    legend(canvas, patches, [f"{_TITLES[kind]} ({SIGNS[kind]} in the table)" for kind in present], 4)


def _vector(axes: Any, made: Outcomes, _: int) -> None:
    """Every kind is one path of rectangles."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    codes = [Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY]
    for kind, colour in enumerate(_COLOURS):
        places = np.argwhere(made == kind)
        if len(places):
            corners = places[:, None, :] + np.array([(0, -0.5), (1, -0.5), (1, 0.5), (0, 0.5), (0, -0.5)])
            look = {"hatch": _HATCH, "edgecolor": "#333333"} if kind == FAILED else {"edgecolor": "white"}
            axes.add_patch(PathPatch(Path(corners.reshape(-1, 2), codes * len(places)), facecolor=colour, linewidth=0.25, **look))


def _raster(axes: Any, made: Outcomes, width: int) -> None:
    """Two by two pixels a question; a failed one is checked black and white."""
    from matplotlib.colors import to_rgba_array

    palette = np.vstack([to_rgba_array(_COLOURS) * 255, np.zeros(4)]).astype(np.uint8)  # -1 is the last: transparent
    pixels = palette[stacked(made, width).repeat(2, 0).repeat(2, 1)]
    failed = np.all(pixels == palette[FAILED], axis=2)
    checks = np.indices(failed.shape).sum(0) % 2 == 0
    pixels[failed & checks] = (51, 51, 51, 255)
    columns, runs = pixels.shape[1] // 2, made.shape[1]
    axes.imshow(pixels, extent=(0, columns * width, runs - 0.5, -0.5), aspect="auto", interpolation="none")


def _row(name: str, made: Outcomes) -> list[str]:
    return [plain(name), str(int((made == RIGHT).sum())), " ".join(SIGNS[kind] for kind in made)]


def _caption(width: int) -> str:
    columns = "One column a question, one row a run."
    if width > 1:
        columns = f"One row a run; a column is {width} neighbours, stacked, right ones at the bottom: equal areas are equal numbers."
    return (
        columns
        + " Questions are sorted by how many runs get them right; the order has no other meaning, and questions about one video are not "
        "independent of each other. In the table a pattern has one sign a run, in the order of the rows here."
    )


def _note(comparison: Comparison, differing: int, n: int) -> str:
    told = f"On {n - differing:,} of {n:,} questions all {len(comparison.runs)} runs end alike; the table holds the others"
    return told + (f", the first {MOST_ROWS:,} of {differing:,}." if differing > MOST_ROWS else ".")
