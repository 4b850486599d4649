"""vreason_tracking.comparison.tables.questions: the way from figures to single samples."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.helpers import compared
from vreason_tracking.comparison.comparison import compare
from vreason_tracking.comparison.tables.questions import MOST, mark, questions_of


@pytest.mark.parametrize(("score", "sign"), [(1.0, "●"), (0.0, "○"), (0.4, "◐"), (0.999, "◐"), (float("nan"), "×")])
def test_marks(score, sign) -> None:
    """Told apart without colour."""
    assert sign == mark(score)


def test_paged_ones_come_first_then_those_that_differ(trio) -> None:
    """Each with its anchor; those that all runs have alike are counted, not listed."""
    scores = trio.frame.scores
    alike = [name for name, row in zip(trio.frame.ids, scores, strict=True) if (row == row[0]).all()]
    differing = [name for name in trio.frame.ids if name not in alike]
    paged = [alike[0], differing[-1]]
    found = questions_of(trio, {name: f"to-{name}" for name in paged})
    assert [(f"to-{name}", name) for name in sorted(paged)] == [(anchor, row[0]) for anchor, row in found.rows[:2]]
    assert [(None, name) for name in differing[:-1]] == [(anchor, row[0]) for anchor, row in found.rows[2:]]
    assert f"On {len(differing)} of 48 questions the runs' scores differ, on {len(alike)} they are the same." in found.note


def test_a_row_has_each_runs_answer(trio) -> None:
    """Kind, then mark and answer of every run, as scored."""
    found = questions_of(trio, {})
    anchor, (name, kind, *answers) = found.rows[0]
    place = trio.frame.ids.index(name)
    told = [f"{mark(score)} {'B' if score else 'A'}" for score in trio.frame.scores[place]]
    assert (None, ["question", "kind", *trio.names], told) == (anchor, list(found.columns), answers)
    assert f"{trio.frame.texts['problem_type'][0][place]} / {trio.frame.texts['category'][0][place]}" == kind


def test_a_failure_differs_from_everything(forced) -> None:
    """It is listed, with its sign and a dash for the answer."""
    rows = {row[0]: row for _, row in questions_of(forced, {}).rows}
    failed = [name for name, score in zip(forced.frame.ids, forced.frame.scores[:, 1], strict=True) if np.isnan(score)]
    assert 3 == len(failed)
    assert ["× –"] * 3 == [rows[name][3] for name in failed]


def test_many_runs_have_a_row_of_marks(many) -> None:
    """And how many of them are right."""
    found = questions_of(many, {})
    _, (name, _, right, marks) = found.rows[0]
    scores = many.frame.scores[many.frame.ids.index(name)]
    assert "".join(map(mark, scores)) == marks
    assert f"{int((scores == 1).sum())} of 10" == right
    assert ["question", "kind", "right in", "runs, in their order"] == list(found.columns)


def test_a_long_list_is_cut_and_says_so(tmp_path) -> None:
    """At most so many are listed; the number of all stands beside it."""
    runs = [
        compared.recorded(tmp_path, name, compared.make_samples(2 * MOST, 20, 0, right=right)) for name, right in (("a", 0.0), ("b", 1.0))
    ]
    comparison = compare(runs)
    found = questions_of(comparison, {})
    differing = int((comparison.frame.scores[:, 0] != comparison.frame.scores[:, 1]).sum())
    assert differing > MOST == len(found.rows)
    assert f"On {differing} of 800 questions" in found.note
    assert f"{MOST} are listed" in found.note


def test_long_answers_are_cut(trio) -> None:
    """At sixty characters, with an ellipsis; a page of its own has the whole."""
    long = {**trio.frame.texts, "prediction": [["x" * 61] * 48, ["y" * 60] * 48, ["z"] * 48]}
    row = questions_of(replace(trio, frame=replace(trio.frame, texts=long)), {}).rows[0][1]
    assert ["x" * 59 + "…", "y" * 60, "z"] == [each.partition(" ")[2] for each in row[2:]]
