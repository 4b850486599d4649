"""vreason_tracking.comparison.figures.sweeps: runs that differ in one number of their method."""

from __future__ import annotations

import pytest

from vreason_tracking.comparison.figures.sweeps import Sweep, number, sweeps


def method(**changes: str) -> dict[str, str]:
    settings = {"controller.k": "4", "controller.lr": "0.0003", "controller.seed": "0", "pruning": "null", **changes}
    return {"video.nframes": "8", **{f"method.{name}": value for name, value in settings.items()}}


def test_three_values_are_a_sweep() -> None:
    """Sorted by value; the baseline, without the setting, is no part of it."""
    params = [{"method.controller": "null"}, *(method(**{"controller.k": k}) for k in ("16", "2", "4"))]
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
    found = sweeps([method(**{"controller.k": k, "controller.lr": lr}) for k in ks for lr in lrs])
    expected = [("controller.k", {"controller.lr": lr}) for lr in lrs] + [("controller.lr", {"controller.k": k}) for k in ks]
    assert expected == [(each.parameter, each.others) for each in found]
    assert [(2.0, 0), (4.0, 3), (8.0, 6)] == found[0].points


def test_a_value_may_come_twice() -> None:
    params = [method(**{"controller.k": k}) for k in ("2", "4", "8", "4")]
    assert [(2.0, 0), (4.0, 1), (4.0, 3), (8.0, 2)] == sweeps(params)[0].points


def test_seeds_are_no_sweep() -> None:
    assert [] == sweeps([method(**{"controller.seed": seed}) for seed in ("0", "1", "2")])


def test_other_settings_do_not_count() -> None:
    """Only the method's."""
    assert [] == sweeps([{**method(), "video.nframes": frames} for frames in ("8", "16", "32")])


@pytest.mark.parametrize("text", [None, "", "null", "switch", "True", "nan", "inf"])
def test_no_number(text: str | None) -> None:
    assert number(text) is None


def test_number() -> None:
    assert 5e-05 == number("5e-05")
