from .demo import DemoBenchmark as DemoBenchmark
from .json_file import JsonBenchmark as JsonBenchmark
from .sample import Benchmark as Benchmark, Sample as Sample, data_digest as data_digest
