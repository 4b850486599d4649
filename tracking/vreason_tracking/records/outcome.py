"""What became of a question, by its score: the same words for lists, pages and pictures."""

from __future__ import annotations

import math
from typing import Literal, get_args

Outcome = Literal["right", "partly", "wrong", "failed"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
"""All of them, best first."""


def outcome_of(score: float | None) -> Outcome:
    """ "right" (full marks), "partly" (some), "wrong" (none) or "failed": no score, None or NaN.

    Args:
        score: 0 to 1.
    """
    if score is None or math.isnan(score):
        return "failed"
    return "right" if score >= 1 else "partly" if score > 0 else "wrong"
