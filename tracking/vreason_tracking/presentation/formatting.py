"""Figures in words, the same on every output. What is not known is a dash."""

from __future__ import annotations

from vreason_tracking.statistics import Estimate

NONE = "–"


def percent(share: float | None) -> str:
    """A share: "62.5 %"."""
    return NONE if share is None else f"{100 * share:.1f} %"


def points(difference: float | None) -> str:
    """A difference of shares in percentage points: "+12.5"."""
    return NONE if difference is None else _signed(f"{100 * difference:+.1f}")


def percent_interval(estimate: Estimate | None) -> str:
    """An interval of a share, percent: "54.2 to 70.1"."""
    if estimate is None or estimate.low is None or estimate.high is None:
        return NONE
    return f"{100 * estimate.low:.1f} to {100 * estimate.high:.1f}"


def points_interval(estimate: Estimate | None) -> str:
    """An interval of a difference, points: "−4.2 to +8.1"."""
    if estimate is None or estimate.low is None or estimate.high is None:
        return NONE
    return f"{points(estimate.low)} to {points(estimate.high)}"


def p_value(p: float | None) -> str:
    """A p-value: "0.031", "< 0.001"; one below 0.05 never reads as 0.050."""
    if p is None:
        return NONE
    told = "< 0.001" if p < 0.001 else f"{p:.3f}" if p < 0.1 else f"{p:.2f}"
    return "< 0.050" if p < 0.05 and told == "0.050" else told


def amount(value: float | None) -> str:
    """A figure of any size, to three digits at least: "0.0213", "32.5", "1,204"."""
    if value is None:
        return NONE
    if abs(value) >= 999.95:
        return f"{value:,.0f}"
    if abs(value) >= 99.95:
        return f"{value:.1f}".removesuffix(".0")
    return f"{value:.3g}" if abs(value) >= 1e-4 or value == 0 else f"{value:.1e}"


def quantity(value: float | None, unit: str) -> str:
    """With its unit; a share as a percentage."""
    if value is None:
        return NONE
    return percent(value) if unit == "share" else amount(value)


def ratio(value: float | None) -> str:
    """A ratio: "× 0.84"."""
    return NONE if value is None else f"× {_factor(value)}"


def ratio_interval(estimate: Estimate | None) -> str:
    """An interval of a ratio: "0.80 to 0.88"."""
    if estimate is None or estimate.low is None or estimate.high is None:
        return NONE
    return f"{_factor(estimate.low)} to {_factor(estimate.high)}"


def gibibytes(count: int | None) -> str:
    """Memory: "16.71 GiB"."""
    return NONE if count is None else f"{count / 2**30:.2f} GiB"


def count(number: int | None) -> str:
    """A number of things: "1,204"."""
    return NONE if number is None else f"{number:,}"


def _factor(value: float) -> str:
    """To two decimals; more of a small one, which is not nothing, and none of a large one."""
    if value >= 99.995:
        return f"{value:,.0f}"
    return f"{value:.2f}" if value >= 0.095 or value <= 0 else f"{value:.2g}" if value >= 1e-4 else f"{value:.1e}"


def _signed(text: str) -> str:
    return "0.0" if text in ("+0.0", "-0.0") else text.replace("-", "−")
