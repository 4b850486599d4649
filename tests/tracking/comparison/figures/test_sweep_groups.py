"""vreason_tracking.comparison.figures.sweep_groups: runs that differ in one number of their method, and in nothing else that matters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.helpers.compared import IDENTITY, PARAMS, TAGS
from vreason_tracking.catalog.run_record import RecordedRun
from vreason_tracking.comparison.figures.sweep_groups import Sweep, number, settings_of, sweeps


def method(**changes: str) -> dict[str, str]:
    settings = {"controller.k": "4", "controller.lr": "0.0003", "controller.seed": "0", "pruning": "null", **changes}
    return {"video.nframes": "8", **{f"method.{name}": value for name, value in settings.items()}}


def test_three_values_are_a_sweep() -> None:
    """Sorted by value; the baseline, without the setting, is no part of it."""
    params = [{"method.controller": "null", "video.nframes": "8"}, *(method(**{"controller.k": k}) for k in ("16", "2", "4"))]
    assert [Sweep("controller.k", [(2.0, 2), (4.0, 3), (16.0, 1)], {})] == sweeps(params)


def test_two_values_are_none() -> None:
    """Not even with a third run that has one of them again."""
    assert [] == sweeps([method(**{"controller.k": k}) for k in ("2", "4", "4")])


def test_runs_that_differ_in_more_are_not_joined() -> None:
    """Three values of k, of which one comes with another learning rate."""
    params = [method(**{"controller.k": "2"}), method(**{"controller.k": "4"}), method(**{"controller.k": "8", "controller.lr": "0.0001"})]
    assert [] == sweeps(params)


def test_a_grid_is_a_sweep_for_each_row_and_column() -> None:
    """Each says in what it differs from the others along the same parameter, and in nothing else."""
    ks, lrs = ("2", "4", "8"), ("0.0001", "0.0002", "0.0003")
    made = sweeps([method(**{"controller.k": k, "controller.lr": lr}) for k in ks for lr in lrs])
    expected = [("controller.k", {"controller.lr": lr}) for lr in lrs] + [("controller.lr", {"controller.k": k}) for k in ks]
    assert expected == [(each.parameter, each.others) for each in made]
    assert [(2.0, 0), (4.0, 3), (8.0, 6)] == made[0].points


def test_a_value_may_come_twice() -> None:
    """Two runs of one value of a sweep are one group."""
    params = [method(**{"controller.k": k}) for k in ("2", "4", "8", "4")]
    assert [(2.0, 0), (4.0, 1), (4.0, 3), (8.0, 2)] == sweeps(params)[0].points


def run(name: str, **parts: dict[str, str]) -> RecordedRun:
    """A run of V-Reason with k = 2, 4 or 8 whose record nobody reads; `parts` are laid over its params, tags and identity."""
    made: dict[str, Any] = {"params": {**PARAMS, **method(), "name": "trial", "variant": name}, "tags": TAGS, "identity": IDENTITY}
    merged = {part: {**values, **parts.get(part, {})} for part, values in made.items()}
    return RecordedRun(name, f"{name}-id", None, None, name, "trial", "FINISHED", 1, 0, samples=Path("none"), steps=Path("none"), **merged)


def found(*parts: dict[str, dict[str, str]]) -> list[Sweep]:
    """The sweeps of runs with k = 2, 4, 8, 2, 4, 8 and so on, three for each of `parts`."""
    runs = []
    for part in parts:
        for k in ("2", "4", "8"):
            params = {**part.get("params", {}), "method.controller.k": k}
            runs.append(run(f"run {len(runs)}", **{**part, "params": params}))
    return sweeps([settings_of(each) for each in runs])


def test_seeds_are_no_sweep() -> None:
    """Runs that differ in their seed alone are no sweep."""
    seeds = [{"params": {"method.controller.seed": seed, "method.controller.k": "4"}} for seed in ("0", "1", "2")]
    assert [] == sweeps([settings_of(run(f"run {place}", **each)) for place, each in enumerate(seeds)])


def test_other_settings_are_no_sweep() -> None:
    """Only the method's are."""
    assert [] == sweeps([{**method(), "video.nframes": frames} for frames in ("8", "16", "32")])


@pytest.mark.parametrize(
    ("part", "name", "shown"),
    [
        ("params", "model.id", "model.id"),
        ("params", "model.attention", "model.attention"),
        ("params", "video.nframes", "video.nframes"),
        ("params", "prompt.template", "prompt.template"),
        ("params", "generation.max_new_tokens", "generation.max_new_tokens"),
        ("params", "data.scoring", "data.scoring"),
        ("params", "batch_size", "batch_size"),
        ("tags", "model.revision", "model.revision"),
        ("tags", "dtype", "model.dtype"),
        ("identity", "prompt", "prompt"),
    ],
)
def test_runs_made_in_other_ways_are_not_joined(part: str, name: str, shown: str) -> None:
    """Another model, other weights, prompt, frames or decoding: a sweep each, which says so."""
    made = found({part: {name: "one"}}, {part: {name: "two"}})
    expected = [([(2.0, 0), (4.0, 1), (8.0, 2)], {shown: "one"}), ([(2.0, 3), (4.0, 4), (8.0, 5)], {shown: "two"})]
    assert expected == [(each.points, each.others) for each in made]


def test_values_spread_over_models_are_no_sweep() -> None:
    """Three values of which no model has more than two are no line."""
    params = [{"model.id": model, "method.controller.k": k} for model, k in (("a", "2"), ("a", "4"), ("b", "8"))]
    assert [] == sweeps([settings_of(run(f"run {place}", params=each)) for place, each in enumerate(params)])


def test_the_only_sweep_names_the_model_where_others_are_compared() -> None:
    """A run beside it of another model: whose values these are is told."""
    runs = [run("other", params={"model.id": "b"}), *(run(k, params={"model.id": "a", "method.controller.k": k}) for k in ("2", "5", "8"))]
    (made,) = sweeps([settings_of(each) for each in runs])
    assert {"model.id": "a"} == made.others


@pytest.mark.parametrize(
    ("part", "name"),
    [
        ("params", "seed"),
        ("params", "method.controller.seed"),
        ("params", "name"),
        ("params", "tracking.uri"),
        ("params", "data.source"),
        ("params", "model.device"),
        ("params", "prompt.file"),
        ("params", "video.timeout"),
        ("tags", "host"),
        ("tags", "git.commit"),
    ],
)
def test_what_does_not_bear_on_answers_does_not_part_runs(part: str, name: str) -> None:
    """Seeds, names and places: one sweep, and nothing of it said."""
    (made,) = found({part: {name: "one"}}, {part: {name: "two"}})
    assert ([(2.0, 0), (2.0, 3), (4.0, 1), (4.0, 4), (8.0, 2), (8.0, 5)], {}) == (made.points, made.others)


def test_what_was_loaded_counts_and_not_what_was_asked_for() -> None:
    """What "auto" came to: bfloat16 is bfloat16 whether asked for or not."""
    parts = [{"params": {"model.dtype": expected_samples}, "tags": {"dtype": "bfloat16"}} for expected_samples in ("auto", "bfloat16")]
    assert 1 == len(found(*parts))


def test_a_prompt_file_without_a_digest_counts_by_its_name() -> None:
    """As records of earlier versions have it."""
    made = found(*({"params": {"prompt.file": name}, "identity": {"prompt": ""}} for name in ("a.txt", "b.txt")))
    assert [{"prompt.file": "a.txt"}, {"prompt.file": "b.txt"}] == [each.others for each in made]


@pytest.mark.parametrize("text", [None, "", "null", "switch", "True", "nan", "inf"])
def test_no_number(text: str | None) -> None:
    """A setting whose values are no numbers has no order on an axis."""
    assert number(text) is None


def test_number() -> None:
    """Text that is a number is read as one."""
    assert 5e-05 == number("5e-05")
