"""What a reader must know before any figure: that unlike runs were compared, what is missing, and what so few videos cannot tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vreason_tracking.catalog import RecordedRun
from vreason_tracking.comparison.comparability import Mismatch
from vreason_tracking.comparison.paired_samples import Frame
from vreason_tracking.records import SampleTable
from vreason_tracking.statistics import smallest_p

FEW = 10
"""Videos below which a caveat stands on the report."""
DOMINANT = 0.2
"""Share of the questions about one video above which a caveat stands there."""


@dataclass(frozen=True)
class Completeness:
    """How much of a run is compared.

    Attributes:
        expected_samples: samples that it was begun to ask; None where nobody says.
        recorded: finished ones in its record.
        missing: asked and not recorded.
        excluded: recorded and not compared, because another run does not have them.
        failed: of those compared, the ones that ended in an error.
        errors: what they failed of, most frequent first, with counts.
    """

    expected_samples: int | None
    recorded: int
    missing: int
    excluded: int
    failed: int
    errors: Sequence[tuple[str, int]]


def caveats(
    runs: Sequence[RecordedRun],
    unlike: Sequence[Mismatch],
    completeness: Sequence[Completeness],
    frame: Frame,
    tables: Sequence[SampleTable],
) -> list[str]:
    """In sentences; none where there is nothing to say."""
    found = []
    if unlike:
        found.append("UNLIKE RUNS, compared because --force was given: differences below may come from what follows, not from the method.")
        found += [f"differs: {each}" for each in unlike]
        every = len({key for table in tables for key in zip(table.ids, table.question_digests, strict=True)})
        found.append(f"compared are the {len(frame.ids):,} questions that all runs have, of {every:,}.")
    for run, each in zip(runs, completeness, strict=True):
        if each.missing:
            found.append(f"{run.name}: {each.missing:,} of the questions that it was to ask are missing in its record.")
        if each.excluded:
            found.append(f"{run.name}: {each.excluded:,} of its questions are left out, for another run does not have them.")
        if each.failed:
            what = "accuracy is over the answered ones, a difference over those that both answered"
            found.append(f"{run.name}: {each.failed:,} of {len(frame.ids):,} questions failed; {what}.")
    return [*found, *_about_videos(frame, len(runs) - 1)]


def _about_videos(frame: Frame, comparisons: int) -> list[str]:
    """What intervals and p-values cannot make good."""
    found = []
    least = smallest_p(frame.videos) * comparisons
    if least > 0.05:
        reach = f"with {frame.videos} of them and {comparisons} comparison(s) no p (Holm) is below {min(least, 1.0):.2g}"
        found.append(f"too few videos to tell: {reach}.")
    elif frame.videos < FEW:
        found.append(f"only {frame.videos} videos: intervals and p-values from so few are rough.")
    most = float(np.bincount(frame.clusters).max()) / len(frame.ids)
    if most > DOMINANT and frame.videos > 1:
        found.append(f"one video has {most:.0%} of the questions: intervals are too narrow for that, p-values are not.")
    return found
