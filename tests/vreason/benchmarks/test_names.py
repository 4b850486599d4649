"""vreason.benchmarks.names: the name of a benchmark, or a file."""

from __future__ import annotations

import sys

import pytest

from tests.helpers.site_packages import SitePackages
from vreason.benchmarks import benchmark_plugin, may_be_benchmark
from vreason.errors import PluginError
from vreason.plugins import BENCHMARKS, OBJECTIVES

TOY = {
    BENCHMARKS: {"toy-bench": "toy_bench:Toy", "demo": "toy_bench:Toy", "toy.bench": "toy_bench:Toy"},
    OBJECTIVES: {"calm": "toy_bench:x"},
}


def test_an_installed_benchmark_is_found_by_its_name(site_packages: SitePackages) -> None:
    """Nothing of the package is imported for it."""
    assert benchmark_plugin("toy-bench") is None
    site_packages.install("vreason-toy", TOY, toy_bench="raise RuntimeError")
    plugin = benchmark_plugin("toy-bench")
    assert plugin is not None
    assert ("toy-bench", "toy_bench:Toy", "vreason-toy 1.0") == (plugin.name, plugin.value, plugin.distribution)
    assert "toy_bench" not in sys.modules


@pytest.mark.parametrize("source", ["demo", "toy.bench", "toy/bench", "a.jsonl", "data\\a", "./toy-bench", "calm", "toy", ""])
def test_what_is_no_installed_benchmark(site_packages: SitePackages, source: str) -> None:
    """The embedded demo stays the embedded one; a path, a name with an ending and another group's name are files."""
    site_packages.install("vreason-toy", TOY, toy_bench="")
    assert benchmark_plugin(source) is None


@pytest.mark.parametrize(
    ("source", "expected"), [("toy-bench", True), ("demo", False), ("toy.bench", False), ("toy/bench", False), ("data\\a", False)]
)
def test_what_may_be_a_name(source: str, expected: bool) -> None:
    """Whether a package offers it or not: what has no separator of folders and no ending, and is not the embedded demo."""
    assert expected is may_be_benchmark(source)


def test_a_name_of_two_packages_is_refused(site_packages: SitePackages) -> None:
    """Which one is meant nobody knows."""
    for name in ("one", "two"):
        site_packages.install(name, {BENCHMARKS: {"toy-bench": f"{name}:Toy"}})
    with pytest.raises(PluginError, match=r"'toy-bench' .* is offered by one 1.0 and two 1.0; remove all but one"):
        benchmark_plugin("toy-bench")
