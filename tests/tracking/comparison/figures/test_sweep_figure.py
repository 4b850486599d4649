"""vreason_tracking.comparison.figures.sweep_figure: accuracy along a parameter."""

from __future__ import annotations

import math

from tests.helpers import records
from tests.helpers.compared import make_samples, recorded, trio
from vreason_tracking.comparison.comparison import compare
from vreason_tracking.comparison.figures.sweep_figure import draw, middles
from vreason_tracking.presentation.formatting import percent, percent_interval


def swept(folder, values=("8", "2", "16"), base: bool = True, samples=None):
    runs = [recorded(folder, "baseline", samples or make_samples(24, 8))] if base else []
    for place, value in enumerate(values):
        made = samples or make_samples(24, 8, place + 1)
        runs.append(recorded(folder, f"k={value}", made, preset="v-reason", params={"method.controller.k": value}))
    return compare(runs)


def test_rows_are_the_comparisons_figures(tmp_path) -> None:
    """By value, whatever the order of the runs."""
    comparison = swept(tmp_path)
    (figure,) = draw(comparison)
    found = {}
    for name, result in zip(comparison.names, comparison.groups[0].results, strict=True):
        own = result.accuracy
        found[name] = [name.removeprefix("k="), name, percent(own.estimate.value), percent_interval(own.estimate), str(own.answered)]
    assert [found["k=2"], found["k=8"], found["k=16"]] == [list(row) for row in figure.rows]
    assert ("sweep_controller_k", "Accuracy by controller.k") == (figure.name, figure.title)


def test_the_values_are_on_the_axis(tmp_path) -> None:
    """The values that were swept stand on the axis."""
    svg = draw(swept(tmp_path))[0].svg
    assert all(f">{value}</text>" in svg for value in (2, 8, 16))


def test_the_baseline_is_drawn_for_reference(tmp_path) -> None:
    """A baseline outside the sweep is a line to compare with."""
    assert "its 95 % interval</text>" in draw(swept(tmp_path))[0].svg


def test_a_baseline_of_the_sweep_is_not(tmp_path) -> None:
    """A baseline that is a value of the sweep is not drawn twice."""
    assert ">baseline</text>" not in draw(swept(tmp_path, base=False))[0].svg


def test_axis_is_logarithmic_from_a_decade_on(tmp_path) -> None:
    """And the caption says so; a value of 0 forbids it."""
    captions = [
        draw(swept(tmp_path / "-".join(values), values))[0].caption for values in (("1", "2", "10"), ("1", "2", "9"), ("0", "2", "90"))
    ]
    assert [True, False, False] == ["logarithmic" in caption for caption in captions]


def test_no_sweep_no_picture(tmp_path) -> None:
    """Without a sweep there is no picture."""
    assert [] == draw(compare(trio(tmp_path)))


def test_nobody_answered_no_picture(tmp_path) -> None:
    """Without an answer there is no picture."""
    assert [] == draw(swept(tmp_path, samples=[(records.failed(), ())]))


def test_a_grid_names_each_sweep_apart(thirty) -> None:
    """Names differ, and title and note say at which other settings."""
    comparison, _ = thirty
    figures = draw(comparison)
    names = [figure.name for figure in figures]
    assert len(names) == len(set(names))
    assert {"sweep_controller_k", "sweep_controller_k_2", "sweep_controller_lr"} <= set(names)
    assert "Accuracy by controller.k (controller.lr = 0.0001)" in [figure.title for figure in figures]
    assert "Other settings: controller.lr = 0.0001." in [figure.note for figure in figures]


def test_models_are_not_joined(tmp_path) -> None:
    """Runs of two models, which may be compared, are two pictures; each says in title and note of which."""
    runs = []
    for model in ("3B", "7B"):
        for k in ("2", "4", "8"):
            params = {"method.controller.k": k, "model.id": model}
            runs.append(recorded(tmp_path, f"{model} k={k}", make_samples(12, 4, len(runs)), preset="v-reason", params=params))
    figures = draw(compare(runs))
    assert ["Accuracy by controller.k (model.id = 3B)", "Accuracy by controller.k (model.id = 7B)"] == [each.title for each in figures]
    assert ["Other settings: model.id = 3B.", "Other settings: model.id = 7B."] == [each.note for each in figures]
    assert [[f"{model} k={k}" for k in (2, 4, 8)] for model in ("3B", "7B")] == [[row[1] for row in each.rows] for each in figures]


def test_the_line_goes_through_means() -> None:
    """Several seeds at one value make no zigzag; one without an answer is left out."""
    assert ([2.0, 4.0], [0.5, 0.75]) == middles([4.0, 2.0, 2.0, 2.0], [0.75, 0.25, 0.75, math.nan])
    assert math.isnan(middles([1.0], [math.nan])[1][0])


def test_weights_are_told_in_short_in_the_title(tmp_path) -> None:
    """Eight digits of a digest there, all in the note."""
    runs = []
    for weights in ("1a" * 20, "2b" * 20):
        for k in ("2", "4", "8"):
            samples = make_samples(12, 4, len(runs))
            tags, params = {"model.revision": weights}, {"method.controller.k": k}
            runs.append(recorded(tmp_path, f"{weights[:2]} k={k}", samples, preset="v-reason", params=params, tags=tags))
    figures = draw(compare(runs))
    assert [f"Accuracy by controller.k (model.revision = {short * 4})" for short in ("1a", "2b")] == [each.title for each in figures]
    assert [f"Other settings: model.revision = {whole * 20}." for whole in ("1a", "2b")] == [each.note for each in figures]
