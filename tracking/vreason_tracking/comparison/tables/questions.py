"""The questions on which the runs differ, with each run's answer: the way from the figures to single samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from vreason_tracking.comparison.comparison import Comparison
from vreason_tracking.presentation import NONE
from vreason_tracking.records import outcome_of

MOST = 400
_LONGEST = 60  # characters of an answer
_MARKS = {"right": "●", "partly": "◐", "wrong": "○", "failed": "×"}
_WIDEST = 8  # runs whose answers are printed; of more only the marks


@dataclass(frozen=True)
class QuestionList:
    """A table whose rows may lead to a sample's page.

    Attributes:
        columns: heads.
        rows: the page's anchor, None where there is none, and the cells.
        note: what is listed, and how many are not.
    """

    columns: Sequence[str]
    rows: Sequence[tuple[str | None, Sequence[str]]]
    note: str


def questions_of(comparison: Comparison, anchors: Mapping[str, str]) -> QuestionList:
    """First those with a page, then those on which the runs' scores differ, by id.

    Args:
        anchors: of the samples that have a page.
    """
    frame = comparison.frame
    differing = [index for index in range(len(frame.ids)) if _differs(comparison, index)]
    paged = [index for index, name in enumerate(frame.ids) if name in anchors]
    listed = list(dict.fromkeys([*paged, *differing]))
    shown = listed[:MOST]
    wide = len(comparison.names) <= _WIDEST
    heads = ["question", "kind", *(comparison.names if wide else ["right in", "runs, in their order"])]
    rows = [(anchors.get(frame.ids[index]), _row(comparison, index, wide)) for index in shown]
    same = len(frame.ids) - len(differing)
    note = (
        f"On {len(differing):,} of {len(frame.ids):,} questions the runs' scores differ, on {same:,} they are the same. "
        f"{len(shown):,} are listed, those with a page of their own first. ● right, ◐ partly, ○ wrong, × failed."
    )
    return QuestionList(heads, rows, note)


def _differs(comparison: Comparison, index: int) -> bool:
    scores = comparison.frame.scores[index]
    return bool(np.isnan(scores).any() or (scores != scores[0]).any())


def _row(comparison: Comparison, index: int, wide: bool) -> list[str]:
    frame = comparison.frame
    runs = range(len(comparison.names))
    marks = [mark(frame.scores[index, run]) for run in runs]
    kind = " / ".join(each for each in (frame.texts["problem_type"][0][index], frame.texts["category"][0][index]) if each)
    if not wide:
        right = sum(each == mark(1.0) for each in marks)
        return [frame.ids[index], kind, f"{right} of {len(marks)}", "".join(marks)]
    answers = [_short(frame.texts["prediction"][run][index]) for run in runs]
    return [frame.ids[index], kind, *(f"{each} {answer}" for each, answer in zip(marks, answers, strict=True))]


def mark(score: float) -> str:
    """A score as a sign that needs no colour."""
    return _MARKS[outcome_of(score)]


def _short(answer: str | None) -> str:
    if answer is None:
        return NONE
    return answer if len(answer) <= _LONGEST else answer[: _LONGEST - 1] + "…"
