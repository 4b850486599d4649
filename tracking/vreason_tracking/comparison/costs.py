"""What each run spends on a question: tokens, time, control, memory; and against the baseline, question by question."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vreason_tracking.comparison.groups import Group
from vreason_tracking.comparison.paired_samples import Frame
from vreason_tracking.statistics import Codes, Estimate, compact, quantile, ratio_of_rates
from vreason_tracking.telemetry import best_source

TENSORS = "torch's tensors"
Parts = tuple[NDArray[np.float64], NDArray[np.float64]]


@dataclass(frozen=True)
class Quantity:
    """Something that is spent on a question.

    Attributes:
        name: in the comparison's files.
        title, unit: for readers.
        parts: per question and run: above and below of a fraction; below is 1 for a plain figure. Shape (n, V) each.
        weighted: the mean is the total above over the total below, as in the run's own summary, and not the mean of the questions' figures.
    """

    name: str
    title: str
    unit: str
    parts: Callable[[Frame], Parts]
    weighted: bool = False


def _plain(name: str) -> Callable[[Frame], Parts]:
    return lambda frame: (frame.numbers[name], np.ones_like(frame.numbers[name]))


def _per_token(frame: Frame) -> Parts:
    """Time after the first token, and the tokens that came in it; a reply of one token has none."""
    later = frame.numbers["output_tokens"] - 1
    return frame.numbers["generation_ms"] - frame.numbers["time_to_first_token_ms"], np.where(later > 0, later, np.nan)


def _control(frame: Frame) -> Parts:
    total = frame.numbers["generation_ms"]
    return frame.numbers["control_ms"], np.where(total > 0, total, np.nan)


QUANTITIES: tuple[Quantity, ...] = (
    Quantity("output_tokens", "output tokens", "tokens", _plain("output_tokens")),
    Quantity("latency_ms", "latency", "ms", _plain("generation_ms")),
    Quantity("time_to_first_token_ms", "time to first token", "ms", _plain("time_to_first_token_ms")),
    Quantity("ms_per_token", "time per token", "ms", _per_token),
    Quantity("control_share", "control's share of the time", "share", _control, weighted=True),
)


@dataclass(frozen=True)
class Ratio:
    """A run over the baseline, on the questions that both answered.

    Attributes:
        pairs: questions with a ratio; where the baseline spends nothing there is none.
        median: of the questions' ratios, with its interval.
        p95: their 95th percentile.
        of_totals: what the run spends on all of them over what the baseline does (for time per token: all time over all tokens), with its
            interval; None where the baseline spends nothing.
    """

    pairs: int
    median: Estimate | None
    p95: float | None
    of_totals: Estimate | None


@dataclass(frozen=True)
class Cost:
    """One quantity of one run on a group: over the answered questions.

    Attributes:
        n: questions that have it; a reply of one token has no time per token.
        mean, p95: plain figures; for the mean see `Quantity.weighted`.
        median: with its interval.
        ratio: to the baseline; None for the baseline itself.
    """

    n: int
    mean: float | None
    median: Estimate | None
    p95: float | None
    ratio: Ratio | None


@dataclass(frozen=True)
class Memory:
    """The greatest memory in use over a group's samples, failed ones too.

    Attributes:
        peak_bytes, source: by the best source that the run has; None where none was measured.
        torch_allocated_bytes: of tensors, on the CUDA device that has most; None without CUDA.
        ratio: to the baseline's; None for the baseline, and where there is nothing to divide (see `memories`).
        ratio_of: what was divided: a source of peaks, or `TENSORS`; None without a ratio.
    """

    peak_bytes: int | None
    source: str | None
    torch_allocated_bytes: int | None
    ratio: float | None
    ratio_of: str | None


def parts_of(quantity: Quantity, frame: Frame) -> Parts:
    """What is above and below the fraction, a question and run; NaN for failed ones. Shape (n, V) each."""
    above, below = quantity.parts(frame)
    missing = np.isnan(frame.scores) | np.isnan(above / below)
    return np.where(missing, np.nan, above), np.where(missing, np.nan, below)


def costs(parts: Parts, frame: Frame, group: Group, baseline: int, weighted: bool = False) -> list[Cost]:
    """One quantity of every run; `parts` of all questions, `weighted` as in `Quantity`."""
    above, below = (each[group.members] for each in parts)
    codes = compact(frame.clusters[group.members])
    base = above[:, baseline], below[:, baseline]
    runs = range(above.shape[1])
    return [_cost((above[:, run], below[:, run]), None if run == baseline else base, codes, weighted) for run in runs]


def _cost(own: Parts, base: Parts | None, codes: Codes, weighted: bool) -> Cost:
    present = ~np.isnan(own[0])
    if not present.any():
        return Cost(0, None, None, None, None if base is None else Ratio(0, None, None, None))
    values = own[0][present] / own[1][present]
    return Cost(
        n=len(values),
        mean=float(own[0][present].sum() / own[1][present].sum() if weighted else values.mean()),
        median=quantile(values, compact(codes[present]), 0.5),
        p95=float(np.quantile(values, 0.95)),
        ratio=None if base is None else _ratio(own, base, codes),
    )


def _ratio(own: Parts, base: Parts, codes: Codes) -> Ratio:
    both = ~np.isnan(own[0]) & ~np.isnan(base[0])
    if not both.any():
        return Ratio(0, None, None, None)
    above, below, codes = (own[0][both], own[1][both]), (base[0][both], base[1][both]), codes[both]
    spent = below[0] > 0
    if not spent.any():
        return Ratio(0, None, None, None)
    ratios = (above[0] / above[1])[spent] / (below[0] / below[1])[spent]
    median = quantile(ratios, compact(codes[spent]), 0.5)
    return Ratio(len(ratios), median, float(np.quantile(ratios, 0.95)), ratio_of_rates(above, below, compact(codes)))


def memories(frame: Frame, group: Group, baseline: int, one_process: Sequence[bool]) -> list[Memory]:
    """The peaks of every run.

    What the host or a GPU tells is of a process: it divides where the two runs had a process each, and equal sources. Runs that shared one
    have only torch's tensors to themselves (CUDA), since their peaks are set back before every sample.

    Args:
        one_process: of each run, whether it shared its process with the baseline (`measuring_conditions.in_one_process`).
    """
    places = np.flatnonzero(group.members)
    runs = range(frame.scores.shape[1])
    peaks = [_peak(frame, run, places) for run in runs]
    tensors = [_allocated(frame, run, places) for run in runs]
    made = []
    for run, (peak, source) in enumerate(peaks):
        own, base = ((tensors[each], TENSORS) if one_process[run] else peaks[each] for each in (run, baseline))
        ratio = own[0] / base[0] if run != baseline and own[0] is not None and base[0] and own[1] == base[1] else None
        made.append(Memory(peak, source, tensors[run], ratio, None if ratio is None else own[1]))
    return made


def _peak(frame: Frame, run: int, places: NDArray[np.intp]) -> tuple[int | None, str | None]:
    used, sources = frame.numbers["peak_memory_bytes"][:, run], frame.texts["memory_source"][run]
    found: dict[str, int] = {}
    for index in places[~np.isnan(used[places])]:
        source = sources[index] or "unknown"
        found[source] = max(found.get(source, 0), int(used[index]))
    source = best_source(found)
    return (found[source], source) if source else (None, None)


def _allocated(frame: Frame, run: int, places: NDArray[np.intp]) -> int | None:
    rows = frame.lists["peak_allocated_bytes"][run]
    return max((max(rows[index]) for index in places if rows[index]), default=None)


@dataclass(frozen=True)
class Energy:
    """What the GPUs drew over a group's answered questions, whole boards, whoever used them.

    Attributes:
        n: questions that have it.
        total_joules, mean_joules: over them; None where no GPU counts it.
    """

    n: int
    total_joules: float | None
    mean_joules: float | None


def energies(frame: Frame, group: Group) -> list[Energy]:
    """The energy of every run."""
    found = []
    for run in range(frame.scores.shape[1]):
        drawn = np.where(np.isnan(frame.scores[:, run]), np.nan, frame.numbers["energy_joules"][:, run])[group.members]
        known = drawn[~np.isnan(drawn)]
        found.append(Energy(len(known), float(known.sum()), float(known.mean())) if len(known) else Energy(0, None, None))
    return found


def signatures(frame: Frame, group: Group) -> list[dict[str, int]]:
    """How many samples of each run show each failure signature."""
    places = np.flatnonzero(group.members)
    return [dict(sorted(Counter(name for index in places for name in rows[index] or ()).items())) for rows in frame.lists["signatures"]]


def errors(frame: Frame, run: int, most: int = 5) -> Sequence[tuple[str, int]]:
    """What a run's failed samples failed of, most frequent first; the part that names a file is left out."""
    told = zip(frame.texts["error"][run], frame.texts["video"][run], frame.scores[:, run], strict=True)
    found = Counter(_without_place(text, video) for text, video, score in told if np.isnan(score))
    return sorted(found.items(), key=lambda each: (-each[1], each[0]))[:most]


def _without_place(error: str | None, video: str | None) -> str:
    """An error without the video's path before it, where it has one: so that the same fault of many files is one."""
    name = (video or "").replace("\\", "/").rpartition("/")[2]
    told = error or "no reason recorded"
    return (told.partition(f"{name}: ")[2] if name else "") or told
