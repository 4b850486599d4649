"""vreason_tracking.comparison.figures.entropy: the paper's Figure 1 of many runs."""

from __future__ import annotations

import re
import warnings
from dataclasses import replace
from html import unescape

import numpy as np
import pytest

from vreason_tracking.comparison.comparison import Comparison
from vreason_tracking.comparison.figures.entropy import POINTS, draw, line, own_peaks, values
from vreason_tracking.records.entropy_curve import EntropyCurve
from vreason_tracking.records.step_table import RunSteps


def curve(lengths: list[int], seed: int = 0) -> EntropyCurve:
    made, luck = EntropyCurve(), np.random.default_rng(seed)
    for length in lengths:
        made.add_columns(np.arange(length), luck.uniform(0.1, 3, length), luck.uniform(0.1, 3, length))
    return made


def test_short_curves_are_drawn_token_by_token(three) -> None:
    """Every row of the table is a token with the curve's own figures, and the median token of the samples' own peaks."""
    comparison, steps = three
    figure = draw(comparison, steps)
    mean, spread, ema = steps[1].curve.mean_entropy, steps[1].curve.deviation, steps[1].curve.mean_ema
    own = f"{np.median(comparison.frame.numbers['peak_token'][:, 1]):g}"
    expected = [["v-reason", str(t), "48", f"{mean[t]:.4f}", f"{spread[t]:.4f}", f"{ema[t]:.4f}", own] for t in range(40)]
    assert expected == [list(row) for row in figure.rows if row[0] == "v-reason"]
    assert "" == figure.note


def test_long_curves_are_thinned_to_means() -> None:
    """At most so many points, each the mean over its tokens and samples; none is left out."""
    made = curve([1_024, 1_024, 700])
    thin = line(made, POINTS, "a", "a")
    assert (6, 171) == (thin.width, len(thin.first))
    assert made.entropy[6:12].sum() / made.count[6:12].sum() == pytest.approx(values(thin)[0][1])
    assert made.count.sum() == thin.curve.count.sum()


def test_thinning_is_told(three) -> None:
    """A curve that shows not every token says so."""
    comparison, steps = three
    figure = draw(comparison, [RunSteps(curve([1_000])), *steps[1:]])
    assert "mean over up to 5 neighbouring tokens" in figure.note
    assert "0 to 4" == figure.rows[0][1]


def test_the_peak_is_the_whole_curves() -> None:
    """Joining tokens neither moves nor lowers it."""
    made = curve([1_000])
    made.ema[777] = 99.0
    thin = line(made, 10, "a", "a")
    assert (777, 99.0) == (thin.peak, thin.height)


def test_a_tail_of_few_samples_is_not_drawn() -> None:
    """As in a run's own plot: fewer than a tenth of the samples is too few."""
    assert 20 == line(curve([20] * 19 + [50]), POINTS, "a", "a").tokens


def test_runs_without_steps_are_left_out(three) -> None:
    """A run without steps has no curve."""
    comparison, steps = three
    figure = draw(comparison, [RunSteps(), *steps[1:]])
    assert [run.run_id for run in comparison.runs[1:]] == figure.run_ids
    assert draw(comparison, [RunSteps()] * 3) is None


def test_infinite_entropy_neither_warns_nor_hides_the_rest(three) -> None:
    """A value that is not finite leaves the others drawn, without a warning."""
    comparison, steps = three
    made = curve([30, 30])
    made.entropy[3] = made.square[3] = np.inf
    made.ema[3:] = np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = draw(comparison, [RunSteps(made), *steps[1:]])
    assert "–" == figure.rows[3][3]
    assert line(made, POINTS, "a", "a").peak in (0, 1, 2)


def test_a_single_token(three) -> None:
    """A reply of one token is drawn."""
    comparison, _ = three
    figure = draw(comparison, [RunSteps(curve([1]))] * 3)
    assert 3 == len(figure.rows)


def peaking(comparison: Comparison, tokens: list[float], failed: int = 0) -> Comparison:
    """The comparison with these own peaks of every run's first samples, no others, and the first ones failed."""
    peaks, scores = np.full_like(comparison.frame.scores, np.nan), np.zeros_like(comparison.frame.scores)
    peaks[: len(tokens)] = np.array(tokens)[:, None]
    scores[:failed] = np.nan
    return replace(comparison, frame=replace(comparison.frame, numbers={"peak_token": peaks, "score": scores}))


def test_the_mark_is_where_half_of_the_samples_got() -> None:
    """A tail of the longest replies, drawn though it is, has no peak of the run."""
    made = curve([40] * 10 + [80] * 2)
    made.ema[25], made.ema[39], made.ema[79] = 40.0, 30.0, 90.0
    drawn = line(made, POINTS, "a", "a")
    assert (80, 25, 40.0 / 12) == (drawn.tokens, drawn.peak, drawn.height)


def test_exactly_half_is_enough() -> None:
    """The mean is drawn as long as half of the samples reach the token."""
    made = curve([40] * 2 + [80] * 2)
    made.ema[79] = 90.0
    assert 79 == line(made, POINTS, "a", "a").peak


def test_the_samples_own_peaks(three) -> None:
    """Their median, over the answered samples that have one; none where nobody has."""
    comparison, _ = three
    assert 17.0 == own_peaks(peaking(comparison, [900.0, 3.0, 17.0, 20.0], failed=1), 1)
    assert 10.5 == own_peaks(peaking(comparison, [0.0, 21.0]), 1)
    assert own_peaks(peaking(comparison, []), 1) is None


def test_the_peaks_are_named_in_the_picture(three) -> None:
    """The peaks of the moving average are labelled."""
    comparison, steps = three
    names = [replace(run, name=f"_run {place}") for place, run in enumerate(comparison.runs)]
    renamed = replace(comparison, runs=names)
    peak = int(steps[2].curve.mean_ema.argmax())
    for tokens, told in (([3.0, 17.0, 20.0], "; samples' own peaks: median t = 17"), ([], "")):
        assert f"_run 2: EMA peaks at token {peak}{told}</text>" in unescape(draw(peaking(renamed, tokens), steps).svg)
    assert {"–"} == {row[6] for row in draw(peaking(renamed, []), steps).rows}


def bands(svg: str) -> int:
    """Areas that are see-through: the bands of deviation."""
    return len(re.findall(r'<path [^>]*style="[^"]*fill-opacity: 0.11|<use [^>]*style="[^"]*fill-opacity: 0.11', svg))


@pytest.mark.parametrize(("runs", "panels"), [(1, 1), (4, 1), (5, 5), (6, 6), (7, 7)])
def test_every_run_has_its_band(thirty, runs: int, panels: int) -> None:
    """Few share axes; from five on each has a panel, so that no band is hidden or left out."""
    comparison, steps = thirty
    svg = draw(comparison, [*steps[:runs], *[RunSteps()] * (30 - runs)]).svg
    assert (runs, panels) == (bands(svg), svg.count("<clipPath "))


def test_many_runs_have_a_panel_each(thirty) -> None:
    """With its name above, and the samples' own peaks; the table stays as long as 80 points a run allow."""
    comparison, steps = thirty
    figure = draw(comparison, steps)
    assert all(f">{name}</text>" in figure.svg for name in comparison.names)
    assert 30 == figure.svg.count("own peaks: median t = ")
    assert "dashed grey in every panel" in figure.caption
