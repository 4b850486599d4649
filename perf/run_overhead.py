"""What full recording costs a real run: variants of the quickstart, answered with and without it, in one process, interleaved.

    python perf/run_overhead.py [--rounds 7] [--variants baseline v-reason] [--samples 48]

The embedded model is loaded once and answers the quickstart's questions as `run` would have it. A round answers all of them

none       nothing is written; the memory sampler runs, for the method's own records hold the memory in use
again      the same once more: how far two equal runs lie apart on this machine
journal    with the journal and the device windows, as `run --offline` does it
recorded   the same, and the delivering process beside it, which writes into SQLite while questions are answered

in turn, another one first each time. Timed is from the first question until the last is answered and the journal is closed. The delivering
process has just said that its store is ready, as when `run` begins its first variant. The tail is the time from then until everything is
delivered, tables and plots included; `run` waits for it once, after the last variant.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"

from measuring import machine, ratios, spread, undisturbed
from synthetic_record import make_manifest

from vreason.events import SampleRecord
from vreason.models import LoadedModel, load_model
from vreason_tracking.delivery import BackgroundDelivery, read_delivered
from vreason_tracking.journal import RunFolder, recorded_points
from vreason_tracking.running import LocalExecutor, RunRecorder, UnitEvent, evaluation_config, load_samples, plan_units
from vreason_tracking.settings import RunSettings, Variant, load_settings
from vreason_tracking.telemetry import MemorySampler

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vreason.benchmarks import Sample

CONFIG = Path(__file__).parents[1] / "configs" / "quickstart.yaml"
TARGET = 1.02


@dataclass(frozen=True)
class Answered:
    """A variant's questions, answered.

    Attributes:
        seconds: until the last was answered and, if there is one, the journal closed.
        tail: seconds from then until everything was delivered.
        output: all replies, to see that recording changes nothing.
        points: recorded.
        tokens: drawn.
    """

    seconds: float
    output: str
    tokens: int
    tail: float = 0.0
    points: int = 0


@dataclass(frozen=True)
class Task:
    """A variant, its questions, and what answers them."""

    loaded: LoadedModel
    settings: RunSettings
    variant: Variant
    samples: Sequence[Sample]
    meter: MemorySampler

    def answer(self, recorder: RunRecorder | None = None) -> tuple[str, int]:
        """Every question; all replies and the number of their tokens."""
        records: list[SampleRecord] = []

        def receive(told: UnitEvent) -> None:
            if isinstance(told.event, SampleRecord):
                records.append(told.event)
                if recorder is not None:
                    recorder.on_sample(told.event)
            elif isinstance(told.event, tuple) and recorder is not None:
                recorder.on_steps(told.event)

        executor = LocalExecutor(self.loaded, {0: evaluation_config(self.settings, self.variant)}, self.meter)
        units = plan_units(self.samples, self.settings.batch_size, {0: frozenset()}, self.settings.seed)
        for _ in executor.work(units, receive):
            pass
        return "\n".join(record.output for record in records), sum(record.output_tokens for record in records)

    def unrecorded(self) -> Answered:
        """Nothing is written."""
        began = time.perf_counter()
        output, tokens = self.answer()
        return Answered(time.perf_counter() - began, output, tokens)

    def journalled(self) -> Answered:
        """Recorded, and delivered to nobody."""
        with tempfile.TemporaryDirectory(prefix="vreason-benchmark-") as name:
            return self._record(Path(name), None)[0]

    def recorded(self) -> Answered:
        """As `run` records it, into a fresh journal and a database of its own.

        Raises:
            SystemExit: points were not delivered.
        """
        with tempfile.TemporaryDirectory(prefix="vreason-benchmark-") as name:
            os.chdir(name)  # where MLflow puts artifacts
            root = Path(name) / "vreason-journal"
            with BackgroundDelivery(f"sqlite:///{name}/mlflow.db", "benchmark", root, print) as delivery:
                delivery.require_store()
                answered, folder = self._record(root, delivery)
                began = time.perf_counter()
                delivery.finish()
                tail = time.perf_counter() - began
            delivered = read_delivered(folder.delivery_log)
            os.chdir("/")
        if delivered.points != answered.points or delivered.status != "FINISHED":
            raise SystemExit(f"{delivered.points:,} of {answered.points:,} points were delivered; the comparison is void")
        return replace(answered, tail=tail)

    def _record(self, root: Path, delivery: BackgroundDelivery | None) -> tuple[Answered, RunFolder]:
        began = time.perf_counter()
        recorder = RunRecorder.create(root, replace(make_manifest(len(self.samples)), mode="online" if delivery else "offline"))
        if delivery:
            delivery.deliver(recorder.folder)
        with self.meter.listening(recorder.on_device):
            output, tokens = self.answer(recorder)
        recorder.finish("FINISHED")
        took = time.perf_counter() - began
        return Answered(took, output, tokens, points=recorded_points(recorder.folder)), recorder.folder


def compare(task: Task, rounds: int) -> dict[str, list[Answered]]:
    """Every way in turn, after once for warmth.

    Raises:
        SystemExit: replies differ.
    """
    ways = [("none", task.unrecorded), ("again", task.unrecorded), ("journal", task.journalled), ("recorded", task.recorded)]
    found: dict[str, list[Answered]] = {name: [] for name, _ in ways}
    first = task.unrecorded()
    for number in range(rounds):
        for name, way in ways[number % len(ways) :] + ways[: number % len(ways)]:
            answered, _ = undisturbed(way)
            if answered.output != first.output:
                raise SystemExit(f"{name}: other replies than before; the comparison is void")
            found[name].append(answered)
    print(file=sys.stderr)
    return found


def report(variant: str, found: dict[str, list[Answered]]) -> None:
    """Ratios to `none`."""
    none = [each.seconds for each in found["none"]]
    last = found["recorded"][-1]
    print(f"\n{variant}: {last.tokens:,} tokens, {last.points:,} points; without recording {statistics.median(none):.2f} s")
    for name in ("again", "journal", "recorded"):
        target = f"  target {TARGET:.2f}" if name == "recorded" else ""
        print(f"  {name:9} {spread(ratios([each.seconds for each in found[name]], none))}{target}")
    print(f"  tail      {spread([each.tail for each in found['recorded']], '.2f')} s")


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--variants", nargs="+", default=["baseline", "v-reason"])
    parser.add_argument("--samples", type=int, default=48)
    options = parser.parse_args()
    settings = load_settings(CONFIG)
    variants = {variant.name: variant for variant in settings.resolved_variants()}
    samples = load_samples(settings)[: options.samples]
    loaded = load_model(settings.model)
    print(machine("torch", "transformers", "mlflow"))
    with MemorySampler() as meter:
        for name in options.variants:
            report(name, compare(Task(loaded, settings, variants[name], samples, meter), options.rounds))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
