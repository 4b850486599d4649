"""Names of metrics in MLflow: the one place that makes them, and that knows what earlier versions called them.

MLflow's pages group charts by what stands before a name's last ``/``. A metric of a step is called as its field of
`vreason.events.StepRecord`; every other name stands here. What stands in ``{...}`` is filled in by `filled`.

MLflow takes word characters, ``-``, ``.``, space, ``:`` and ``/`` in a name, at most 250 of them, and no name that would be another one as
a path (``a//b``, ``a/..``, ``/a``). A text that becomes part of a name is written in these by `segment`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

from vreason.prompts import PROBLEM_TYPES


class Spread(NamedTuple):
    """Names of the mean, the median and the 95th percentile of one quantity."""

    mean: str
    p50: str
    p95: str


ACCURACY = "accuracy"
ACCURACY_LOW, ACCURACY_HIGH = "accuracy/interval_low", "accuracy/interval_high"
ACCURACY_OF_TYPE = "accuracy/type/{problem type}"
ACCURACY_OF_CATEGORY = "accuracy/category/{category}"
MEAN_ACC, MEAN_MRA = "accuracy/mean_acc", "accuracy/mean_mra"
ANSWERED, FAILED, VIDEOS = "samples/answered", "samples/failed", "samples/videos"
TOKENS = Spread("tokens/mean", "tokens/p50", "tokens/p95")
LATENCY = Spread("latency/mean_ms", "latency/p50_ms", "latency/p95_ms")
FIRST_TOKEN = Spread("latency/first_token_mean_ms", "latency/first_token_p50_ms", "latency/first_token_p95_ms")
PER_TOKEN = Spread("latency/per_token_mean_ms", "latency/per_token_p50_ms", "latency/per_token_p95_ms")
CONTROL_SHARE = "latency/control_share"
PEAK_MEMORY = "memory/peak_bytes"
PEAK_ALLOCATED, PEAK_RESERVED = "memory/peak_allocated_bytes/{n}", "memory/peak_reserved_bytes/{n}"
SIGNATURE = "signatures/{name}"

CURVE_ENTROPY, CURVE_EMA = "curve/entropy", "curve/ema"
LIVE_ACCURACY, LIVE_FAILED, LIVE_TOKENS = "live/accuracy", "live/failed", "live/output_tokens"
LIVE_SPEED, LIVE_PEAK_MEMORY = "live/tokens_per_second", "live/peak_memory_bytes"
GPU_PROCESS, GPU_DEVICE = "gpu/{n}/process_bytes", "gpu/{n}/device_bytes"
GPU_UTILIZATION, GPU_POWER = "gpu/{n}/utilization_percent", "gpu/{n}/power_watts"
HOST_MEMORY = "host/rss_bytes"

SCORE, OUTPUT_TOKENS, TOTAL_MS, FIRST_TOKEN_MS = "score", "tokens/output", "latency/total_ms", "latency/first_token_ms"
"""Of one sample."""

LIVE_GROUP, SIGNATURES_GROUP = "live", "signatures"
SERIES_GROUPS = (LIVE_GROUP, "curve", "gpu", "host")
"""Groups of a variant's run that are series over samples, tokens or seconds, and no figures of its summary."""

_LONGEST = 80  # characters of a segment
_DIGITS = 12  # of a digest's hexadecimal digits, at the end of a segment that was cut
_ESCAPED = re.compile(r"[^\w\-. ]|(?<![^ ]) | (?![^ ])|(?<![^.])\.|\.(?![^.])")  # a space or dot at an end, or beside another one, too
_BLANK = re.compile(r"(\{[^}]*\})")


def filled(template: str, value: str | int) -> str:
    """A template such as `ACCURACY_OF_CATEGORY` with its ``{...}`` filled in. Two values never make one name.

    Raises:
        ValueError: the template has no ``{...}``, or several.
    """
    before, _, after = _BLANK.split(template)
    return before + segment(str(value)) + after


def segment(text: str) -> str:
    """Any text as one part of a metric's name, between two ``/``: "multiple choice" as it is, "a/b" as "a:2f:b". Two texts never make one.

    Word characters, ``-``, and single spaces and dots within the text stay; any other character becomes its hexadecimal code point between
    colons. What is then longer than 80 characters is cut, and ends in ``::`` and 12 hexadecimal digits of the SHA-256 of the whole text, as
    the empty text does. No other text ends so: a code point has a digit at least, and a colon behind it.
    """
    made = _ESCAPED.sub(lambda found: f":{ord(found[0]):x}:", text)
    if text and len(made) <= _LONGEST:
        return made
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]
    return f"{made[: _LONGEST - _DIGITS - 2]}::{digest}"


def device_metric(device: str, quantity: str) -> str:
    """Name of a quantity of a device of the journal: that of "gpu.0" and "power_watts" is "gpu/0/power_watts"."""
    return "/".join([*device.split("."), quantity])


def group_of(name: str) -> str:
    """The part before the first ``/``, such as `LIVE_GROUP`; the name itself where there is none."""
    return name.split("/")[0]


# --- earlier versions, whose names had dots, and an underscore for each character of a text but word characters, "-" and "." ---

_FORMER: dict[str, str] = {
    ACCURACY_LOW: "accuracy_interval.low",
    ACCURACY_HIGH: "accuracy_interval.high",
    ACCURACY_OF_TYPE: "accuracy.{problem type}",
    ACCURACY_OF_CATEGORY: "accuracy_by_category.{category}",
    MEAN_ACC: "mean_acc",
    MEAN_MRA: "mean_mra",
    CONTROL_SHARE: "control_share",
    PEAK_MEMORY: "peak_memory_bytes",
    PEAK_ALLOCATED: "peak_allocated_bytes.{n}",
    PEAK_RESERVED: "peak_reserved_bytes.{n}",
    SIGNATURE: "signature.{name}",
    OUTPUT_TOKENS: "output_tokens",
    TOTAL_MS: "latency_ms",
    FIRST_TOKEN_MS: "time_to_first_token_ms",
}
_FORMER |= {
    name: f"{former}.{statistic}"
    for spread, former in (
        *((TOKENS, "output_tokens"), (LATENCY, "latency_ms")),
        *((FIRST_TOKEN, "time_to_first_token_ms"), (PER_TOKEN, "ms_per_token")),
    )
    for name, statistic in zip(spread, Spread._fields, strict=True)
}
_FORMER |= {
    name: name.replace("/", ".")
    for name in (
        *(ANSWERED, FAILED, VIDEOS, CURVE_ENTROPY, CURVE_EMA, LIVE_ACCURACY, LIVE_FAILED, LIVE_TOKENS, LIVE_SPEED, LIVE_PEAK_MEMORY),
        *(GPU_PROCESS, GPU_DEVICE, GPU_UTILIZATION, GPU_POWER, HOST_MEMORY),
    )
}
_TYPES_THEN = {re.sub(r"[^\w\-.]", "_", kind): kind for kind in PROBLEM_TYPES}


@cache
def current_name(name: str) -> str:
    """What a metric is called now that an earlier version recorded as `name`; any other name is returned as it is.

    A category stays as it was written then, for what its underscores stood for is not recorded: "accuracy_by_category.a_b" becomes
    "accuracy/category/a_b". Of problem types it is known: "accuracy.multiple_choice" becomes "accuracy/type/multiple choice".
    """
    if "/" in name:  # which no earlier name has
        return name
    for template, former in _FORMER.items():
        if found := pattern_of(former).fullmatch(name):
            text = found[1] if found.lastindex else None
            return template if text is None else filled(template, _TYPES_THEN.get(text, text) if template == ACCURACY_OF_TYPE else text)
    return name


def in_current_names(metrics: Mapping[str, float]) -> dict[str, float]:
    """Metrics by their current names. Of a run that an earlier version began and this one continued, what this one recorded counts."""
    return {current_name(name): value for name, value in metrics.items()} | {
        name: metrics[name] for name in metrics if current_name(name) == name
    }


def former_name(name: str) -> str | None:
    """What earlier versions called the series `name`, to ask a store for its history; None where they called it the same.

    Of accuracies by problem type and category it is None as well: they are no series, and their texts were written in another way.
    """
    for template, former in _FORMER.items():
        found = pattern_of(template).fullmatch(name)
        if found and not found.lastindex:
            return former
        if found and "{n}" in template:
            return former.replace("{n}", found[1])
    return None


@cache
def pattern_of(template: str) -> re.Pattern[str]:
    """The names that a template stands for: ``{n}`` is a number, any other ``{...}`` a text in characters that `segment` leaves."""
    parts = _BLANK.split(template)
    return re.compile("".join("([0-9]+)" if part == "{n}" else r"([\w\-. :]+)" if part[:1] == "{" else re.escape(part) for part in parts))
