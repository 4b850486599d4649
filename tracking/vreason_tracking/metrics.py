"""The one table of everything we record as an MLflow metric: name, unit, which way is better, what it says."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from vreason.events import StepRecord
from vreason.signatures import ADVICE

Better = Literal["higher", "lower", "neither"]


@dataclass(frozen=True)
class Metric:
    """One recorded quantity. `name` may end in ``{...}``, to be filled in with a problem type or a signature."""

    name: str
    unit: str
    better: Better
    meaning: str


STEP_METRICS: tuple[Metric, ...] = (
    Metric("entropy", "nats", "neither", "H_t of the next-token distribution over the whole vocabulary"),
    Metric("ema", "nats", "neither", "moving average of the entropy"),
    Metric("peak", "nats", "neither", "running maximum of the moving average"),
    Metric("alpha", "+1 / -1", "neither", "+1 explore, -1 exploit"),
    Metric("loss", "nats", "neither", "switching loss -alpha * H_t at an update"),
    Metric("delta_v_norm", "L2", "neither", "norm of the controller dV"),
    Metric("grad_norm", "L2", "neither", "gradient norm before the clip, at an update"),
    Metric("value_cosine", "cosine", "neither", "mean cosine between V_new and V_L"),
    Metric("device_memory_bytes", "bytes", "lower", "newest sample of the memory in use"),
    Metric("step_ms", "ms", "lower", "duration of the token, forward and control"),
)
"""Series of a sample's run: step = token index, timestamp = the token's own time."""

CURVE_METRICS: tuple[Metric, ...] = (
    Metric("curve.entropy", "nats", "neither", "mean entropy over the samples that reached this token"),
    Metric("curve.ema", "nats", "neither", "mean moving average over the samples that reached this token"),
)
"""Series of a variant's run: step = token index (the paper's Figure 1)."""

LIVE_METRICS: tuple[Metric, ...] = (
    Metric("live.accuracy", "share", "higher", "mean score so far"),
    Metric("live.failed", "samples", "lower", "samples that ended in an error so far"),
    Metric("live.output_tokens", "tokens", "neither", "mean tokens a reply so far"),
    Metric("live.tokens_per_second", "tokens/s", "higher", "tokens generated a second of generation so far"),
    Metric("live.peak_memory_bytes", "bytes", "lower", "greatest memory in use so far"),
)
"""Series of a variant's run: step = samples done."""

SUMMARY_METRICS: tuple[Metric, ...] = (
    Metric("accuracy", "share", "higher", "mean score over all answered samples; regression counts its mean relative accuracy"),
    Metric("accuracy.{problem type}", "share", "higher", "mean score of one problem type"),
    Metric("accuracy_by_category.{category}", "share", "higher", "mean score of one of the benchmark's own kinds of question"),
    Metric("mean_acc", "share", "higher", "mean score of all but regression items, as Video-R1 reports it"),
    Metric("mean_mra", "share", "higher", "mean relative accuracy of the regression items, as Video-R1 reports it"),
    Metric("samples.answered", "samples", "higher", "samples with an answer"),
    Metric("samples.failed", "samples", "lower", "samples that ended in an error"),
    Metric("output_tokens.mean", "tokens", "neither", "tokens a reply, end token included"),
    Metric("output_tokens.p50", "tokens", "neither", "median"),
    Metric("output_tokens.p95", "tokens", "neither", "95th percentile"),
    Metric("latency_ms.mean", "ms", "lower", "from the call of generate to the last token"),
    Metric("latency_ms.p50", "ms", "lower", "median"),
    Metric("latency_ms.p95", "ms", "lower", "95th percentile"),
    Metric("time_to_first_token_ms.mean", "ms", "lower", "from the call of generate to the first token"),
    Metric("time_to_first_token_ms.p50", "ms", "lower", "median"),
    Metric("time_to_first_token_ms.p95", "ms", "lower", "95th percentile"),
    Metric("ms_per_token.mean", "ms", "lower", "time of a token after the first"),
    Metric("ms_per_token.p50", "ms", "lower", "median"),
    Metric("ms_per_token.p95", "ms", "lower", "95th percentile"),
    Metric("control_share", "share", "lower", "control's part of the generation time"),
    Metric("peak_memory_bytes", "bytes", "lower", "greatest memory in use over all samples; tag memory_source says whose"),
    *(Metric(f"signature.{name}", "samples", "lower", f"samples with this signature; mend: {advice}") for name, advice in ADVICE.items()),
)
"""One value a variant's run."""


def step_points(step: StepRecord) -> list[tuple[str, float]]:
    """The metrics of one step, in the order of `STEP_METRICS`; what the step does not have is left out."""
    values = [(metric.name, getattr(step, metric.name)) for metric in STEP_METRICS]
    return [(name, float(value)) for name, value in values if value is not None]


def key(text: str) -> str:
    """A problem type or category as part of a metric name, in the characters that MLflow takes: "multiple choice" is "multiple_choice"."""
    return re.sub(r"[^\w\-.]", "_", text)


def percentile(values: Sequence[float], share: float) -> float:
    """Linear-interpolated percentile of at least one value."""
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (place - low) * (ordered[high] - ordered[low])
