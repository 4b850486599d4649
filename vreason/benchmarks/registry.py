"""From the name in a config to a benchmark: the embedded one, one of an installed package, or a data file.

A package offers a benchmark by an entry point of the group ``vreason.benchmarks``: a callable that is given ``split`` and ``video_root``
(each text, or None where the config has none) and returns a `Benchmark`. See docs/guides/benchmark.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from vreason.benchmarks.demo import DemoBenchmark
from vreason.benchmarks.names import DEMO_BENCHMARK, benchmark_plugin
from vreason.benchmarks.question_file import JsonBenchmark
from vreason.benchmarks.sample import Sample
from vreason.errors import PluginError, VReasonError
from vreason.prompts import PROBLEM_TYPES

FIELD = "data.source"


def load_samples(source: str, split: str | None = None, video_root: str | None = None, limit: int | None = None) -> Sequence[Sample]:
    """The samples of a benchmark or a data file, in a fixed order.

    Args:
        source: "demo", the name of a benchmark of an installed package, or the path of a data file (see `JsonBenchmark`).
        split: of the benchmark; a file has none.
        video_root: folder that relative video paths start from.
        limit: at most this many.

    Raises:
        DataError: the data cannot be used.
        PluginError: the benchmark cannot be loaded, or yields something else than samples.
    """
    if source == DEMO_BENCHMARK:
        return DemoBenchmark(split or "test", limit).samples()
    plugin = benchmark_plugin(source)
    if plugin is None:
        return JsonBenchmark(source, video_root).samples()[:limit]
    make = plugin.load()
    try:
        samples = list(make(split=split, video_root=video_root).samples())
    except VReasonError:
        raise
    except Exception as error:  # whatever somebody else's benchmark raises
        what = f"benchmark {source!r} of {plugin.distribution} failed: {type(error).__name__}: {error}"
        raise PluginError(f"{FIELD}: {what}; upgrade or remove that package") from error
    checked = _checked(samples, source, plugin.distribution)[:limit]
    return [each if each.benchmark else replace(each, benchmark=source) for each in checked]


def _checked(samples: list[Any], source: str, distribution: str) -> list[Sample]:
    wrong = next((each for each in samples if not isinstance(each, Sample)), None)
    if wrong is not None or not samples:
        what = f"yields {type(wrong).__name__}" if samples else "yields nothing"
        raise PluginError(f"{FIELD}: benchmark {source!r} of {distribution} {what}; yield vreason.benchmarks.Sample")
    unknown = next((each for each in samples if each.problem_type not in PROBLEM_TYPES), None)
    if unknown is not None:
        what = f"problem_type {unknown.problem_type!r} of sample {unknown.sample_id!r} is not one of {', '.join(PROBLEM_TYPES)}"
        raise PluginError(f"{FIELD}: benchmark {source!r} of {distribution}: {what}; correct it there")
    name, times = Counter(each.sample_id for each in samples).most_common(1)[0]
    if times > 1:
        what = f"sample_id {name!r} is there {times} times"
        raise PluginError(f"{FIELD}: benchmark {source!r} of {distribution}: {what}; give each sample its own")
    return samples
