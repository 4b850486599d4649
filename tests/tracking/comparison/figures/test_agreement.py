"""vreason_tracking.comparison.figures.agreement: who is right on which question."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from io import BytesIO

import numpy as np
from PIL import Image

from vreason_tracking.comparison.figures.agreement import MOST_ROWS, draw, outcomes, sorted_questions, stacked

NAN = float("nan")
SCORES = np.array([[0.0, NAN, 0.0], [1.0, 1.0, 1.0], [0.5, 1.0, 0.0], [0.0, 0.0, 1.0]])


def of(comparison, scores: np.ndarray):
    """The comparison with other scores, and questions to match."""
    ids = [f"q-{number:05d}" for number in range(len(scores))]
    runs = [replace(comparison.runs[0], name=f"run {number}", run_id=str(number)) for number in range(scores.shape[1])]
    return replace(comparison, runs=runs, frame=replace(comparison.frame, ids=ids, numbers={"score": scores}))


def test_signs_of_scores(three) -> None:
    """Right, partly, wrong, failed; questions on which all end alike are counted and not listed."""
    figure = draw(of(three[0], SCORES))
    assert [["q-00002", "1", "½ 1 0"], ["q-00003", "1", "0 0 1"], ["q-00000", "0", "0 x 0"]] == list(figure.rows)
    assert "On 1 of 4 questions all 3 runs end alike; the table holds the others." == figure.note


def test_the_record_is_what_is_shown(three) -> None:
    """Patterns of real samples are their scores."""
    comparison, _ = three
    rows = {row[0]: row[2] for row in draw(comparison).rows}
    place = comparison.frame.ids.index(next(iter(rows)))
    expected = " ".join("1" if score == 1 else "0" if score == 0 else "½" for score in comparison.frame.scores[place])
    assert expected == rows[comparison.frame.ids[place]]


def test_sorted_by_right_runs_then_id() -> None:
    """Of two with as many right runs the one with the higher sum of scores first, then alphabetically."""
    scores = np.array([[0.0, 1.0], [1.0, 1.0], [0.0, 1.0], [0.5, 1.0]])
    assert [1, 3, 2, 0] == sorted_questions(scores, ["b", "z", "a", "y"])


def test_stacked_columns_hold_every_question() -> None:
    """Right (0) at the bottom, failed (3) on top; -1 fills the last column."""
    made = outcomes(np.array([[1.0, 0.0], [NAN, 1.0], [1.0, 0.5]]))
    assert [[3, 0], [0, -1], [2, 1], [0, -1]] == stacked(made, 2).tolist()


def test_many_cells_are_an_image_inside_the_picture(three) -> None:
    """150,000 cells: below 200 kB, one image of 2 x 2 pixels a question, and the table stops at its limit with a note."""
    scores = np.random.default_rng(7).choice([0.0, 1.0, 0.5, NAN], (5_000, 30), p=[0.4, 0.5, 0.05, 0.05])
    figure = draw(of(three[0], np.vstack([scores, scores[:500]])))
    assert len(figure.svg.encode()) < 200_000
    (data,) = re.findall(r'href="data:image/png;base64,([^"]+)"', figure.svg)
    width = -(-5_500 // 1_000)
    assert (2 * -(-5_500 // width), 2 * 30 * width) == Image.open(BytesIO(base64.b64decode("".join(data.split())))).size
    assert MOST_ROWS == len(figure.rows)
    assert "the first 5,000 of" in figure.note
    assert f"a column is {width} neighbours" in figure.caption


def test_few_cells_are_shapes(three) -> None:
    """No image, and failed ones are hatched: they read without colour."""
    svg = draw(of(three[0], SCORES)).svg
    assert "data:image" not in svg
    assert "<pattern" in svg


def test_one_question(three) -> None:
    """The picture is drawn for a single question too."""
    assert "1 question, those" in draw(of(three[0], np.array([[1.0, 0.0]]))).svg
