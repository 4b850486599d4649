"""What others add: entry points of packages that are installed on the spot, and `module:attribute` of the current folder."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from tests.helpers.raised import error_of
from tests.helpers.site_packages import SitePackages
from vreason.errors import PluginError
from vreason.plugins import (
    BENCHMARKS,
    GROUPS,
    LISTENERS,
    OBJECTIVES,
    Plugin,
    find_plugin,
    is_reference,
    load_plugin,
    load_reference,
    plugins,
    reference_issue,
)

ONE = {OBJECTIVES: {"calm": "calm_pkg:Calm", "loud": "calm_pkg:inner.Loud"}, LISTENERS: {"calm": "calm_pkg:Hears"}}
SOURCE = """
class Calm: pass
class Hears: pass
class inner:
    class Loud: pass
"""


def test_what_is_installed_is_found_by_group_and_name(site_packages: SitePackages) -> None:
    """Two packages' entry points, sorted by name, each with the distribution and version that offers it; other groups have their own."""
    site_packages.install("vreason-calm", ONE, "0.3", calm_pkg=SOURCE)
    site_packages.install("a-b", {OBJECTIVES: {"brisk": "brisk_pkg:run"}}, brisk_pkg="def run(): pass")
    assert [
        Plugin(OBJECTIVES, "brisk", "brisk_pkg:run", "a-b 1.0"),
        Plugin(OBJECTIVES, "calm", "calm_pkg:Calm", "vreason-calm 0.3"),
        Plugin(OBJECTIVES, "loud", "calm_pkg:inner.Loud", "vreason-calm 0.3"),
    ] == plugins(OBJECTIVES)
    assert ["calm_pkg:Hears"] == [plugin.value for plugin in plugins(LISTENERS)]
    assert [] == plugins(BENCHMARKS)


def test_nothing_is_imported_before_it_is_used(site_packages: SitePackages) -> None:
    """Listing and finding import no module of a package; loading imports it and gives the attribute, also one inside another."""
    site_packages.install("vreason-calm", ONE, calm_pkg=SOURCE)
    found = find_plugin(OBJECTIVES, "calm")
    assert plugins(LISTENERS)
    assert found is not None
    assert "calm_pkg" not in sys.modules
    assert "Calm" == found.load().__name__
    assert sys.modules["calm_pkg"].Calm is found.load()
    assert "inner.Loud" == load_plugin(OBJECTIVES, "loud", "controller.objective").__qualname__


def test_without_any_package_there_is_nothing(site_packages: SitePackages) -> None:
    """None where no package offers a name, in every group; a name of one group is none of another."""
    assert [None] * len(GROUPS) == [find_plugin(group, "calm") for group in GROUPS]
    site_packages.install("vreason-calm", {OBJECTIVES: {"calm": "calm_pkg:Calm"}}, calm_pkg=SOURCE)
    assert find_plugin(BENCHMARKS, "calm") is None


BROKEN = {
    "fails": ("raise RuntimeError('no licence')", "RuntimeError: no licence"),
    "needs another": ("import no_such_library_here", "No module named 'no_such_library_here'"),
    "is no Python": ("def (", "SyntaxError"),
    "lacks the attribute": ("", "AttributeError.*Calm"),
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_one_is_named_and_in_nobody_s_way(site_packages: SitePackages, how: str) -> None:
    """It is listed like any other, the next one loads, and whoever asks for it is told the distribution and what it raised."""
    source, reason = BROKEN[how]
    site_packages.install("vreason-broken", {OBJECTIVES: {"broken": "broken_pkg:Calm"}}, "2.1", broken_pkg=source)
    site_packages.install("vreason-calm", ONE, calm_pkg=SOURCE)
    assert ["broken", "calm", "loud"] == [plugin.name for plugin in plugins(OBJECTIVES)]
    assert "Calm" == load_plugin(OBJECTIVES, "calm", "f").__name__
    with pytest.raises(PluginError, match=rf"'broken' \(vreason.objectives, broken_pkg:Calm\) of vreason-broken 2.1 .*{reason}") as caught:
        load_plugin(OBJECTIVES, "broken", "f")
    assert str(caught.value).endswith("; upgrade or remove that package")
    assert caught.value.__cause__ is not None


def test_a_module_that_is_gone_is_told_of(site_packages: SitePackages) -> None:
    """An entry point whose module was removed names the distribution."""
    site_packages.install("half-removed", {OBJECTIVES: {"gone": "gone_pkg:Calm"}})
    with pytest.raises(PluginError, match=r"of half-removed 1.0 cannot be loaded: ModuleNotFoundError: No module named 'gone_pkg'"):
        load_plugin(OBJECTIVES, "gone", "f")


def test_an_interrupted_installation_is_in_nobody_s_way(site_packages: SitePackages) -> None:
    """A `dist-info` folder without METADATA has no name: what it offers is listed, and so are the others."""
    site_packages.install("nameless", {OBJECTIVES: {"half": "half_pkg:Half"}}, metadata=False)
    site_packages.install("vreason-calm", ONE, calm_pkg=SOURCE)
    found = {plugin.name: plugin.distribution for plugin in plugins(OBJECTIVES)}
    assert {"half": "a package without a name", "calm": "vreason-calm 1.0", "loud": "vreason-calm 1.0"} == found


def test_two_packages_may_not_offer_one_name(site_packages: SitePackages) -> None:
    """Both are named to whoever asks for it; their other names can be had."""
    site_packages.install("one", {OBJECTIVES: {"calm": "one_pkg:a", "first": "one_pkg:a"}}, one_pkg="a = 1")
    site_packages.install("two", {OBJECTIVES: {"calm": "two_pkg:a", "second": "two_pkg:a"}}, two_pkg="a = 2")
    for ask in (lambda: find_plugin(OBJECTIVES, "calm"), lambda: load_plugin(OBJECTIVES, "calm", "f")):
        assert "plug-in 'calm' (vreason.objectives) is offered by one 1.0 and two 1.0; remove all but one of these packages" == str(
            error_of(ask)
        )
    assert (1, 2) == (load_plugin(OBJECTIVES, "first", "f"), load_plugin(OBJECTIVES, "second", "f"))


def test_one_package_twice_on_the_path_is_one(site_packages: SitePackages) -> None:
    """Of two versions of a distribution the first on the path counts, as for Python's imports."""
    site_packages.install("vreason-calm", {OBJECTIVES: {"calm": "old_pkg:Calm"}}, "0.1", old_pkg=SOURCE)
    site_packages.install("vreason-calm", {OBJECTIVES: {"calm": "new_pkg:Calm"}}, "0.2", new_pkg=SOURCE)
    assert [Plugin(OBJECTIVES, "calm", "new_pkg:Calm", "vreason-calm 0.2")] == plugins(OBJECTIVES)


def test_packages_are_read_again_only_when_something_was_installed(site_packages: SitePackages, tmp_path: Path) -> None:
    """A second look costs no reading of all packages, and one after an installation into the same folder sees what is new."""
    place = site_packages.install("vreason-calm", ONE, calm_pkg=SOURCE)
    plugins(OBJECTIVES)
    began = time.perf_counter()
    for _ in range(100):
        plugins(OBJECTIVES)
    assert time.perf_counter() - began < 0.5  # to read them takes ten milliseconds and more
    other = site_packages.install("another", {OBJECTIVES: {"new": "calm_pkg:Calm"}})
    time.sleep(0.05)  # beyond the tick of the file system's clock
    for info in other.glob("*.dist-info"):
        info.rename(place / info.name)
    assert "new" in [plugin.name for plugin in plugins(OBJECTIVES)]


@pytest.mark.parametrize("text", ["a:b", "a.b.c:d.e", "_a1:B_2"])
def test_references(text: str) -> None:
    """A module, dotted or not, a colon, an attribute, dotted or not."""
    assert is_reference(text)


@pytest.mark.parametrize("text", ["", "switch", "a:", ":b", "a:b:c", "a b:c", "a-b:c", "a:b()", "1a:b", "a.:b", "a..b:c", "a:b\n", "C:\\x"])
def test_texts_that_are_no_references(text: str) -> None:
    """Names, paths and half references are none."""
    assert not is_reference(text)


def test_a_module_of_the_current_folder_is_found(site_packages: SitePackages) -> None:
    """It need not be installed. Looking for it imports nothing, and the folder is off the path again afterwards."""
    here = site_packages.work_in(my_objectives="class Mine:\n    class Inner: pass")
    before = list(sys.path)
    assert reference_issue("my_objectives:Mine") is None
    assert "my_objectives" not in sys.modules
    assert "Mine" == load_reference("my_objectives:Mine", "f").__name__
    assert "Mine.Inner" == load_plugin(OBJECTIVES, "my_objectives:Mine.Inner", "f").__qualname__
    assert str(here / "my_objectives.py") == sys.modules["my_objectives"].__file__
    assert before == sys.path


def test_what_is_installed_comes_before_the_current_folder(site_packages: SitePackages) -> None:
    """A file of the current folder with an installed module's name does not take its place."""
    site_packages.install("vreason-calm", ONE, calm_pkg=SOURCE)
    site_packages.work_in(calm_pkg="")
    assert "Calm" == load_reference("calm_pkg:Calm", "f").__name__


def test_a_folder_that_is_on_the_path_stays_there(site_packages: SitePackages, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has the current folder on the path anyway finds it there afterwards."""
    here = site_packages.work_in(on_path_module="a = 1")
    monkeypatch.syspath_prepend(str(here))
    assert 1 == load_reference("on_path_module:a", "f")
    assert str(here) in sys.path


def test_a_module_that_is_not_there(site_packages: SitePackages) -> None:
    """Told without importing anything, and by `load_reference` under the field; also inside a package that is missing or is none."""
    site_packages.work_in(plain_module="")
    for module in ("absent_module", "absent_package.inner", "plain_module.inner"):
        issue = f"there is no module '{module}'; install it, or start from the folder that holds it"
        assert issue == reference_issue(f"{module}:Mine")
        with pytest.raises(PluginError, match=f"controller.objective: '{module}:Mine' cannot be loaded: ModuleNotFoundError.*; fix"):
            load_reference(f"{module}:Mine", "controller.objective")


def test_an_attribute_that_is_not_there(site_packages: SitePackages) -> None:
    """The module is imported, and the message names what it lacks."""
    site_packages.work_in(plain_module="class A: pass")
    for attribute in ("Mine", "A.inner"):
        with pytest.raises(PluginError) as caught:
            load_reference(f"plain_module:{attribute}", "data.scoring")
        assert f"data.scoring: module 'plain_module' has no '{attribute}'; check the name behind the colon" == str(caught.value)


RAISING = {
    "RuntimeError: no": "raise RuntimeError('no')",
    "ModuleNotFoundError: No module named 'no_such_library_here'": "import no_such_library_here",
    "AttributeError: module 'sys' has no attribute 'nothing'": "import sys\nsys.nothing",
}


@pytest.mark.parametrize("reason", RAISING)
def test_a_module_that_fails_while_it_is_imported(site_packages: SitePackages, reason: str) -> None:
    """What it raised is told, an AttributeError of its own as well; the attribute asked for is not blamed."""
    site_packages.work_in(failing_module=RAISING[reason])
    assert reference_issue("failing_module:Mine") is None
    with pytest.raises(PluginError) as caught:
        load_reference("failing_module:Mine", "f")
    assert f"f: 'failing_module:Mine' cannot be loaded: {reason}; fix the module" == str(caught.value)


@pytest.mark.parametrize("source", ["raise RuntimeError('no')", "import no_such_library_here"])
def test_a_package_that_fails_while_a_module_in_it_is_looked_for(site_packages: SitePackages, source: str) -> None:
    """Its failure is an issue like any other, and is not taken for a missing module."""
    here = site_packages.work_in()
    site_packages.write(here / "failing_package", __init__=source, inner="a = 1")
    issue = reference_issue("failing_package.inner:a") or ""
    assert "module 'failing_package.inner' cannot be found: " in issue
    assert issue.endswith("; fix the package that holds it")


def test_a_module_that_is_loaded_already_is_there() -> None:
    """Such as `__main__` of a notebook, which no file need have, and no import would find."""
    main = sys.modules["__main__"]
    assert reference_issue("__main__:x") is None
    assert main.__name__ == load_reference("__main__:__name__", "f")


def test_a_name_that_nobody_offers_is_answered_with_those_there_are(site_packages: SitePackages) -> None:
    """The field, the name, what is installed, and the other way to name one."""

    def ask() -> object:
        return load_plugin(OBJECTIVES, "clam", "controller.objective")

    message = "controller.objective: no installed package offers 'clam' (vreason.objectives); there are: {}; or write module:attribute"
    assert message.format("none") == str(error_of(ask))
    site_packages.install("vreason-calm", ONE, calm_pkg=SOURCE)
    assert message.format("calm, loud") == str(error_of(ask))
