"""The one table of everything we record as an MLflow metric: name, unit, which way is better, what it says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, Literal

from vreason.evaluation import ADVICE
from vreason.events import SampleRecord, StepRecord
from vreason_tracking.records import metric_names as names

if TYPE_CHECKING:
    from vreason_tracking.telemetry import DeviceRecord

Better = Literal["higher", "lower", "neither"]


@dataclass(frozen=True)
class Metric:
    """One recorded quantity. What stands in ``{...}`` in a name is filled in: a problem type, a category, the number of a GPU.

    Names are those of `vreason_tracking.records.metric_names`; a step's metric is called as its field of `StepRecord`.
    """

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
    Metric(names.SCORE, "share", "higher", "0 to 1; regression: mean relative accuracy"),
    Metric(names.OUTPUT_TOKENS, "tokens", "neither", "tokens of the reply, end token included"),
    Metric(names.TOTAL_MS, "ms", "lower", "from the call of generate to the last token"),
    Metric(names.FIRST_TOKEN_MS, "ms", "lower", "from the call of generate to the first token"),
)
"""One value each, of a sample's nested run: step = 0, timestamp = the sample's last token."""

CURVE_METRICS: tuple[Metric, ...] = (
    Metric(names.CURVE_ENTROPY, "nats", "neither", "mean entropy over the samples that reached this token"),
    Metric(names.CURVE_EMA, "nats", "neither", "mean moving average over the samples that reached this token"),
)
"""Series of a variant's run, once it is FINISHED: step = token index (the paper's Figure 1), timestamp = the end of the run."""

LIVE_METRICS: tuple[Metric, ...] = (
    Metric(names.LIVE_ACCURACY, "share", "higher", "mean score so far"),
    Metric(names.LIVE_FAILED, "samples", "lower", "samples that ended in an error so far"),
    Metric(names.LIVE_TOKENS, "tokens", "neither", "mean tokens a reply so far"),
    Metric(names.LIVE_SPEED, "tokens/s", "higher", "tokens generated a second of generation so far"),
    Metric(names.LIVE_PEAK_MEMORY, "bytes", "lower", "greatest memory in use so far, by the best source so far"),
)
"""Series of a variant's run: step = samples done, timestamp = the last token of the newest one."""

TELEMETRY_METRICS: tuple[Metric, ...] = (
    Metric(names.GPU_PROCESS, "bytes", "lower", "greatest memory of this process on the GPU in a window, as NVML tells it"),
    Metric(names.GPU_DEVICE, "bytes", "lower", "greatest memory in use on the GPU in a window, by whomever"),
    Metric(names.GPU_UTILIZATION, "%", "higher", "greatest share of time in which a kernel ran, of a window's readings"),
    Metric(names.GPU_POWER, "W", "neither", "greatest power drawn by the board, of a window's readings"),
    Metric(names.HOST_MEMORY, "bytes", "lower", "greatest resident memory of this process in a window"),
)
"""Series of a variant's run: step = second at which the window begins, timestamp = its end; n is NVML's index (see docs/telemetry.md)."""

SUMMARY_METRICS: tuple[Metric, ...] = (
    Metric(names.ACCURACY, "share", "higher", "mean score over all answered samples; regression counts its mean relative accuracy"),
    Metric(names.ACCURACY_LOW, "share", "higher", "where its 95 % interval begins, questions about one video being one cluster"),
    Metric(names.ACCURACY_HIGH, "share", "higher", "where it ends; both are absent where all answers are about one video"),
    Metric(names.ACCURACY_OF_TYPE, "share", "higher", "mean score of one problem type"),
    Metric(names.ACCURACY_OF_CATEGORY, "share", "higher", "mean score of one of the benchmark's own kinds of question"),
    Metric(names.MEAN_ACC, "share", "higher", "mean score of all but regression items, as Video-R1 reports it"),
    Metric(names.MEAN_MRA, "share", "higher", "mean relative accuracy of the regression items, as Video-R1 reports it"),
    Metric(names.ANSWERED, "samples", "higher", "samples with an answer"),
    Metric(names.FAILED, "samples", "lower", "samples that ended in an error"),
    Metric(names.VIDEOS, "videos", "neither", "videos that the answered samples are about"),
    Metric(names.TOKENS.mean, "tokens", "neither", "tokens a reply, end token included"),
    Metric(names.TOKENS.p50, "tokens", "neither", "median"),
    Metric(names.TOKENS.p95, "tokens", "neither", "95th percentile"),
    Metric(names.LATENCY.mean, "ms", "lower", "from the call of generate to the last token"),
    Metric(names.LATENCY.p50, "ms", "lower", "median"),
    Metric(names.LATENCY.p95, "ms", "lower", "95th percentile"),
    Metric(names.FIRST_TOKEN.mean, "ms", "lower", "from the call of generate to the first token"),
    Metric(names.FIRST_TOKEN.p50, "ms", "lower", "median"),
    Metric(names.FIRST_TOKEN.p95, "ms", "lower", "95th percentile"),
    Metric(names.PER_TOKEN.mean, "ms", "lower", "time of a token after the first"),
    Metric(names.PER_TOKEN.p50, "ms", "lower", "median"),
    Metric(names.PER_TOKEN.p95, "ms", "lower", "95th percentile"),
    Metric(names.CONTROL_SHARE, "share", "lower", "control's part of the generation time"),
    Metric(names.PEAK_MEMORY, "bytes", "lower", "greatest memory in use over all samples, failed ones too; tag memory_source says whose"),
    Metric(names.PEAK_ALLOCATED, "bytes", "lower", "greatest memory of tensors on torch's device cuda:n over all samples"),
    Metric(names.PEAK_RESERVED, "bytes", "lower", "greatest memory held by torch's allocator on cuda:n over all samples"),
    *(
        Metric(names.filled(names.SIGNATURE, name), "samples", "lower", f"samples with this signature; try: {advice}")
        for name, advice in ADVICE.items()
    ),
)
"""One value each, of a variant's run, once it is FINISHED: step = samples done, timestamp = the end of the run."""

TABLES: tuple[tuple[Metric, ...], ...] = (STEP_METRICS, SAMPLE_METRICS, CURVE_METRICS, LIVE_METRICS, TELEMETRY_METRICS, SUMMARY_METRICS)
"""Every table of metrics, in the order in which docs/metrics.md has them."""


@cache
def metric_of(name: str) -> Metric:
    """The row that a recorded name belongs to: its own, or the one whose ``{...}`` it fills in.

    Raises:
        KeyError: not exactly one row fits.
    """
    found = [metric for table in TABLES for metric in table if names.pattern_of(metric.name).fullmatch(name)]
    if len(found) != 1:
        raise KeyError(f"{name!r} fits {len(found)} rows of the table of metrics, not one")
    return found[0]


_STEP_NAMES = [metric.name for metric in STEP_METRICS]
_step_values = attrgetter(*_STEP_NAMES)
_SAMPLE_FIELDS = {
    names.SCORE: "score",
    names.OUTPUT_TOKENS: "output_tokens",
    names.TOTAL_MS: "generation_ms",
    names.FIRST_TOKEN_MS: "time_to_first_token_ms",
}


def step_points(step: StepRecord) -> list[tuple[str, float]]:
    """The metrics of one step, in the order of `STEP_METRICS`; what the step does not have is left out."""
    return [(name, float(value)) for name, value in zip(_STEP_NAMES, _step_values(step), strict=True) if value is not None]


def sample_points(sample: SampleRecord) -> list[tuple[str, float]]:
    """The metrics of one sample, in the order of `SAMPLE_METRICS`; a sample that failed has only its 0 tokens."""
    values = [(metric.name, getattr(sample, _SAMPLE_FIELDS[metric.name])) for metric in SAMPLE_METRICS]
    return [(name, float(value)) for name, value in values if value is not None]


def count_points(event: StepRecord | SampleRecord | DeviceRecord) -> int:
    """How many points `step_points`, `sample_points` or `device_points` make of an event."""
    if isinstance(event, StepRecord):
        return len(STEP_METRICS) - _step_values(event).count(None)
    return len(sample_points(event) if isinstance(event, SampleRecord) else device_points(event))


def device_points(record: DeviceRecord) -> list[tuple[str, float]]:
    """The metrics of one device's window, in the order of `TELEMETRY_METRICS`; what the device does not tell is left out."""
    group = record.device.split(".")[0]
    quantities = [metric.name.split("/")[-1] for metric in TELEMETRY_METRICS if metric.name.startswith(f"{group}/")]
    values = [(names.device_metric(record.device, quantity), getattr(record, quantity)) for quantity in quantities]
    return [(name, float(value)) for name, value in values if value is not None]


def percentile(values: Sequence[float], share: float) -> float:
    """Linear-interpolated percentile of at least one value."""
    ordered = sorted(values)
    index = share * (len(ordered) - 1)
    low = int(index)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (index - low) * (ordered[high] - ordered[low])
