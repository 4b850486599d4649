"""Time and memory of a comparison, and how they grow: 30 runs of 5,000 samples of 500 steps, and 1/100 and 1/10 of that.

    python perf/compare.py [--rounds 3] [--sizes 0.01 0.1 1]

ours     everything that `vreason-track compare --html` does once it has found the runs: statistics of all groups, pictures, samples' pages.
pandas   what one writes in a notebook instead, and far less of it: whole tables read by pandas, accuracy and median tokens by run, entropy
         by token. Up to 1/10 of the size, beyond which its memory is not everybody's.

Each way is a process of its own, the two of a round one after the other; time is that of the whole process, memory its greatest resident
size. Needs 2 GB of disk for the whole size.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from measuring import machine, spread

RUNS, SAMPLES, STEPS = 30, 5_000, 500
WIDEST_PANDAS = 0.1
LIMITS = {"seconds": 30.0, "GB": 2.0, "HTML MB": 5.0}


@dataclass(frozen=True)
class Measured:
    """One process: seconds, greatest resident GB, MB of the page."""

    seconds: float
    gigabytes: float
    page: float


def ours(folder: Path) -> None:
    """The whole report."""
    from compare_data import runs_of

    from vreason_tracking.comparison import compare, make_report, to_csv, to_json, to_markdown

    comparison = compare(runs_of(folder))
    texts = [to_csv(comparison), to_json(comparison), to_markdown(comparison), make_report(comparison).html().text]
    print(len(texts[-1].encode()))


def pandas_by_hand(folder: Path) -> None:
    """A notebook's few lines."""
    import pandas as pd

    samples = pd.concat([pd.read_parquet(place / "samples.parquet").assign(run=place.name) for place in sorted(folder.iterdir())])
    print(samples.groupby("run").score.mean().to_string(), samples.groupby("run").output_tokens.median().to_string())
    steps = pd.concat([pd.read_parquet(place / "steps.parquet").assign(run=place.name) for place in sorted(folder.iterdir())])
    curves = steps.groupby(["run", "token_index"]).agg(mean=("entropy", "mean"), deviation=("entropy", "std"), ema=("ema", "mean"))
    print(len(curves))


WAYS = {"ours": ours, "pandas": pandas_by_hand}


def measure(way: str, folder: Path) -> Measured:
    """One way in a process of its own."""
    command = [sys.executable, __file__, "--way", way, "--folder", str(folder)]
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    told = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    if status:
        raise SystemExit(f"{way} failed")
    return Measured(seconds, used.ru_maxrss * 1024 / 1e9, int(told.split()[-1]) / 1e6 if way == "ours" else 0.0)


def main() -> None:
    """Write the runs, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sizes", type=float, nargs="+", default=[0.01, 0.1, 1.0], help="parts of the samples")
    parser.add_argument("--way", choices=WAYS, help="what a process of the comparison is started with, as is --folder")
    parser.add_argument("--folder", type=Path)
    arguments = parser.parse_args()
    if arguments.way:
        WAYS[arguments.way](arguments.folder)
        return
    from compare_data import describe, write_runs

    print(machine("pyarrow", "numpy", "pandas", "matplotlib"))
    for size in arguments.sizes:
        with tempfile.TemporaryDirectory() as folder:
            samples = max(1, round(SAMPLES * size))
            write_runs(Path(folder), RUNS, samples, STEPS)
            print(f"\n{RUNS} runs x {samples:,} samples x {STEPS} steps = {RUNS * samples * STEPS:,} steps; {describe(Path(folder))}")
            ways = [way for way in WAYS if way == "ours" or size <= WIDEST_PANDAS]
            rounds = [{way: measure(way, Path(folder)) for way in ways} for _ in range(arguments.rounds)]
            for way in ways:
                found = [each[way] for each in rounds]
                page = f", page {found[0].page:.2f} MB" if way == "ours" else ""
                seconds, gigabytes = [each.seconds for each in found], [each.gigabytes for each in found]
                print(f"  {way:<7} {spread(seconds, '.2f')} s, {spread(gigabytes, '.2f')} GB{page}")
            if len(ways) == 2:
                for unit in ("seconds", "gigabytes"):
                    ratio = [getattr(each["ours"], unit) / getattr(each["pandas"], unit) for each in rounds]
                    print(f"  ours / pandas, {unit}: {spread(ratio)}")
            if size == 1.0:
                medians = [statistics.median(getattr(each["ours"], name) for each in rounds) for name in ("seconds", "gigabytes", "page")]
                told = zip(LIMITS.items(), medians, strict=True)
                print("  limits: " + ", ".join(f"{unit} {value:.2f} of {limit:g}" for (unit, limit), value in told))
    print(f"greatest of the measuring process itself: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
