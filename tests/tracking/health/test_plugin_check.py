"""vreason_tracking.health.plugin_check: what other packages offer, loaded."""

from __future__ import annotations

import pytest

from tests.helpers.site_packages import SitePackages
from vreason.plugins import BENCHMARKS, LISTENERS, MODELS, OBJECTIVES
from vreason_tracking.health.check import Check
from vreason_tracking.health.checks import run_checks
from vreason_tracking.health.plugin_check import plugin_checks


def test_without_plug_ins_there_is_no_check() -> None:
    """Nothing is said of what is not there."""
    assert [] == list(plugin_checks())


def test_each_plug_in_is_one_check(site_packages: SitePackages) -> None:
    """Group, name, where it is, and the package with its version; groups in their order, names in alphabetical order."""
    site_packages.install("of-lists", {LISTENERS: {"watch": "math:pi"}})
    site_packages.install("of-data", {BENCHMARKS: {"town": "math:tau", "city": "math:e"}})
    assert [
        Check("plug-in city", "ok", "vreason.benchmarks, math:e of of-data 1.0"),
        Check("plug-in town", "ok", "vreason.benchmarks, math:tau of of-data 1.0"),
        Check("plug-in watch", "ok", "vreason.listeners, math:pi of of-lists 1.0"),
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
def test_one_that_cannot_be_loaded_is_a_failure(site_packages: SitePackages, value: str, module: str, why: str) -> None:
    """It says why, and what to do with which package; the others are checked all the same."""
    site_packages.install("of-old", {MODELS: {"old": value}}, plug_in_of_old=module)
    site_packages.install("of-lists", {LISTENERS: {"watch": "math:pi"}})
    broken, other = plugin_checks()
    detail = f"vreason.models, {value} of of-old 1.0: {why}"
    assert Check("plug-in old", "failure", detail, "upgrade or remove of-old 1.0; until then only runs that use old fail") == broken
    assert "ok" == other.state


def test_a_name_that_two_packages_offer_is_a_failure(site_packages: SitePackages) -> None:
    """A run that uses it would be refused; each package's check names the other. The same name in another group is another plug-in."""
    site_packages.install("one", {OBJECTIVES: {"late": "math:pi"}})
    site_packages.install("two", {OBJECTIVES: {"late": "math:e"}})
    site_packages.install("three", {LISTENERS: {"late": "math:e"}})
    first, second, third = plugin_checks()
    hint = "remove all but one of the packages that offer late"
    assert Check("plug-in late", "failure", "vreason.objectives, math:pi of one 1.0: also offered by two 1.0", hint) == first
    assert Check("plug-in late", "failure", "vreason.objectives, math:e of two 1.0: also offered by one 1.0", hint) == second
    assert "ok" == third.state


def test_they_are_among_all_checks(site_packages: SitePackages, tracking_uri: str) -> None:
    """Before the store's; a plug-in that fails spoils its own line only."""
    site_packages.install("of-old", {MODELS: {"old": "not_there_at_all:Made"}})
    found = [(check.name, check.state) for check in run_checks(tracking_uri)]
    place = found.index(("plug-in old", "failure"))
    assert ("decord", "ok") == found[place - 1]
    assert ("database", "ok") == found[place + 1]
