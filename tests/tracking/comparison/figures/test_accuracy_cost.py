"""vreason_tracking.comparison.figures.accuracy_cost: accuracy against tokens and time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tests.helpers import records
from tests.helpers.compared import make_samples, recorded, trio
from vreason_tracking.comparison.comparison import compare
from vreason_tracking.comparison.figures.accuracy_cost import PRICES, draw
from vreason_tracking.presentation.formatting import amount, percent, percent_interval

TOKENS, LATENCY = PRICES


def test_rows_are_the_comparisons_figures(tmp_path) -> None:
    """The table under the picture has the comparison's own figures."""
    comparison = compare(trio(tmp_path))
    rows = draw(comparison, TOKENS).rows
    for name, result, row in zip(comparison.names, comparison.groups[0].results, rows, strict=True):
        own = result.accuracy.estimate
        expected = [name, percent(own.value), percent_interval(own), "48", amount(result.costs["output_tokens"].median.value)]
        assert expected == list(row[:5])


def test_latency_is_in_seconds(tmp_path) -> None:
    """Latency is drawn in seconds."""
    comparison = compare(trio(tmp_path))
    median = comparison.groups[0].results[1].costs["latency_ms"].median
    figure = draw(comparison, LATENCY)
    assert amount(median.value / 1000) == figure.rows[1][4]
    assert "median latency (s)" == figure.columns[4]


def test_the_front_is_in_the_table(tmp_path) -> None:
    """V-Reason is more accurate and shorter than the baseline, Lite less accurate and as short as V-Reason."""
    comparison = compare(trio(tmp_path))
    assert ["no", "yes", "no"] == [row[-1] for row in draw(comparison, TOKENS).rows]


def test_many_runs_are_numbered(thirty) -> None:
    """In the picture; the key below names every number once."""
    comparison, _ = thirty
    svg = draw(comparison, TOKENS).svg
    assert all(f">{place + 1}</text>" in svg for place in range(30))
    assert ">30  v-reason number 28</text>" in svg


def test_a_run_without_an_answer_has_no_point(tmp_path) -> None:
    """A run without an answer has no point in the picture."""
    runs = trio(tmp_path)
    comparison = compare(runs)
    scores = comparison.frame.scores.copy()
    failed = replace(comparison.groups[0].results[2].accuracy, estimate=None, answered=0)
    results = [*comparison.groups[0].results[:2], replace(comparison.groups[0].results[2], accuracy=failed)]
    scores[:, 2] = np.nan
    figure = draw(replace(comparison, groups=[replace(comparison.groups[0], results=results)]), TOKENS)
    assert ["baseline", "v-reason"] == [row[0] for row in figure.rows]
    assert [run.run_id for run in runs[:2]] == figure.run_ids


def test_no_answer_at_all_no_picture(tmp_path) -> None:
    """Without an answer there is no picture."""
    runs = [recorded(tmp_path, name, [(records.failed(), ())]) for name in ("a", "b")]
    assert draw(compare(runs), TOKENS) is None


def test_one_question_without_time(tmp_path) -> None:
    """One video, no interval, no time: still a picture."""
    samples = [(replace(sample, generation_ms=0.0, time_to_first_token_ms=0.0), steps) for sample, steps in make_samples(1, 1)]
    comparison = compare([recorded(tmp_path, name, samples) for name in ("a", "b")])
    assert ["0", "–", "yes"] == list(draw(comparison, LATENCY).rows[0][4:])


def test_the_key_names_what_is_there(tmp_path) -> None:
    """Twins at one place: both on the front, no line between, and nobody beaten."""
    comparison = compare([recorded(tmp_path, name, make_samples(6, 3)) for name in ("a", "b")])
    figure = draw(comparison, TOKENS)
    assert ["yes", "yes"] == [row[-1] for row in figure.rows]
    assert ">on the front</text>" in figure.svg
    assert not any(f">{absent}</text>" in figure.svg for absent in ("front", "not on the front"))
    assert "dashed" not in figure.caption


def test_as_good_and_cheaper_is_enough(tmp_path) -> None:
    """A run that another equals in accuracy and undercuts in cost is not beaten in both, and yet not on the front: words say so."""
    longer = [(replace(sample, output_tokens=sample.output_tokens + 9), steps) for sample, steps in make_samples(6, 3)]
    comparison = compare([recorded(tmp_path, "a", make_samples(6, 3)), recorded(tmp_path, "b", longer)])
    figure = draw(comparison, TOKENS)
    assert ["yes", "no"] == [row[-1] for row in figure.rows]
    assert ">not on the front</text>" in figure.svg
    assert "no other run is at least as good in both and better in one" in figure.caption
