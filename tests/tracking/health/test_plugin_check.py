"""vreason_tracking.health.plugin_check: what other packages offer, loaded."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers.plugin_packages import importable, install
from vreason_tracking.health.check import Check
from vreason_tracking.health.checks import run_checks
from vreason_tracking.health.plugin_check import plugin_checks


def test_without_plug_ins_there_is_no_check() -> None:
    """Nothing is said of what is not there."""
    assert [] == list(plugin_checks())


def test_each_plug_in_is_one_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Group, name, where it is, and the package with its version; groups in their order, names in alphabetical order."""
    install(tmp_path, "of-lists", "vreason.listeners", {"watch": "math:pi"})
    install(tmp_path, "of-data", "vreason.benchmarks", {"town": "math:tau", "city": "math:e"})
    importable(tmp_path, monkeypatch)
    assert [
        Check("plug-in city", "ok", "vreason.benchmarks, math:e of of-data 0.1"),
        Check("plug-in town", "ok", "vreason.benchmarks, math:tau of of-data 0.1"),
        Check("plug-in watch", "ok", "vreason.listeners, math:pi of of-lists 0.1"),
    ] == list(plugin_checks())


@pytest.mark.parametrize(
    ("value", "module", "why"),
    [
        ("not_there_at_all:Made", "", "ModuleNotFoundError: No module named 'not_there_at_all'"),
        ("plug_in_of_old:Made", "import plug_in_of_old_times", "ModuleNotFoundError: No module named 'plug_in_of_old_times'"),
        ("plug_in_of_old:Made", "", "AttributeError: module 'plug_in_of_old' has no attribute 'Made'"),
        ("plug_in_of_old:Made", "raise ValueError('needs torch 1.x')", "ValueError: needs torch 1.x"),
    ],
)
def test_one_that_cannot_be_loaded_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str, module: str, why: str) -> None:
    """It says why, and what to do with which package; the others are checked all the same."""
    install(tmp_path, "of-old", "vreason.models", {"old": value}, {"plug_in_of_old": module})
    install(tmp_path, "of-lists", "vreason.listeners", {"watch": "math:pi"})
    importable(tmp_path, monkeypatch, "plug_in_of_old")
    broken, other = plugin_checks()
    detail = f"vreason.models, {value} of of-old 0.1: {why}"
    assert Check("plug-in old", "failure", detail, "upgrade or remove of-old 0.1; until then only runs that use old fail") == broken
    assert "ok" == other.state


def test_a_name_that_two_packages_offer_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that uses it would be refused; each package's check names the other. The same name in another group is another plug-in."""
    install(tmp_path, "one", "vreason.objectives", {"late": "math:pi"})
    install(tmp_path, "two", "vreason.objectives", {"late": "math:e"})
    install(tmp_path, "three", "vreason.listeners", {"late": "math:e"})
    importable(tmp_path, monkeypatch)
    first, second, third = plugin_checks()
    hint = "remove all but one of the packages that offer late"
    assert Check("plug-in late", "failure", "vreason.objectives, math:pi of one 0.1: also offered by two 0.1", hint) == first
    assert Check("plug-in late", "failure", "vreason.objectives, math:e of two 0.1: also offered by one 0.1", hint) == second
    assert "ok" == third.state


def test_they_are_among_all_checks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tracking_uri: str) -> None:
    """Before the store's; a plug-in that fails spoils its own line only."""
    install(tmp_path / "site", "of-old", "vreason.models", {"old": "not_there_at_all:Made"})
    importable(tmp_path / "site", monkeypatch)
    found = [(check.name, check.state) for check in run_checks(tracking_uri)]
    place = found.index(("plug-in old", "failure"))
    assert ("decord", "ok") == found[place - 1]
    assert ("database", "ok") == found[place + 1]
