"""Whether the record's memory is flat: resident memory of a process that records, and of one that delivers, over ten million points.

    python perf/recorder_memory.py [--points 10000000]

Record: a process of its own feeds samples of 500 steps of ten points through `RunRecorder` into a journal on disk, as fast as it takes
them. Deliver: another one reads that journal by `RunDelivery`, with a store that counts points and keeps nothing (a real one is in
`delivery.py`, and in it MLflow's own memory). Each looks at its resident memory twenty times; flat is what grows by less than 1 MiB or 1 %
from the mean of the second quarter of the way to that of the last. Needs 260 MB of disk for ten million points.
"""

from __future__ import annotations

import argparse
import gc
import itertools
import logging
import multiprocessing
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from statistics import fmean
from types import SimpleNamespace
from typing import Any

import psutil
from measuring import machine
from synthetic_record import blocks, make_manifest, make_sample, make_steps

from vreason_tracking.delivery import RunDelivery
from vreason_tracking.journal import RunFolder, run_folders
from vreason_tracking.running import RunRecorder

LENGTH = 500  # steps of a sample
PER_SAMPLE = LENGTH * 10
LOOKS = 20
MIB = 2**20


class CountingStore:
    """Takes what `MlflowStore` takes, and keeps the number of points."""

    uri, experiment_id = "sqlite:///nowhere.db", "1"

    def __init__(self) -> None:
        self.points = 0
        self.refused: list[Any] = []
        self._names = itertools.count(1)
        self.client = self  # who wants to know a run's tags asks MLflow's client

    def get_run(self, run_id: str) -> Any:
        """A run without tags."""
        return SimpleNamespace(data=SimpleNamespace(tags={}))

    def start_run(self, name: str, tags: Mapping[str, str], parent: str | None = None, started_ms: int | None = None) -> str:
        """A new name."""
        return f"{next(self._names):032x}"

    def log(self, run_id: str, points: Iterable[Any] = (), params: object = None, tags: object = None) -> None:
        """Count them."""
        self.points += sum(1 for _ in points)

    def log_files(self, run_id: str, files: object, folder: str | None = None) -> None:
        """Nothing."""

    def end_run(self, run_id: str, status: str, ended_ms: int | None = None) -> None:
        """Nothing."""

    def delete_tag(self, run_id: str, name: str) -> None:
        """Nothing."""

    def all_runs(self, query: str, order: str) -> list[Any]:
        """None were there before."""
        return []


def record(root: Path, samples: int, look: Callable[[int], None]) -> None:
    """Feed so many samples; `look` is called after each."""
    recorder = RunRecorder.create(root, make_manifest(samples))
    for number in range(samples):
        steps = make_steps(number, LENGTH)
        for block in blocks(steps):
            recorder.on_steps(block)
        recorder.on_sample(make_sample(steps))
        look(number + 1)
    recorder.finish("FINISHED")


def deliver(root: Path, samples: int, look: Callable[[int], None]) -> None:
    """Read them back and hand them to a store that counts.

    Raises:
        SystemExit: points are missing.
    """
    store: Any = CountingStore()
    (folder,) = run_folders(root)
    delivery = RunDelivery(RunFolder(folder.path), store)
    while not delivery.ended:
        delivery.advance()
        look(len(delivery.log.delivered.samples))
    delivery.close()
    if store.points < samples * (PER_SAMPLE - 2):  # token 0 has no update
        raise SystemExit(f"{store.points:,} points were delivered of {samples * PER_SAMPLE:,}; something is lost")


class Looks:
    """Resident memory at `LOOKS` equal parts of the way."""

    def __init__(self, whole: int) -> None:
        self.resident: list[int] = []
        self._whole, self._process, self._began = whole, psutil.Process(), time.monotonic()

    def __call__(self, done: int) -> None:
        """Called when so many samples are done."""
        if done * LOOKS >= self._whole * (len(self.resident) + 1):
            self.resident.append(self._process.memory_info().rss)

    def print(self, name: str) -> None:
        """What was seen."""
        seen = [resident / MIB for resident in self.resident]
        quarter = LOOKS // 4
        settled, seconds = seen[quarter:], time.monotonic() - self._began
        growth = fmean(settled[-quarter:]) - fmean(settled[:quarter])
        verdict = "flat" if growth < max(1.0, settled[0] / 100) else "NOT flat"
        print(f"\n{name}: {self._whole * PER_SAMPLE:,} points in {seconds:.0f} s")
        print(f"{verdict}: {growth:+.2f} MiB from the second to the last quarter; {min(settled):.1f} - {max(settled):.1f} MiB in between")
        print(f"  {'done':>5} {'MiB':>8}")
        for part, resident in enumerate(seen, 1):
            print(f"  {part / LOOKS:5.0%} {resident:8.1f}")


def run_part(part: Callable[[Path, int, Callable[[int], None]], None], root: Path, samples: int) -> None:
    """In this process: do it, look, print."""
    logging.disable()
    looks = Looks(samples)
    part(root, samples, looks)
    gc.collect()
    looks.print(part.__name__)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=10_000_000)
    samples = parser.parse_args().points // PER_SAMPLE
    print(machine("pyarrow"))
    root = Path(tempfile.mkdtemp(prefix="vreason-benchmark-"))
    try:
        for part in (record, deliver):
            process = multiprocessing.get_context("spawn").Process(target=run_part, args=(part, root, samples))
            process.start()
            process.join()
            if process.exitcode:
                return 1
        print(f"\njournal: {sum(file.stat().st_size for file in root.rglob('*') if file.is_file()) / MIB:,.0f} MiB")
    finally:
        shutil.rmtree(root)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
