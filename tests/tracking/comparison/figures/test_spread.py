"""vreason_tracking.comparison.figures.spread: quantiles of tokens and latency."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.helpers import records
from tests.helpers.compared import make_samples, recorded, trio
from vreason_tracking.comparison.comparison import compare
from vreason_tracking.comparison.figures.spread import SPREADS, box, draw

TOKENS, LATENCY = SPREADS


def test_the_median_is_the_comparisons(tmp_path) -> None:
    """And mean and p95; time in seconds."""
    comparison = compare(trio(tmp_path))
    for run, result in enumerate(comparison.groups[0].results):
        for spread, name in ((TOKENS, "output_tokens"), (LATENCY, "latency_ms")):
            cost, found = result.costs[name], box(comparison, spread, run)
            expected = [spread.scale * value for value in (cost.median.value, cost.p95, cost.mean)]
            assert expected == pytest.approx([found.quantiles[2], found.quantiles[4], found.mean])
            assert cost.n == found.n


def test_quantiles_by_hand(tmp_path) -> None:
    """Tokens 0 to 100: p5 is 5, and so on; failed samples do not count."""
    samples = [(records.sample(f"q-{n:03d}", output_tokens=n), ()) for n in range(101)] + [(records.failed("q-999"), ())]
    comparison = compare([recorded(tmp_path, name, samples) for name in ("a", "b")])
    assert ["a", "101", "5", "25", "50", "75", "95", "50", "0", "100"] == [
        text.removesuffix(".0") for text in draw(comparison, TOKENS).rows[0]
    ]


def test_the_unit_is_in_the_table(tmp_path) -> None:
    """The table's head names the unit."""
    comparison = compare(trio(tmp_path))
    assert ("p50 (median)", "p50 (median) (s)") == (draw(comparison, TOKENS).columns[4], draw(comparison, LATENCY).columns[4])


def test_a_run_without_answers_is_named_and_dashed(tmp_path) -> None:
    """A run without an answer has its row, with dashes for values."""
    good = make_samples(4, 2)
    bad = [
        (replace(records.failed(s.sample_id), video=s.video, question=s.question, problem_type=s.problem_type, options=s.options), ())
        for s, _ in good
    ]
    comparison = compare([recorded(tmp_path, "a", good), recorded(tmp_path, "b", bad)])
    figure = draw(comparison, TOKENS)
    assert ["b", "0", *["–"] * 8] == figure.rows[1]
    assert "no answered sample" in figure.svg
    assert [comparison.runs[0].run_id] == figure.run_ids


def test_nobody_answered_no_picture(tmp_path) -> None:
    """Without an answer there is no picture."""
    assert draw(compare([recorded(tmp_path, name, [(records.failed(), ())]) for name in ("a", "b")]), TOKENS) is None


@pytest.mark.parametrize(("values", "is_log"), [([0.0, 0.0], False), ([7.0, 7.0], False), ([1.0, 900.0], True), ([0.0, 900.0], False)])
def test_the_axis(tmp_path, values: list[float], is_log: bool) -> None:
    """Logarithmic where the values are far apart, and the caption says so; a zero forbids it."""
    comparison = compare(trio(tmp_path))
    numbers = comparison.frame.numbers | {"output_tokens": np.resize(values, comparison.frame.scores.shape[::-1]).T}
    figure = draw(replace(comparison, frame=replace(comparison.frame, numbers=numbers)), TOKENS)
    assert is_log == ("logarithmic" in figure.caption)
