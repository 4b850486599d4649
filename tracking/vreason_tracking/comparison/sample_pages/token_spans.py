"""A reply token by token: the text that each one brought, how uncertain the model was, what the controller did."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

EDGES = (0.1, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0)
"""Nats at which the next of the eight tints begins: fixed, so that tints mean the same in every reply, page and report."""
TINTS = (f"below {EDGES[0]:g}", *(f"{low:g} to {high:g}" for low, high in pairwise(EDGES)), f"{EDGES[-1]:g} and more")
"""What the legend says beside each tint."""


@dataclass(frozen=True, slots=True)
class TokenSpan:
    """One token.

    Attributes:
        text: the characters that are there once it is decoded, and were not before; "" for a special token, and for one that holds the
            beginning of a character.
        entropy: H, nats; NaN where the step is not in the record.
        alpha: +1 explore, -1 exploit; 0 where the step is not in the record.
        updated: whether dV was stepped at it.
    """

    text: str
    entropy: float
    alpha: int
    updated: bool

    @property
    def known(self) -> bool:
        """Whether its step is in the record."""
        return math.isfinite(self.entropy)

    @property
    def tint(self) -> str:
        """The token's CSS classes: "e0" to "e7" by entropy, and "u" at an update."""
        if not self.known:
            return "n"
        return f"e{bisect_right(EDGES, self.entropy)}" + (" u" if self.updated else "")

    def told(self, index: int) -> str:
        """The step in words, as token `index` of its reply."""
        if not self.known:
            return f"t = {index}, not recorded"
        return f"t = {index}, H = {self.entropy:.2f} nats, {'explore' if self.alpha > 0 else 'exploit'}"


def token_spans(output: str, ends: Sequence[int], steps: Mapping[str, Sequence[Any]]) -> list[TokenSpan]:
    """The tokens of a reply, whose texts join to `output`; none where the record does not tell them apart.

    Args:
        output: the reply.
        ends: characters that are there after each token, see `SampleRecord.token_ends`.
        steps: columns of the reply's steps, `curves.STEP_COLUMNS`; a token without a step is told as not recorded.
    """
    if not ends or ends[-1] != len(output) or any(end < start for start, end in zip((0, *ends), ends, strict=False)):
        return []
    rows = zip(*(steps.get(name, ()) for name in ("token_index", "entropy", "alpha", "updated")), strict=True)
    known = {index: (float(entropy), int(alpha), bool(updated)) for index, entropy, alpha, updated in rows if entropy is not None}
    unknown = (math.nan, 0, False)
    starts = (0, *ends[:-1])
    return [TokenSpan(output[start:end], *known.get(index, unknown)) for index, (start, end) in enumerate(zip(starts, ends, strict=True))]
