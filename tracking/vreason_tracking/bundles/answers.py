"""An answer as a caller gets it: plain data, the same over Python, MLflow's server and ours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from vreason.evaluation import final_peak_token
from vreason.events import SampleRecord, StepRecord
from vreason.scoring import extract_answer, extract_reasoning, scored_text

FIELDS = (
    "id",
    "answer",
    "reasoning",
    "output",
    "tokens",
    "prompt_tokens",
    "video_tokens",
    "latency_ms",
    "time_to_first_token_ms",
    "truncated",
    "stopped",
    "signatures",
    "departures",
    "trace",
    "error",
)


@dataclass(frozen=True)
class Answered:
    """One question's outcome.

    Attributes:
        record: as a run would have it.
        steps: of every token.
        departures: settings of the caller's own.
    """

    record: SampleRecord
    steps: Sequence[StepRecord] = ()
    departures: Sequence[str] = ()


def as_data(answered: Answered, trace: str = "none", scoring: str = "robust") -> dict[str, Any]:
    """Every field of `FIELDS`: what does not apply is None.

    `answer` is the text of the answer block; of a reply without one, all that stands outside the reasoning; None where there is none.
    """
    record = answered.record
    if record.error is not None:
        return error_data(record.sample_id, record.error)
    answer = extract_answer(record.output, scoring)
    return {
        "id": record.sample_id,
        "answer": scored_text(record.output, scoring) if answer is None else answer,
        "reasoning": extract_reasoning(record.output),
        "output": record.output,
        "tokens": record.output_tokens,
        "prompt_tokens": record.prompt_tokens,
        "video_tokens": record.video_tokens,
        "latency_ms": record.generation_ms,
        "time_to_first_token_ms": record.time_to_first_token_ms,
        "truncated": record.stopped == "length",
        "stopped": record.stopped,
        "signatures": list(record.signatures),
        "departures": list(answered.departures),
        "trace": trace_of(answered.steps, trace),
        "error": None,
    }


def error_data(name: str, error: str) -> dict[str, Any]:
    """The entry of a question that has no answer."""
    return {**dict.fromkeys(FIELDS), "id": name, "signatures": [], "departures": [], "error": error}


def trace_of(steps: Sequence[StepRecord], trace: str) -> dict[str, Any] | None:
    """What the controller saw and did.

    Returns:
        None for "none". For "summary" figures of the whole reply: mean and final entropy (nats), the moving average's final peak (nats, and
        the token at which it stands), number of updates, the last norm of dV. For "full" also one value a token.
    """
    if trace == "none" or not steps:
        return None
    peak = final_peak_token(steps)
    found: dict[str, Any] = {
        "mean_entropy": sum(step.entropy for step in steps) / len(steps),
        "last_entropy": steps[-1].entropy,
        "peak_ema": steps[peak].ema if peak is not None else None,
        "peak_token": peak,
        "updates": sum(step.updated for step in steps),
        "delta_v_norm": steps[-1].delta_v_norm,
        "control_ms": sum(step.control_ms for step in steps),
    }
    if trace == "full":
        columns = ("token_id", "entropy", "ema", "alpha", "loss", "delta_v_norm", "updated")
        found["steps"] = {name: [getattr(step, name) for step in steps] for name in columns}
    return found
