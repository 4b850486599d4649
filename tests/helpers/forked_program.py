"""The real program in real processes, without paying for its imports each time: one process loads them, and forks a child a start.

A child is `vreason-track` with its arguments, in its folder, with its own environment and output. On top it tells a file of every step and
sample that the decoding loop has handed over, with the monotonic time (which all processes of a machine share), so that a test can compare
what there was with what is on disk after the child was killed.

    python -m tests.helpers.forked_program     reads a JSON line a start, answers with the child's process id, then with its exit code
"""

from __future__ import annotations

import importlib
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


@dataclass
class Child:
    """A start of the program."""

    pid: int
    output: Path
    told: Path
    wait: Callable[[], int]

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Send it a signal; nothing where it has ended by itself, which its exit code shows."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def ended(self) -> bool:
        """Whether it is gone, by itself or by a signal."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        return False

    def text(self) -> str:
        """What it has printed."""
        return self.output.read_text(errors="replace")

    def handed_over(self, variant: str | None = None) -> list[tuple[float, str, int | None]]:
        """Monotonic time, sample, and token index (None: the sample's end) of everything that the loop handed to its record.

        Args:
            variant: whose; None of all variants.
        """
        if not self.told.exists():
            return []
        rows = [json.loads(line) for line in self.told.read_text().splitlines() if line.endswith("]")]
        return [(row[0], row[1], row[2]) for row in rows if variant in (None, row[3])]


class ForkedProgram:
    """Starts children one at a time; see the module."""

    def __init__(self) -> None:
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.helpers.forked_program"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._answer()  # everything is loaded
        self._count = 0
        self._running = 0

    def start(
        self, folder: Path, *arguments: str, clock_jumps: bool = False, paths: Sequence[Path] = (), streams: str = "", **environment: str
    ) -> Child:
        """`vreason-track` with these arguments in `folder`; what lies in `paths` is installed.

        Args:
            folder, arguments, environment: see above.
            clock_jumps: whether the wall clock is set back in the middle.
            paths: folders that are searched for modules first.
            streams: what is wrong with the output, see `_STREAMS`; nothing else than "ascii" leaves anything to read.
        """
        if self._running:  # a test failed before it waited for its child
            os.kill(self._running, signal.SIGKILL)
            self._wait()
        self._count += 1
        output, told = folder / f"output-{self._count}.txt", folder / f"told-{self._count}.txt"
        order: dict[str, Any] = {
            "folder": str(folder),
            "arguments": arguments,
            "output": str(output),
            "told": str(told),
            "environment": environment,
            "clock_jumps": clock_jumps,
            "streams": streams,
            "paths": [str(path) for path in paths],
        }
        assert self._server.stdin is not None
        self._server.stdin.write(json.dumps(order) + "\n")
        self._server.stdin.flush()
        self._running = int(self._answer()["pid"])
        return Child(self._running, output, told, self._wait)

    def _wait(self) -> int:
        code = int(self._answer()["code"])
        self._running = 0
        return code

    def _answer(self) -> dict[str, Any]:
        assert self._server.stdout is not None
        answer: dict[str, Any] = json.loads(self._server.stdout.readline())
        return answer

    def stop(self) -> None:
        """End the process that forks."""
        self._server.kill()
        self._server.wait()


@contextmanager
def forked_program() -> Iterator[ForkedProgram]:
    """For a `with` block."""
    program = ForkedProgram()
    try:
        yield program
    finally:
        program.stop()


def _serve() -> None:
    """Load everything once, then fork a child for each line and wait for it."""
    for module in (
        "vreason.evaluation.evaluator",
        "vreason_cli.commands.run",
        "vreason_tracking.running.runner",
        "transformers.models.qwen2_5_vl.modeling_qwen2_5_vl",
    ):
        importlib.import_module(module)

    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _be_the_program(order)
        print(json.dumps({"pid": pid}), flush=True)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        print(json.dumps({"code": code}), flush=True)


def _be_the_program(order: dict[str, Any]) -> None:
    """In the child: become `vreason-track`."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    os.setsid()
    os.chdir(order["folder"])
    os.environ.update(order["environment"])
    sys.path[:0] = order["paths"]
    output = os.open(order["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for stream in (1, 2):
        os.dup2(output, stream)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    _STREAMS[order["streams"]]()
    from vreason_cli import main
    from vreason_cli.terminal import progress

    told = os.open(order["told"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    progress.progress_for = lambda settings: _telling(settings, told, order["clock_jumps"])
    sys.argv = ["vreason-track", *order["arguments"]]
    code: Any = 1
    try:
        main.main()
    except SystemExit as left:
        code = left.code
    finally:
        for stream in filter(None, (sys.stdout, sys.stderr)):
            stream.flush()
        os._exit(code if isinstance(code, int) else 1)


def _closed() -> None:
    """As a daemon has them: Python then has no streams at all."""
    for number in range(3):
        os.close(number)
    sys.stdin = sys.stdout = sys.stderr = sys.__stdin__ = sys.__stdout__ = sys.__stderr__ = None  # type: ignore[assignment, misc]


def _broken() -> None:
    """Whoever read has gone."""
    reading, writing = os.pipe()
    os.close(reading)
    os.dup2(writing, 1)
    os.dup2(writing, 2)


def _full() -> None:
    """A file on a disk without room."""
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, 1)
    os.dup2(full, 2)


def _ascii() -> None:
    """Neither stream can write more than ASCII."""
    for name in ("stdout", "stderr"):
        stream = io.TextIOWrapper(getattr(sys, name).detach(), "ascii", "strict")
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


_STREAMS: dict[str, Callable[[], object]] = {"": lambda: None, "closed": _closed, "broken": _broken, "full": _full, "ascii": _ascii}


def _telling(settings: Any, told: int, clock_jumps: bool) -> Any:
    """The plain progress, which also tells the file."""
    from vreason_cli.terminal.progress import PlainProgress

    class Telling(PlainProgress):
        def on_steps(self, steps: Any) -> None:
            super().on_steps(steps)
            now = time.monotonic()
            rows = [[now, step.sample_id, step.token_index, self.variant] for step in steps]
            os.write(told, "".join(json.dumps(row) + "\n" for row in rows).encode())

        def on_sample(self, sample: Any) -> None:
            super().on_sample(sample)
            os.write(told, (json.dumps([time.monotonic(), sample.sample_id, None, self.variant]) + "\n").encode())
            if clock_jumps and self.now.done == 3:
                _an_hour_back()

    return Telling(settings)


def _an_hour_back() -> None:
    """Somebody sets the wall clock back."""
    now, now_ns = time.time, time.time_ns
    time.time = lambda: now() - 3600
    time.time_ns = lambda: now_ns() - 3600 * 10**9


if __name__ == "__main__":
    _serve()
