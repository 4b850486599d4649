"""The one table of everything we record as an MLflow metric: name, unit, which way is better, what it says."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, Literal

from vreason.evaluation import ADVICE
from vreason.events import SampleRecord, StepRecord

if TYPE_CHECKING:
    from vreason_tracking.telemetry import DeviceRecord

Better = Literal["higher", "lower", "neither"]


@dataclass(frozen=True)
class Metric:
    """One recorded quantity. What stands in ``{...}`` in a name is filled in: a problem type, a category, the number of a GPU."""

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
"""Series of a sample's nested run: step = token index, timestamp = when the token was drawn."""

SAMPLE_METRICS: tuple[Metric, ...] = (
    Metric("score", "share", "higher", "0 to 1; regression: mean relative accuracy"),
    Metric("output_tokens", "tokens", "neither", "tokens of the reply, end token included"),
    Metric("latency_ms", "ms", "lower", "from the call of generate to the last token"),
    Metric("time_to_first_token_ms", "ms", "lower", "from the call of generate to the first token"),
)
"""One value each, of a sample's nested run: step = 0, timestamp = the sample's last token."""

CURVE_METRICS: tuple[Metric, ...] = (
    Metric("curve.entropy", "nats", "neither", "mean entropy over the samples that reached this token"),
    Metric("curve.ema", "nats", "neither", "mean moving average over the samples that reached this token"),
)
"""Series of a variant's run, once it is FINISHED: step = token index (the paper's Figure 1), timestamp = the end of the run."""

LIVE_METRICS: tuple[Metric, ...] = (
    Metric("live.accuracy", "share", "higher", "mean score so far"),
    Metric("live.failed", "samples", "lower", "samples that ended in an error so far"),
    Metric("live.output_tokens", "tokens", "neither", "mean tokens a reply so far"),
    Metric("live.tokens_per_second", "tokens/s", "higher", "tokens generated a second of generation so far"),
    Metric("live.peak_memory_bytes", "bytes", "lower", "greatest memory in use so far, by the best source so far"),
)
"""Series of a variant's run: step = samples done, timestamp = the last token of the newest one."""

TELEMETRY_METRICS: tuple[Metric, ...] = (
    Metric("gpu.{n}.process_bytes", "bytes", "lower", "greatest memory of this process on the GPU in a window, as NVML tells it"),
    Metric("gpu.{n}.device_bytes", "bytes", "lower", "greatest memory in use on the GPU in a window, by whomever"),
    Metric("gpu.{n}.utilization_percent", "%", "higher", "greatest share of time in which a kernel ran, of a window's readings"),
    Metric("gpu.{n}.power_watts", "W", "neither", "greatest power drawn by the board, of a window's readings"),
    Metric("host.rss_bytes", "bytes", "lower", "greatest resident memory of this process in a window"),
)
"""Series of a variant's run: step = second at which the window begins, timestamp = its end; n is NVML's index (see docs/telemetry.md)."""

SUMMARY_METRICS: tuple[Metric, ...] = (
    Metric("accuracy", "share", "higher", "mean score over all answered samples; regression counts its mean relative accuracy"),
    Metric("accuracy_interval.low", "share", "higher", "where its 95 % interval begins, questions about one video being one cluster"),
    Metric("accuracy_interval.high", "share", "higher", "where it ends; both are absent where all answers are about one video"),
    Metric("accuracy.{problem type}", "share", "higher", "mean score of one problem type"),
    Metric("accuracy_by_category.{category}", "share", "higher", "mean score of one of the benchmark's own kinds of question"),
    Metric("mean_acc", "share", "higher", "mean score of all but regression items, as Video-R1 reports it"),
    Metric("mean_mra", "share", "higher", "mean relative accuracy of the regression items, as Video-R1 reports it"),
    Metric("samples.answered", "samples", "higher", "samples with an answer"),
    Metric("samples.failed", "samples", "lower", "samples that ended in an error"),
    Metric("samples.videos", "videos", "neither", "videos that the answered samples are about"),
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
    Metric("peak_memory_bytes", "bytes", "lower", "greatest memory in use over all samples, failed ones too; tag memory_source says whose"),
    Metric("peak_allocated_bytes.{n}", "bytes", "lower", "greatest memory of tensors on torch's device cuda:n over all samples"),
    Metric("peak_reserved_bytes.{n}", "bytes", "lower", "greatest memory held by torch's allocator on cuda:n over all samples"),
    *(Metric(f"signature.{name}", "samples", "lower", f"samples with this signature; mend: {advice}") for name, advice in ADVICE.items()),
)
"""One value each, of a variant's run, once it is FINISHED: step = samples done, timestamp = the end of the run."""

TABLES: tuple[tuple[Metric, ...], ...] = (STEP_METRICS, SAMPLE_METRICS, CURVE_METRICS, LIVE_METRICS, TELEMETRY_METRICS, SUMMARY_METRICS)
"""All of the above."""


@cache
def metric_of(name: str) -> Metric:
    """The row that a recorded name belongs to: its own, or the one whose ``{...}`` it fills in.

    Raises:
        KeyError: not exactly one row fits.
    """
    found = [metric for table in TABLES for metric in table if _pattern(metric.name).fullmatch(name)]
    if len(found) != 1:
        raise KeyError(f"{name!r} fits {len(found)} rows of the table of metrics, not one")
    return found[0]


@cache
def _pattern(name: str) -> re.Pattern[str]:
    """What a row's name stands for: ``{n}`` is a number, any other ``{...}`` a text that `key` made."""
    parts = re.split(r"(\{[^}]*\})", name)
    return re.compile("".join("[0-9]+" if part == "{n}" else r"[\w\-.]*" if part[:1] == "{" else re.escape(part) for part in parts))


_STEP_NAMES = [metric.name for metric in STEP_METRICS]
_step_values = attrgetter(*_STEP_NAMES)


def step_points(step: StepRecord) -> list[tuple[str, float]]:
    """The metrics of one step, in the order of `STEP_METRICS`; what the step does not have is left out."""
    return [(name, float(value)) for name, value in zip(_STEP_NAMES, _step_values(step), strict=True) if value is not None]


def sample_points(sample: SampleRecord) -> list[tuple[str, float]]:
    """The metrics of one sample, in the order of `SAMPLE_METRICS`; a sample that failed has only its 0 tokens."""
    values = zip(SAMPLE_METRICS, (sample.score, sample.output_tokens, sample.generation_ms, sample.time_to_first_token_ms), strict=True)
    return [(metric.name, float(value)) for metric, value in values if value is not None]


def count_points(event: StepRecord | SampleRecord | DeviceRecord) -> int:
    """How many points `step_points`, `sample_points` or `device_points` make of an event."""
    if isinstance(event, StepRecord):
        return len(STEP_METRICS) - _step_values(event).count(None)
    return len(sample_points(event) if isinstance(event, SampleRecord) else device_points(event))


def device_points(record: DeviceRecord) -> list[tuple[str, float]]:
    """The metrics of one device's window, in the order of `TELEMETRY_METRICS`; what the device does not tell is left out."""
    kind = record.device.split(".")[0]
    quantities = [metric.name.split(".")[-1] for metric in TELEMETRY_METRICS if metric.name.startswith(f"{kind}.")]
    values = [(f"{record.device}.{quantity}", getattr(record, quantity)) for quantity in quantities]
    return [(name, float(value)) for name, value in values if value is not None]


def key(text: str) -> str:
    """A problem type or category as part of a metric name, in the characters that MLflow takes: "multiple choice" is "multiple_choice"."""
    return re.sub(r"[^\w\-.]", "_", text)


def percentile(values: Sequence[float], share: float) -> float:
    """Linear-interpolated percentile of at least one value."""
    ordered = sorted(values)
    index = share * (len(ordered) - 1)
    low = int(index)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (index - low) * (ordered[high] - ordered[low])
