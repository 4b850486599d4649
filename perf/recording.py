"""What recording costs the decoder: points a second into the journal, beside MLflow's calls and W&B offline, in one run, interleaved.

    python perf/recording.py [--rounds 7] [--k 1]

Every way is given the same steps, ten points each with k = 1, in blocks of 16, as the decoding loop hands them over: `RunRecorder` (a
journal on disk, fsynced at every sample's end), MLflow's `log_metric` (synchronous, asynchronous, asynchronous with a buffer of a second)
and `log_batch` (a step each; 1,000 points each) into SQLite in WAL mode, and `wandb.log` offline. A round runs every way once, in turn.
Slow ways are given fewer steps.

points/s  as fast as the way takes them, from the first step until everything is closed on disk
kept      how long the decoding thread is kept for a token when blocks come at a decoder's pace (16 tokens in 20 ms, a fast one)
CPU       processor time of this process for a token, all threads; what W&B's own second process needs is not in it
stored    share of the points that were found afterwards where the way keeps them
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

os.environ |= {"MLFLOW_DISABLE_TELEMETRY": "true", "WANDB_ERROR_REPORTING": "false", "WANDB_SILENT": "true"}

from measuring import machine, ratios, spread, undisturbed
from recording_ways import Way, all_ways
from synthetic_record import BLOCK, Reply, blocks, count_points, make_replies

from vreason_tracking.stores import prepare

REPLY = 500  # steps of a sample
PACE = 0.020  # seconds a block, when the decoder's pace is imitated


@dataclass(frozen=True)
class Cost:
    """What one round of one way cost.

    Attributes:
        rate: points a second.
        kept: microseconds that the decoding thread is kept for a token.
        cpu: microseconds of processor time of this process for a token.
        stored: share of the points found afterwards.
    """

    rate: float
    kept: float
    cpu: float
    stored: float


def feed(way: Way, replies: Sequence[Reply], folder: Path) -> tuple[float, float]:
    """Give a way all replies at once; seconds and processor seconds until it has closed everything."""
    way.begin(folder, len(replies))
    wall, used = time.perf_counter(), time.process_time()
    for steps, sample in replies:
        for block in blocks(steps):
            way.on_steps(block)
        way.on_sample(sample)
    way.end()
    return time.perf_counter() - wall, time.process_time() - used


def feed_slowly(way: Way, replies: Sequence[Reply], folder: Path) -> float:
    """Give it its `paced` blocks at a decoder's pace; seconds that a block keeps the caller."""
    given = [block for steps, _ in replies for block in blocks(steps) if len(block) == BLOCK][: way.paced]
    way.begin(folder, 1)
    kept = []
    for block in given:
        time.sleep(PACE)
        began = time.perf_counter()
        way.on_steps(block)
        kept.append(time.perf_counter() - began)
    way.end()
    return statistics.fmean(kept)


def measure(way: Way, k: int, folder: Path) -> Cost:
    """A round of one way."""
    length = min(REPLY, way.steps)
    replies = make_replies(way.steps // length, length, k)
    points = count_points(replies, samples=False)
    took, used = feed(way, replies, folder / "fast")
    stored = way.stored()
    kept = feed_slowly(way, replies, folder / "paced")
    return Cost(points / took, 1e6 * kept / BLOCK, 1e6 * used / way.steps, stored / points)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--k", type=int, default=1, help="an update of the controller every k tokens")
    options = parser.parse_args()
    print(machine("mlflow", "sqlalchemy"))
    with tempfile.TemporaryDirectory(prefix="vreason-benchmark-") as name:
        folder, numbers = Path(name), count()
        uri = f"sqlite:///{folder}/mlflow.db"
        prepare(uri)
        ways = all_ways(uri)
        costs: dict[str, list[Cost]] = {way.name: [] for way in ways}
        for number in range(options.rounds):
            for way in ways[number % len(ways) :] + ways[: number % len(ways)]:
                cost, _ = undisturbed(lambda: measure(way, options.k, folder / str(next(numbers))))  # noqa: B023
                costs[way.name].append(cost)
        print(file=sys.stderr)
    report(costs)
    return 0


def report(costs: dict[str, list[Cost]]) -> None:
    """One line a way."""
    journal = [cost.rate for cost in costs["journal"]]
    print(f"\n{'way':38} {'points/s':>32} {'journal / this':>28} {'kept, us':>9} {'CPU, us':>8} {'stored':>7}")
    for name, found in costs.items():
        rates = [cost.rate for cost in found]
        kept, used = (statistics.median(getattr(cost, which) for cost in found) for which in ("kept", "cpu"))
        share = min(cost.stored for cost in found)
        print(f"{name:38} {spread(rates, ',.0f'):>32} {spread(ratios(journal, rates), '.1f'):>28} {kept:9.1f} {used:8.1f} {share:7.1%}")


if __name__ == "__main__":
    raise SystemExit(main())
