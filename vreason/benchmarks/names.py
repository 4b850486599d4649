"""Whether a data source is the name of a benchmark, and not a file. Loads without torch and numpy."""

from __future__ import annotations

from vreason.plugins import BENCHMARKS, Plugin, find_plugin

DEMO = "demo"


def benchmark_plugin(source: str) -> Plugin | None:
    """The benchmark of an installed package that has this name; None when it is the embedded one, or a file.

    Raises:
        PluginError: several packages offer it.
    """
    if source == DEMO or any(mark in source for mark in "/\\."):  # a name has no separator of folders and no ending
        return None
    return find_plugin(BENCHMARKS, source)
