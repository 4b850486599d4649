"""Whether times and memory of two runs may be set against each other: only if they were measured under the same conditions.

Tokens and answers do not depend on what else a machine does; times do. They compare where the variants of one call answered each batch in
turn (`schedule: interleaved`), and no other program was busy meanwhile. A call may be interrupted and continued, with other variants or
another schedule: that two variants did answer a sample in turn shows in their places, which then differ.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vreason_tracking.catalog import RecordedRun
from vreason_tracking.comparison.paired_samples import Frame
from vreason_tracking.records import SCHEDULE_TAG

BUSY = 0.10
"""Share of the machine's processor time that other programs used, above which times are not compared."""
STOLEN = 0.05
"""Share that the hypervisor gave to other machines, above which they are not."""
IN_TURN = 0.90
"""Share of the samples that both must have answered in turn; an interruption costs the batch under way."""
INTERLEAVED = "interleaved"


def timing_issues(runs: Sequence[RecordedRun], frame: Frame, baseline: int) -> list[str | None]:
    """Of each run, why its times do not compare with the baseline's; None for the baseline, and where they do."""
    return [None if run == baseline else _issue(runs, frame, run, baseline) for run in range(len(runs))]


def in_one_process(runs: Sequence[RecordedRun], baseline: int) -> list[bool]:
    """Of each run, whether it is of the baseline's call of `run`: then one process had both models' memory."""
    call = runs[baseline].call_id
    return [call is not None and run.call_id == call for run in runs]


def _issue(runs: Sequence[RecordedRun], frame: Frame, run: int, baseline: int) -> str | None:
    own, base = runs[run], runs[baseline]
    if not in_one_process(runs, baseline)[run]:
        return "measured at different times, in different calls of `run`"
    if any(each.tags.get(SCHEDULE_TAG) != INTERLEAVED for each in (own, base)):
        return "the variants ran one after another (schedule: sequential), so that each met other conditions"
    if (share := _in_turn(frame, run, baseline)) < IN_TURN:
        return f"only {share:.0%} of the questions were answered by both in turn, the others in different sessions or another schedule"
    both = [run, baseline]
    if (busy := _mean(frame, "other_load", both)) > BUSY:
        return f"other programs used {busy:.0%} of the machine's processors meanwhile"
    if (stolen := _mean(frame, "cpu_steal", both)) > STOLEN:
        return f"the hypervisor gave {stolen:.0%} of the machine's processor time to others meanwhile"
    return None


def _in_turn(frame: Frame, run: int, baseline: int) -> float:
    """Share of the samples at which both tell their places, and not the same one."""
    own, base = (frame.numbers["rotation_place"][:, each] for each in (run, baseline))
    return float(np.mean(~np.isnan(own) & ~np.isnan(base) & (own != base)))


def _mean(frame: Frame, name: str, runs: Sequence[int]) -> float:
    """Mean over the samples that tell, weighted by how long they took; 0 where none does."""
    values, weights = frame.numbers[name][:, runs], frame.numbers["generation_ms"][:, runs]
    known = ~np.isnan(values) & ~np.isnan(weights) & (weights > 0)
    return float(np.average(values[known], weights=weights[known])) if known.any() else 0.0
