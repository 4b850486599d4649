"""How fast a journal is delivered: `RunDelivery` against a hand-written loop over `log_batch(1000)`, in one run, interleaved.

    python perf/delivery.py [--rounds 7] [--samples 20] [--places sqlite postgres http]

The same finished journal (samples of 500 steps, ten points a step) goes, a fresh experiment each time, into SQLite in WAL mode, PostgreSQL,
and an `mlflow server` over HTTP with its SQLite in WAL mode:

journal    RunDelivery: reads the journal from disk, checks every record, makes a nested run a sample, marks what is delivered
hand       the same nested runs, tags and points from samples in memory: create_run, log_batch of 1,000 at a time, set_terminated
flat       no nested runs and no tags: every step's points into one run, log_batch of 1,000 at a time

Ratios are points a second relative to `hand`: "points" until the last sample is there, "whole" until the run is closed, with what the
hand-written loop does not do (config, live series, summary, curves, two Parquet tables, two plots). Every point is counted afterwards.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"

from delivery_places import Place, open_place, stored
from measuring import machine, ratios, spread, undisturbed
from mlflow import MlflowClient
from mlflow.entities import Metric
from synthetic_record import blocks, count_points, make_manifest, make_replies

from vreason_tracking.delivery import RunDelivery, points_of, sample_tags
from vreason_tracking.journal import FinishedSample, RunFolder
from vreason_tracking.running import RunRecorder
from vreason_tracking.stores import PARENT_TAG, MlflowStore

STEPS = 500  # of a sample
TARGET = 0.95

Times = tuple[float, float]
"""Seconds until every point is there, and until the run is closed."""


def deliver_journal(folder: RunFolder, samples: int, store: MlflowStore) -> Times:
    """By `RunDelivery`, as the delivering process does it."""
    delivery, began = RunDelivery(folder, store), time.perf_counter()
    while len(delivery.log.delivered.samples) < samples:
        delivery.advance()
    there = time.perf_counter() - began
    while not delivery.ended:
        delivery.advance()
    whole = time.perf_counter() - began
    delivery.close()
    return there, whole


def send_by_hand(samples: Sequence[FinishedSample], store: MlflowStore) -> Times:
    """A loop as anybody would write it."""
    client, began = store.client, time.perf_counter()
    parent = client.create_run(store.experiment_id).info.run_id
    for finished in samples:
        tags = {**sample_tags(finished.sample), PARENT_TAG: parent}
        run = client.create_run(store.experiment_id, tags=tags, run_name=finished.sample.sample_id).info.run_id
        _send_thousands(client, run, [Metric(*point) for point in points_of(finished)])
        client.set_terminated(run)
    client.set_terminated(parent)
    took = time.perf_counter() - began
    return took, took


def send_flat(samples: Sequence[FinishedSample], store: MlflowStore) -> Times:
    """All points into one run."""
    client, began = store.client, time.perf_counter()
    run = client.create_run(store.experiment_id).info.run_id
    _send_thousands(client, run, [Metric(*point) for finished in samples for point in points_of(finished)])
    client.set_terminated(run)
    took = time.perf_counter() - began
    return took, took


def _send_thousands(client: MlflowClient, run: str, points: list[Metric]) -> None:
    for start in range(0, len(points), 1000):
        client.log_batch(run, points[start : start + 1000])


class Comparison:
    """One journal, and the ways it goes.

    Args:
        folder: for the journal and its copies.
        count: number of samples.
    """

    def __init__(self, folder: Path, count: int) -> None:
        self._folder, self._round = folder, 0
        replies = make_replies(count, STEPS)
        self.points = count_points(replies, samples=True)
        self._samples = [FinishedSample(n + 1, sample, tuple(steps), 0) for n, (steps, sample) in enumerate(replies)]
        recorder = RunRecorder.create(folder / "journal", make_manifest(count))
        for steps, sample in replies:
            for block in blocks(steps):
                recorder.on_steps(block)
            recorder.on_sample(sample)
        recorder.finish("FINISHED")
        self._journal = recorder.folder

    def ways(self) -> dict[str, Callable[[MlflowStore], Times]]:
        """Each of them, by name."""
        hand, flat = partial(send_by_hand, self._samples), partial(send_flat, self._samples)
        return {"journal": self._deliver, "hand": hand, "flat": flat}

    def _deliver(self, store: MlflowStore) -> Times:
        copy = shutil.copytree(self._journal.path, self._folder / f"copy-{self._round}" / self._journal.run_id)
        return deliver_journal(RunFolder(Path(copy)), len(self._samples), store)

    def measure(self, place: Place, way: Callable[[MlflowStore], Times]) -> Times:
        """One delivery into a fresh experiment.

        Raises:
            SystemExit: points are missing, or too many.
        """
        self._round += 1
        store = MlflowStore(place.uri, f"round-{self._round}")
        times = way(store)
        if (found := stored(place.database, store.experiment_id)) != self.points:
            raise SystemExit(f"{place.name}: {found:,} points are stored of {self.points:,}; the comparison is void")
        return times


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--samples", type=int, default=20)
    parser.add_argument("--places", nargs="+", default=["sqlite", "postgres", "http"], choices=["sqlite", "postgres", "http"])
    options = parser.parse_args()
    print(machine("mlflow", "sqlalchemy", "psycopg"))
    with tempfile.TemporaryDirectory(prefix="vreason-benchmark-") as name:
        os.chdir(name)  # where MLflow puts artifacts
        for place_name in options.places:
            folder = Path(name) / place_name
            with open_place(place_name, folder) as place:
                comparison = Comparison(folder / "journals", options.samples)
                report(place, comparison.points, compare(place, comparison, options.rounds))
    return 0


def compare(place: Place, comparison: Comparison, rounds: int) -> dict[str, list[Times]]:
    """Every way in turn, `rounds` times, after once for warmth."""
    ways = list(comparison.ways().items())
    found: dict[str, list[Times]] = {name: [] for name, _ in ways}
    for _, way in ways:
        comparison.measure(place, way)
    for number in range(rounds):
        for name, way in ways[number % len(ways) :] + ways[: number % len(ways)]:
            times, _ = undisturbed(partial(comparison.measure, place, way))
            found[name].append(times)
    print(file=sys.stderr)
    return found


def report(place: Place, points: int, found: dict[str, list[Times]]) -> None:
    """One line a way: the ratios to the hand-written loop."""
    hand = [there for there, _ in found["hand"]]
    print(f"\n{place.name}: {points:,} points; ratios are points a second relative to hand, target {TARGET:.2f}")
    print(f"{'way':10} {'points/s':>26} {'points':>24} {'whole':>24} {'closing':>9}")
    for name, times in found.items():
        there, whole = [each[0] for each in times], [each[1] for each in times]
        closing = statistics.median(last - first for first, last in times)
        rates = spread([points / seconds for seconds in there], ",.0f")
        print(f"{name:10} {rates:>26} {spread(ratios(hand, there)):>24} {spread(ratios(hand, whole)):>24} {closing:7.2f} s")


if __name__ == "__main__":
    raise SystemExit(main())
