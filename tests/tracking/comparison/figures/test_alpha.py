"""vreason_tracking.comparison.figures.alpha: phases along a reply."""

from __future__ import annotations

import numpy as np
import pytest

from tests.helpers import records
from vreason.evaluation.ema_peak import final_peak_token
from vreason_tracking.comparison.figures.alpha import MOST_CELLS, cells, draw, ribbon
from vreason_tracking.records.step_table import RunSteps

SAMPLE = "q-0003"


def columns(alphas: list[int], updates: tuple[int, ...] = ()) -> dict[str, list]:
    ema = [1.0 if alpha > 0 else 0.5 for alpha in alphas]
    return {
        "token_index": list(range(len(alphas))),
        "entropy": ema,
        "ema": ema,
        "peak": [1.0] * len(alphas),
        "alpha": alphas,
        "updated": [t in updates for t in range(len(alphas))],
        "delta_v_norm": [None] * len(alphas),
    }


def test_rows_are_the_stretches(three) -> None:
    """Run, phase, first and last token, updates within, and the final peak: where alpha is +1 for the last time."""
    comparison, _ = three
    figure = draw(comparison, [RunSteps(samples={"s": columns([1, 1, -1, -1, -1, 1, -1], (4, 6))}), RunSteps(), RunSteps()], "s")
    expected = [
        ["baseline", "explore", "0", "1", "0", "5"],
        ["baseline", "exploit", "2", "4", "1", "5"],
        ["baseline", "explore", "5", "5", "0", "5"],
        ["baseline", "exploit", "6", "6", "1", "5"],
    ]
    assert expected == list(figure.rows)
    assert [comparison.runs[0].run_id] == figure.run_ids
    assert 2 == figure.svg.count("no step recorded")


def test_the_peak_is_the_records(three) -> None:
    """The same token as in the sample's own record."""
    _, steps = three
    assert final_peak_token(records.steps(SAMPLE, 40)) == ribbon(steps[1].samples[SAMPLE]).peak


def test_updates_are_counted_in_the_picture(three) -> None:
    """The number of updates is written into the picture."""
    comparison, steps = three
    assert 3 == draw(comparison, steps, SAMPLE).svg.count(">9 updates</text>")


def test_a_sample_nobody_recorded(three) -> None:
    """Without the sample's steps there is no picture."""
    comparison, steps = three
    assert draw(comparison, steps, "unknown") is None


def test_long_replies_share_columns(three) -> None:
    """Of a cell the exploring share is shown, and the note says so; the table stays exact."""
    comparison, _ = three
    made = columns([1, -1, -1, -1] * 500)
    first, share = cells(ribbon(made), 4)
    assert np.arange(0, 2_000, 4) == pytest.approx(first)
    assert {0.25} == set(share)
    figure = draw(comparison, [RunSteps(samples={"s": made})] * 3, "s")
    assert figure.note.startswith("2 tokens share a column")
    assert ["baseline", "exploit", "1", "3", "0", "1996"] == figure.rows[1]


def test_restless_phases_stay_small(three) -> None:
    """Every token another phase: 1,000 stretches a ribbon, and the table is cut with a note."""
    comparison, _ = three
    figure = draw(comparison, [RunSteps(samples={"s": columns([1, -1] * (MOST_CELLS // 2))})] * 3, "s")
    assert len(figure.svg) < 150_000
    assert "first 2,000 of 3,000 stretches" in figure.note


def test_the_sample_is_named(three) -> None:
    """Whole in the title where it is short, with its middle left out where it is not."""
    comparison, _ = three
    name = "clip_" + "x" * 200 + "_17"
    figure = draw(comparison, [RunSteps(samples={name: columns([1, -1])})] * 3, name)
    assert figure.title.endswith("x_17")
    assert len(figure.title) < 110
