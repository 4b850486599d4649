"""vreason_tracking.comparison.costs: what a question costs, against numpy on plain lists of the records."""

from __future__ import annotations

from collections import Counter
from statistics import fmean

import numpy as np
import pytest

from tests.helpers import compared, records
from vreason.events import SampleRecord
from vreason_tracking.comparison.comparison import compare
from vreason_tracking.comparison.costs import QUANTITIES, errors
from vreason_tracking.records.summary import RunSummary

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")
GROUPINGS = ("all", "benchmark", "problem type", "category")


def parts(name, row):
    """A row's figure as a fraction, by the words of the metrics' table; None where it has none."""
    first, whole, control = row["time_to_first_token_ms"], row["generation_ms"], row["control_ms"]
    fractions = {
        "output_tokens": (row["output_tokens"], 1),
        "latency_ms": (whole, 1),
        "time_to_first_token_ms": (first, 1),
        "ms_per_token": (None if None in (whole, first) else whole - first, row["output_tokens"] - 1),
        "control_share": (control, whole),
    }
    above, below = fractions[name]
    return None if row["score"] is None or above is None or not below else (above, below)


def quantity(name, row):
    """The same as one number."""
    found = parts(name, row)
    return None if found is None else found[0] / found[1]


def rate(fractions):
    """All that stands above over all that stands below."""
    return sum(above for above, _ in fractions) / sum(below for _, below in fractions)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    return [compared.recorded(folder, f"run {seed}", compared.mixed(seed)) for seed in range(3)]


@pytest.fixture(scope="module")
def comparison(runs):
    return compare(runs, "run 1")


def each(runs, comparison):
    """Group, run's place, its rows in the group, its result."""
    for group in comparison.groups:
        if group.grouping in GROUPINGS:
            for place, (run, result) in enumerate(zip(runs, group.results, strict=True)):
                yield group, place, [row for row in compared.rows(run) if compared.members(group.grouping, group.name, row)], result


def test_the_quantities() -> None:
    """Tokens, time, time to the first token, time per token and control's share: no figure is forgotten."""
    names = ["output_tokens", "latency_ms", "time_to_first_token_ms", "ms_per_token", "control_share"]
    assert names == [quantity.name for quantity in QUANTITIES]


@pytest.mark.parametrize("name", [quantity.name for quantity in QUANTITIES])
def test_figures(runs, comparison, name) -> None:
    """Number, mean, median and 95th percentile over the answered questions that have the figure; control's mean share is of all time."""
    for _, _, rows, result in each(runs, comparison):
        values = [value for row in rows if (value := quantity(name, row)) is not None]
        found = result.costs[name]
        assert len(values) == found.n
        spent = [both for row in rows if (both := parts(name, row)) is not None]
        mean = sum(above for above, _ in spent) / sum(below for _, below in spent) if name == "control_share" else fmean(values)
        expected = (mean, *np.percentile(values, (50, 95)))
        assert expected == pytest.approx((found.mean, found.median.value, found.p95))


@pytest.mark.parametrize("name", [quantity.name for quantity in QUANTITIES])
def test_ratios_are_paired(runs, comparison, name) -> None:
    """Question by question: one that either run did not answer, or did not measure, is in neither sum."""
    base = {row["sample_id"]: row for row in compared.rows(runs[1])}
    for _, place, rows, result in each(runs, comparison):
        found = result.costs[name].ratio
        if place == 1:
            assert found is None
            continue
        pairs = [(parts(name, row), parts(name, base[row["sample_id"]])) for row in rows]
        pairs = [pair for pair in pairs if None not in pair]
        ratios = [(own[0] / own[1]) / (other[0] / other[1]) for own, other in pairs if other[0]]
        assert len(ratios) == found.pairs
        expected = (*np.percentile(ratios, (50, 95)), rate([own for own, _ in pairs]) / rate([other for _, other in pairs]))
        assert expected == pytest.approx((found.median.value, found.p95, found.of_totals.value))


def test_memory(runs, comparison) -> None:
    """The greatest, failed samples with it, of the best source that the run has; on CUDA the greatest of any device."""
    for _, place, rows, result in each(runs, comparison):
        peaks = {}
        for row in rows:
            if row["peak_memory_bytes"] is not None:
                peaks.setdefault(row["memory_source"], []).append(row["peak_memory_bytes"])
        source = next(name for name in compared.SOURCES if name in peaks)
        assert (max(peaks[source]), source) == (result.memory.peak_bytes, result.memory.source)
        assert max(used for row in rows for used in row["peak_allocated_bytes"]) == result.memory.torch_allocated_bytes
        assert (place == 1) == (result.memory.ratio is None)


def test_memory_as_the_run_tells_it(runs, comparison) -> None:
    """The peaks over all questions are the run's own summary metrics."""
    for run, result in zip(runs, comparison.groups[0].results, strict=True):
        summary = RunSummary.of(SampleRecord(**row) for row in compared.rows(run))
        assert (summary.peak_memory, summary.memory_source) == (result.memory.peak_bytes, result.memory.source)
        torch = max(value for name, value in summary.metrics().items() if name.startswith("memory/peak_allocated_bytes/"))
        assert torch == result.memory.torch_allocated_bytes


def one(folder, name, call="a call", **changes):
    return compared.recorded(folder, name, [(records.sample("s-1", records.steps("s-1"), **changes), ())], call_id=call)


def test_memory_of_other_sources(tmp_path) -> None:
    """What was measured otherwise is not divided, and where nothing was measured there is nothing."""
    runs = [
        one(tmp_path, "a", "1", peak_memory_bytes=100, memory_source="nvml:process"),
        one(tmp_path, "b", "2", peak_memory_bytes=300, memory_source="nvml:process"),
        one(tmp_path, "c", "3", peak_memory_bytes=300, memory_source="rss"),
        one(tmp_path, "d", "4", peak_memory_bytes=None, memory_source=None, peak_allocated_bytes=()),
    ]
    found = [result.memory for result in compare(runs).groups[0].results]
    assert [(None, None), (3.0, "nvml:process"), (None, None), (None, None)] == [(each.ratio, each.ratio_of) for each in found]
    assert (None, None, None) == (found[3].peak_bytes, found[3].source, found[3].torch_allocated_bytes)


def test_memory_of_one_process(tmp_path) -> None:
    """Runs of one call share a process, whose memory is nobody's own: torch's tensors are divided, where both have them."""
    process = {"memory_source": "nvml:process"}
    runs = [
        one(tmp_path, "a", peak_memory_bytes=1000, peak_allocated_bytes=(40, 100), **process),
        one(tmp_path, "b", peak_memory_bytes=1000, peak_allocated_bytes=(150, 40), **process),
        one(tmp_path, "c", peak_memory_bytes=1000, peak_allocated_bytes=(), **process),
        one(tmp_path, "elsewhere", "another call", peak_memory_bytes=500, peak_allocated_bytes=(50,), **process),
    ]
    found = [result.memory for result in compare(runs).groups[0].results]
    assert [(None, None), (1.5, "torch's tensors"), (None, None), (0.5, "nvml:process")] == [(each.ratio, each.ratio_of) for each in found]


def test_signatures(runs, comparison) -> None:
    """Each counts the samples that show it, failed ones too."""
    for _, _, rows, result in each(runs, comparison):
        assert Counter(name for row in rows for name in row["signatures"]) == result.signatures


def test_a_baseline_that_spends_nothing(tmp_path) -> None:
    """There is no ratio to nothing, and no division by it."""
    runs = [one(tmp_path, "a", control_ms=0.0), one(tmp_path, "b", control_ms=5.0)]
    cost = compare(runs).groups[0].results[1].costs["control_share"]
    assert 1 == cost.n
    assert (0, None, None, None) == (cost.ratio.pairs, cost.ratio.median, cost.ratio.p95, cost.ratio.of_totals)


def test_nothing_measured(tmp_path) -> None:
    """A run that failed throughout, or measured no time, has no figures, and the others keep theirs."""
    runs = [one(tmp_path, "a"), compared.recorded(tmp_path, "b", [(records.failed("s-1"), ())]), one(tmp_path, "c", generation_ms=None)]
    found = [result.costs for result in compare(runs).groups[0].results]
    assert [(1, None), (0, 0), (1, 1)] == [(cost.n, cost.ratio and cost.ratio.pairs) for cost in (each["output_tokens"] for each in found)]
    assert [1, 0, 0] == [cost["latency_ms"].n for cost in found]
    assert (None, 0) == (found[2]["ms_per_token"].mean, found[2]["ms_per_token"].ratio.pairs)


@pytest.mark.parametrize(
    ("video", "error", "reason"),
    [
        ("clips/a.mp4", "/data/clips/a.mp4: is empty (0 bytes); copy it again", "is empty (0 bytes); copy it again"),
        ("a: b.mp4", "/data/a: b.mp4: is empty", "is empty"),
        ("a.mp4", "out of memory: lower video.max_pixels", "out of memory: lower video.max_pixels"),
        ("a.mp4", "a.mp4: cannot be opened ([Errno 13]: no): check", "cannot be opened ([Errno 13]: no): check"),
        ("", "out of memory: lower it", "out of memory: lower it"),
        ("a.mp4", None, "no reason recorded"),
        ("a.mp4", "a.mp4: ", "a.mp4: "),
    ],
)
def test_reasons(tmp_path, video, error, reason) -> None:
    """The same fault of many files is one reason; what is not the file's name stays."""
    runs = [compared.recorded(tmp_path, name, [(records.failed("s-1", error, video=video), ())]) for name in "ab"]
    assert [(reason, 1)] == errors(compare(runs).frame, 0)


def test_most_frequent_reasons_first(tmp_path) -> None:
    """Ties by the alphabet; of more than five the rarest are left out."""
    reasons = ["f", "e", "d", "c", "b", "b", "a", "c", "c"]
    samples = [
        (records.failed(f"s-{number}", f"clips/{number}.mp4: {each}", video=f"{number}.mp4"), ()) for number, each in enumerate(reasons)
    ]
    comparison = compare([compared.recorded(tmp_path, name, samples) for name in "ab"])
    assert [("c", 3), ("b", 2), ("a", 1), ("d", 1), ("e", 1)] == list(comparison.completeness[0].errors)
