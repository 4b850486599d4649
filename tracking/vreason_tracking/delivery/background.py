"""The delivering process, seen from the run: started, told of each variant's journal, waited for within bounds at the end."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from vreason.errors import TrackingError
from vreason_tracking.delivery.protocol import REFUSED
from vreason_tracking.diagnostics import inherited_environment
from vreason_tracking.journal import RunFolder

_log = logging.getLogger(__name__)

START = 60.0  # seconds for which a run waits to hear whether its store can be used
STILL = 20.0  # seconds without progress after which the end is no longer waited for
STILL_UNAVAILABLE = 10.0  # the same while the store is unavailable: it is asked every second by then
RESTARTS = 3  # deaths of the process in a row, without anything delivered in between
_POLL = 0.05


class BackgroundDelivery:
    """Starts at once, so that the store is opened while the model loads. Use it as a context manager, or call `finish`.

    Args:
        uri: where to, password and all; it is handed over on the process's input, which nobody else can read.
        experiment: MLflow's.
        root: the journal.
        notice: told in words when the store becomes unavailable, comes back, or refuses a run.

    Attributes:
        state: the store's, as heard last: "starting", "ready", "unavailable" or "refused".
    """

    def __init__(self, uri: str, experiment: str, root: Path, notice: Callable[[str], None]) -> None:
        self._first = {"uri": uri, "experiment": experiment, "root": str(root)}
        self._notice = notice
        self._told: list[dict[str, str]] = []
        self._heard = threading.Event()
        self._closing = False
        self._lock = threading.Lock()  # of ending, and of starting another process
        self._restarts, self._delivered_before = 0, 0
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  (lives as long as the process)
        self.state, self.reason = "starting", ""
        self._process = self._start()

    def __enter__(self) -> BackgroundDelivery:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.finish()

    def require_store(self) -> None:
        """Wait until it is known whether the store can be used. One that is unavailable is no obstacle: the journal keeps everything.

        Raises:
            TrackingError: it refuses for good.
        """
        self._heard.wait(START)
        if self.state == "refused":
            raise TrackingError(self.reason)

    def deliver(self, folder: RunFolder) -> None:
        """Carry this run from now on."""
        self._tell({"deliver": str(folder.path)})

    def deliver_waiting(self, folder: RunFolder) -> None:
        """Carry also this run of an earlier process, if there is time."""
        self._tell({"waiting": str(folder.path)})

    def look_for(self, folder: RunFolder) -> None:
        """Say so if this run, which is delivered, was deleted in the store."""
        self._tell({"kept": str(folder.path)})

    def finish(self, still: float = STILL) -> None:
        """Wait until everything is delivered, or nothing has moved for `still` seconds; then let the process go.

        What is not delivered by then waits in the journal.
        """
        with self._lock:
            if self._closing:
                return
            self._closing = True
        self._end_input()
        size, moved = -1, time.monotonic()
        while self._at_work():
            if (now_there := self._delivered_bytes()) != size:
                size, moved = now_there, time.monotonic()
            if time.monotonic() - moved > (min(still, STILL_UNAVAILABLE) if self.state == "unavailable" else still):
                _log.warning(
                    "delivery has not moved for %.0f s (store: %s): the rest waits in the journal", time.monotonic() - moved, self.state
                )
                self._process.kill()
                break
            time.sleep(_POLL)
        self._process.wait()
        self._errors.close()

    def _end_input(self) -> None:
        with contextlib.suppress(OSError):
            self._input.close()

    def _at_work(self) -> bool:
        """Whether the process has more to do; one that died while it had gets a successor."""
        code = self._process.poll()
        if code is None:
            return True
        if code in (0, REFUSED) or not self._may_restart():
            return False
        self._restart()
        self._end_input()
        return True

    def _may_restart(self) -> bool:
        """A process that died is started again, but for one that never gets anywhere."""
        if (delivered := self._delivered_bytes()) > self._delivered_before:
            self._delivered_before, self._restarts = delivered, 0
        return self._restarts < RESTARTS

    def _restart(self) -> None:
        self._restarts += 1
        _log.warning("the delivering process ended (exit code %s): started again, %d of %d", self._process.poll(), self._restarts, RESTARTS)
        self._process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "vreason_tracking.delivery.worker"],  # -P: no module of the folder that the user is in
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env={**os.environ, **inherited_environment()},
            process_group=0,  # Ctrl-C in the terminal is for the run. Not a session: Linux would give that half of the processor
        )
        _log.info("delivering process %d started", process.pid)
        assert process.stdin is not None
        assert process.stdout is not None
        self._input = process.stdin
        threading.Thread(target=self._read_messages, args=(process, process.stdout), name="delivery", daemon=True).start()
        self._write(self._first)
        for line in self._told:
            self._write(line)
        return process

    def _tell(self, line: dict[str, str]) -> None:
        self._told.append(line)
        self._write(line)

    def _write(self, line: dict[str, str]) -> None:
        with contextlib.suppress(OSError, ValueError):  # it has died: `read_messages` starts another, which is told everything again
            self._input.write(json.dumps(line).encode() + b"\n")
            self._input.flush()

    def _delivered_bytes(self) -> int:
        """Grows with everything that is delivered."""
        logs = [RunFolder(Path(path)).delivery_log for line in self._told for path in line.values()]
        return sum(map(_size, logs))

    def _read_messages(self, process: subprocess.Popen[bytes], output: IO[bytes]) -> None:
        """The process's words, until its end. One that dies before its time is started again: what it did not mark is sent again."""
        for line in output:
            with contextlib.suppress(ValueError):  # a library that prints
                self._handle_message(json.loads(line))
        code = process.wait()
        with self._lock:
            if self._closing or code == REFUSED:
                return
            if self._may_restart():
                self._restart()
                return
        if code:
            how = f"exit code {code}{self._stderr_tail()}"
            self._notice(f"the delivering process ended {RESTARTS + 1} times ({how}); the journal keeps everything")
            self._heard.set()

    def _handle_message(self, word: dict[str, Any]) -> None:
        state, reason = word["state"], word["reason"]
        _log.debug("the delivering process says: %s %s %s", state, word["run"], reason)
        if state == "deleted":
            self._notice(reason)
            return
        if state == "rejected":
            self._notice(f"the tracking store refuses run {word['run']}: {reason}; fix that, then `vreason-track journal deliver`")
            return
        if state == "unavailable":
            self._notice(f"the tracking store is unavailable ({reason}); the journal keeps everything, delivery goes on when it is back")
        elif state == "refused" and self._heard.is_set():
            self._notice(f"the tracking store refuses everything: {reason}; fix that, then `vreason-track journal deliver`")
        elif self.state == "unavailable":
            self._notice("the tracking store is back")
        self.state, self.reason = state, reason
        self._heard.set()

    def _stderr_tail(self) -> str:
        with contextlib.suppress(OSError, ValueError):
            self._errors.seek(0)
            lines = self._errors.read().decode(errors="replace").strip().splitlines()
            return f", {lines[-1]}" if lines else ""
        return ""


def _size(path: Path) -> int:
    """Bytes of a file; 0 of one that is not there, or whose folder has gone away."""
    try:
        return path.stat().st_size
    except OSError:
        return 0
