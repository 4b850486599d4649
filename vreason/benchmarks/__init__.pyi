from .demo import DemoBenchmark as DemoBenchmark
from .names import (
    DEMO_BENCHMARK as DEMO_BENCHMARK,
    DEMO_SPLITS as DEMO_SPLITS,
    benchmark_plugin as benchmark_plugin,
    may_be_benchmark as may_be_benchmark,
)
from .question_file import JsonBenchmark as JsonBenchmark
from .registry import load_samples as load_samples
from .sample import Benchmark as Benchmark, Sample as Sample, data_digest as data_digest
