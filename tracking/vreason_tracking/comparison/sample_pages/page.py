"""What a sample's page holds, as plain values."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from vreason_tracking.comparison.sample_pages.thumbnails import Picture
from vreason_tracking.comparison.sample_pages.token_spans import TINTS, TokenSpan
from vreason_tracking.records import Outcome, outcome_of

SHOWN = 8
"""Replies on a page: more can neither be read side by side nor be sent in a mail."""


@dataclass(frozen=True)
class Reply:
    """What one run made of a sample.

    Attributes:
        run, run_id: which one.
        score: 0 to 1; None when the sample failed.
        prediction: the answer extracted; None when none could be.
        error: why it failed; None when it did not.
        output: the whole reply.
        tokens: its tokens; empty where the record does not tell their texts apart.
        output_tokens: how many; None when it failed.
        latency_ms: of the generation; None when it failed.
        curve_svg: entropy by token, markup that is safe as it is; "" without steps.
        signatures: failure signatures found.
    """

    run: str
    run_id: str
    score: float | None
    prediction: str | None
    error: str | None
    output: str
    tokens: Sequence[TokenSpan]
    output_tokens: int | None
    latency_ms: float | None
    curve_svg: str
    signatures: Sequence[str] = ()

    @property
    def verdict(self) -> Outcome:
        """What became of it, see `outcome_of`."""
        return outcome_of(self.score)


@dataclass(frozen=True)
class SamplePage:
    """One sample.

    Attributes:
        sample_id, question, answer, problem_type, category, benchmark: as recorded.
        options: lettered.
        video: the file's name.
        seconds: its duration; None where no run could tell.
        frames: pictures of the clip.
        frames_note: which ones they are, beside those that the model was shown; or why there are none.
        replies: of at most `SHOWN` runs, in the order of the comparison.
        excluded: names of the runs whose replies there is no room for.
    """

    sample_id: str
    question: str
    options: Sequence[str]
    answer: str
    problem_type: str
    category: str
    benchmark: str
    video: str
    seconds: float | None
    frames: Sequence[Picture]
    frames_note: str
    replies: Sequence[Reply]
    excluded: Sequence[str] = ()

    @property
    def anchor(self) -> str:
        """The section's id in the document."""
        return anchor(self.sample_id)

    @property
    def tints(self) -> Sequence[str]:
        """What the legend says beside each tint."""
        return TINTS


def anchor(sample_id: str) -> str:
    """The id of a sample's page in the document: letters, digits and hyphens, whatever the sample's own id holds; different for each."""
    readable = re.sub("[^a-z0-9]+", "-", sample_id.lower()).strip("-")[:40].strip("-")
    digest = hashlib.blake2b(sample_id.encode("utf-8", "surrogatepass"), digest_size=5).hexdigest()
    return "-".join(part for part in ("sample", readable, digest) if part)
