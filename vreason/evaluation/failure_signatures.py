"""The method's failure signatures: what each looks like in a sample's record, and what to do about it.

Source: the paper's failure modes (arXiv 2510.17045) with thresholds of ours; see docs/method.md.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from vreason.evaluation.ema_peak import final_peak_token
from vreason.events import StepRecord

OUT_OF_MEMORY, NOT_FINITE = "out-of-memory", "not-finite"

ADVICE: dict[str, str] = {
    NOT_FINITE: "their entropy is NaN or infinite, and nothing else said of them counts: load the model as bfloat16 or float32"
    " (model.dtype), and check that its weights are whole",
    "entropy-blow-up": "lower controller.lr, and check that controller.clip is above 0",
    "premature-peak": "raise controller.beta, or check the prompt: the model is certain before it begins to reason",
    "no-effect": "raise controller.lr or lower controller.k: the normalised values have not turned at all",
    "truncated": "raise generation.max_new_tokens",
    "unparsed": "check the prompt: the reply has no <answer> tag",
    OUT_OF_MEMORY: "fewer frames (video.nframes), fewer pixels (video.max_pixels), or the v-reason-lite variant",
}

_HIGH_ENTROPY = 0.9  # of log(vocab)
_HIGH_RUN = 8
_EARLY_TOKEN = 10
_EARLY_SHARE = 0.05
_LEAST_UPDATES = 5
_LEAST_TURN = 1e-6


def find_signatures(steps: Sequence[StepRecord], vocabulary: int, *, stopped: str, parsed: bool) -> tuple[str, ...]:
    """Names of the signatures in one sample's steps, in the order of `ADVICE`. Where an entropy is not finite, what is found by entropies
    is left out.

    Args:
        steps: all of the sample's steps, in order.
        vocabulary: number of tokens over which the entropy was taken.
        stopped: "eos" or "length".
        parsed: whether an answer was extracted.
    """
    if not all(math.isfinite(step.entropy) for step in steps):
        return tuple(
            name for name, present in ((NOT_FINITE, True), ("truncated", stopped == "length"), ("unparsed", not parsed)) if present
        )
    found = {
        "entropy-blow-up": _longest_run([step.entropy > _HIGH_ENTROPY * math.log(vocabulary) for step in steps]) >= _HIGH_RUN,
        "premature-peak": _peaks_early(steps),
        "no-effect": _turns_nothing(steps),
        "truncated": stopped == "length",
        "unparsed": not parsed,
    }
    return tuple(name for name in ADVICE if found.get(name))


def _longest_run(flags: Sequence[bool]) -> int:
    longest = run = 0
    for flag in flags:
        run = run + 1 if flag else 0
        longest = max(longest, run)
    return longest


def _peaks_early(steps: Sequence[StepRecord]) -> bool:
    peak = final_peak_token(steps)
    return peak is not None and (peak < _EARLY_TOKEN or peak < _EARLY_SHARE * len(steps))


def _turns_nothing(steps: Sequence[StepRecord]) -> bool:
    updates = sum(step.updated for step in steps)
    turns = [1.0 - step.value_cosine for step in steps if step.value_cosine is not None]
    return updates >= _LEAST_UPDATES and max(turns, default=0.0) < _LEAST_TURN
