"""Benchmarks: where samples come from, one file each."""

from vreason.benchmarks.demo import DemoBenchmark
from vreason.benchmarks.json_file import JsonBenchmark
from vreason.benchmarks.sample import Benchmark, Sample, data_digest

__all__ = ["Benchmark", "DemoBenchmark", "JsonBenchmark", "Sample", "data_digest"]
