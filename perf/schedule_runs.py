"""The runs that `schedule.py` measures: a whole experiment in a journal that is thrown away, and a process that disturbs it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml
from measuring import Others

from vreason.events import SampleRecord
from vreason.listeners import Listener
from vreason_tracking.catalog import LocalRun, Run, recorded_runs
from vreason_tracking.comparison import compare
from vreason_tracking.running import Experiment, VariantResult
from vreason_tracking.settings import RunSettings, parse_settings

SCHEDULES = ("interleaved", "sequential")
_PIXELS = 84 * 84  # of a frame: what the embedded model was trained on
_SPIN = "import os, sys\nwhile os.getppid() == int(sys.argv[1]):\n    for _ in range(1_000_000): pass"


@dataclass(frozen=True)
class Work:
    """What is asked of a run.

    Attributes:
        data: JSONL file of the questions.
        count: number of questions.
        presets: a variant each; the same one may stand there twice.
        frames: read from each clip.
        tokens: of every reply.
    """

    data: Path
    count: int
    presets: Sequence[str]
    frames: int
    tokens: int

    def settings(self, schedule: str, seed: int, journal: str) -> RunSettings:
        """The configuration, offline; `seed` also shuffles the order in which variants answer."""
        config = {
            "name": "schedule",
            "model": {"id": "demo"},
            "variants": [{"name": f"{preset} {number}", "preset": preset} for number, preset in enumerate(self.presets)],
            "data": {"source": str(self.data)},
            "video": {"nframes": self.frames, "max_pixels": _PIXELS},
            "generation": {"max_new_tokens": self.tokens, "min_new_tokens": self.tokens},
            "schedule": schedule,
            "seed": seed,
            "tracking": {"mode": "offline", "journal": journal},
        }
        return parse_settings(yaml.safe_dump(config))


@dataclass(frozen=True)
class Measured:
    """A run.

    Attributes:
        seconds: wall time of all of it, loading the model included.
        ratio: latency of the second variant over the first one's, median of the questions' ratios.
        low, high: its 95 % interval; None from fewer than six videos.
        reads: how often a clip was read.
        read_seconds: time that it took.
        others: cores that other programs used meanwhile.
    """

    seconds: float
    ratio: float
    low: float | None
    high: float | None
    reads: int
    read_seconds: float
    others: float

    @property
    def excludes_one(self) -> bool:
        """Whether the interval says that the variants differ."""
        return self.low is not None and self.high is not None and not self.low <= 1.0 <= self.high


class Burner(Listener):
    """A process that spins on one core, from the moment when so many answers are there until the `with` block ends.

    Args:
        after: number of answers, of all variants together.
    """

    def __init__(self, after: int) -> None:
        self._after, self._answers = after, 0
        self._process: subprocess.Popen[bytes] | None = None

    def on_sample(self, sample: SampleRecord) -> None:
        """An answer is there."""
        self._answers += 1
        if self._answers == self._after:  # it ends by itself, should this process die
            self._process = subprocess.Popen([sys.executable, "-S", "-c", _SPIN, str(os.getpid())])

    def __enter__(self) -> Burner:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        process, burnt = self._process, self._process is not None and self._process.poll() is None
        if process is not None:
            process.kill()
            process.wait()
        if kind is None and not burnt:
            raise SystemExit("the process that was to disturb the run did not; the comparison is void")


def measure(work: Work, schedule: str, seed: int, listeners: Sequence[Listener] = ()) -> Measured:
    """Run it once.

    Raises:
        SystemExit: a variant was not finished, or a question not answered.
    """
    with tempfile.TemporaryDirectory(prefix="vreason-benchmark-") as journal:
        settings = work.settings(schedule, seed, journal)
        with Others() as others:
            began = time.perf_counter()
            results = Experiment(settings, listeners).run()
            seconds = time.perf_counter() - began
        runs = [LocalRun(result.folder) for result in results]
        samples = [[entry.sample for entry in run.samples] for run in runs]
        _require_answers(results, work)
        low, ratio, high = _latency_ratio(runs, work.count)
    # variants that shared a reading have its time in common, to the nanosecond
    readings = {(sample.sample_id, sample.decode_video_ms) for each in samples for sample in each}
    read_seconds = sum(milliseconds for _, milliseconds in readings) / 1000
    return Measured(seconds, ratio, low, high, len(readings), read_seconds, others.cores)


def _latency_ratio(runs: Sequence[LocalRun], count: int) -> tuple[float | None, float, float | None]:
    """The ratio that a comparison of the first two runs gives, with its interval: also where it would say that times do not compare."""
    with recorded_runs([Run(run, None, None) for run in runs], steps=False) as files:
        ratio = compare(files, files[0].run_id, force=True).groups[0].results[1].costs["latency_ms"].ratio
    if ratio is None or ratio.median is None or ratio.pairs != count:
        raise SystemExit("not every question has a latency of both variants; the comparison is void")
    return ratio.median.low, ratio.median.value, ratio.median.high


def _require_answers(results: Sequence[VariantResult], work: Work) -> None:
    for result in results:
        if (result.status, result.summary.answered, result.summary.failed) != ("FINISHED", work.count, 0):
            told = f"{result.status}, {result.summary.answered} of {work.count} questions answered ({result.error or 'no error'})"
            raise SystemExit(f"{result.name}: {told}; the comparison is void")
