"""Whether a data source is the name of a benchmark, and not a file. Loads without torch and numpy."""

from __future__ import annotations

from vreason.plugins import BENCHMARKS, Plugin, find_plugin

DEMO_BENCHMARK, DEMO_SPLITS = "demo", ("test", "validation")
"""The embedded benchmark, and its splits."""


def may_be_benchmark(source: str) -> bool:
    """Whether a data source may be the name of a package's benchmark: a name has no separator of folders and no ending."""
    return source != DEMO_BENCHMARK and not any(mark in source for mark in "/\\.")


def benchmark_plugin(source: str) -> Plugin | None:
    """The benchmark of an installed package that has this name; None when it is the embedded one, or a file.

    Raises:
        PluginError: several packages offer it.
    """
    return find_plugin(BENCHMARKS, source) if may_be_benchmark(source) else None
