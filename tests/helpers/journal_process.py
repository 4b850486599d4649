"""A real process that records as fast as it can, and tells what it has handed over. It loads nothing but the journal.

    python -m tests.helpers.journal_process ROOT RUN_ID TOKENS STEPS

makes the run, or goes on with it, with samples of so many tokens, until it is killed or so many steps are told. In the file "told" beside
the run's folder stands, for each block: monotonic nanoseconds, sample, and its last token (-1: the sample itself). At its end it prints
its greatest memory in KiB after a quarter of the steps and after all of them.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
BLOCK = 16


@dataclass(frozen=True)
class Told:
    """A block that was handed over: when (monotonic seconds), and its last token; None for the sample itself."""

    moment: float
    sample: str
    token: int | None


def start(root: Path, run_id: str, tokens: int, steps: int = 10**9) -> subprocess.Popen[str]:
    """The process; it prints "ready" when its run is open."""
    command = [sys.executable, "-m", "tests.helpers.journal_process", str(root), run_id, str(tokens), str(steps)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def told(root: Path) -> list[Told]:
    """What was handed over, in order; a line that was cut off with the process is left out."""
    lines = (root / "told").read_text().split("\n")[:-1]
    rows = [line.split() for line in lines]
    return [Told(int(moment) / 1e9, sample, None if token == "-1" else int(token)) for moment, sample, token in rows]


def main(root: Path, run_id: str, tokens: int, steps: int) -> None:
    """Record."""
    from vreason_tracking.journal.folder import RunFolder
    from vreason_tracking.journal.manifest import Manifest
    from vreason_tracking.running.recorder import RunRecorder

    if (root / run_id).is_dir():
        recorder = RunRecorder(RunFolder(root / run_id))
    else:
        recorder = RunRecorder.create(root, Manifest(run_id, "v", "c", 0, 1, "trial", "trial", "", "offline", "", "", 0))
    note = os.open(root / "told", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    print("ready", flush=True)
    _record(recorder, note, tokens, steps)
    recorder.finish("FINISHED")


def _record(recorder, note: int, tokens: int, steps: int) -> None:  # type: ignore[no-untyped-def]
    from vreason.clock import unix_ms
    from vreason.events import SampleRecord, StepRecord

    quarter = 0
    for number in range(steps // tokens):
        sample = f"{recorder.session}-{number:06d}"
        for first in range(0, tokens, BLOCK):
            block = [
                StepRecord(sample, token, token, 0.1 * token, 0.2, 0.3, -1, -0.4, 0.5, 0.6, 0.7, True, 10**9, "rss", unix_ms(), 5.1, 1.2)
                for token in range(first, min(first + BLOCK, tokens))
            ]
            recorder.on_steps(block)
            os.write(note, b"%d %s %d\n" % (time.monotonic_ns(), sample.encode(), block[-1].token_index))
        question = (sample, "v.mp4", "?", (), "free-form", "", "")
        recorder.on_sample(SampleRecord(*question, output_tokens=tokens, score=1.0, started_ms=unix_ms()))
        os.write(note, b"%d %s -1\n" % (time.monotonic_ns(), sample.encode()))
        if not quarter and number * tokens >= steps // 4:
            quarter = _greatest_memory()
    print(quarter, _greatest_memory())


def _greatest_memory() -> int:
    """KiB, of this process alone (getrusage also counts what it was forked from)."""
    return int(re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[0])


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
