"""The process that delivers beside a run: ``python -m vreason_tracking.delivery.worker``.

A process and not a thread: MLflow's side of a point costs Python time, which a thread would take from the decoding loop. It outlives a run
that is killed, delivers what that run closed, and gives it the status that is true. Spoken to in lines of JSON on its standard input, whose
end means that the run's process is gone:

    {"uri": ..., "experiment": ..., "root": ...}   once, first: where to, and the journal
    {"deliver": path}                              a run of the process that started it
    {"waiting": path}                              a run of an earlier process that is still waiting
    {"kept": path}                                 one that was delivered to its end: is it still there?

It answers in lines of JSON: {"state": "ready" | "unavailable" | "refused" | "rejected" | "deleted", "reason": ..., "run": ...}.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import queue
import signal
import sys
import threading
import time
from functools import cache
from pathlib import Path
from typing import Any

from vreason.errors import TrackingError, TrackingUnavailableError
from vreason.home import require_home
from vreason_tracking.delivery.backoff import Backoff
from vreason_tracking.delivery.checkpoint import read_delivered
from vreason_tracking.delivery.protocol import REFUSED
from vreason_tracking.delivery.scheduler import DeliveryScheduler
from vreason_tracking.delivery.silent_runs import reap_store
from vreason_tracking.delivery.variant_run import deleted_in_store
from vreason_tracking.diagnostics import environment_log_file, handling
from vreason_tracking.journal import RunFolder, close_dead_run, last_end
from vreason_tracking.stores import MlflowStore, reason_of, redact_password, short_http_timeouts

_log = logging.getLogger("vreason_tracking.delivery.worker")  # by name: run by -m, this module is __main__

HEARTBEAT = 15.0  # seconds
GRACE = 60.0  # seconds without progress after which a worker whose run is gone gives up; what waits stays in the journal
_POLITENESS = 10  # niceness: the run comes first
_LISTENING = 0.1  # seconds
_HURRIED = 1.0  # seconds: the longest pause before a store is asked again once the run's process is gone


class Worker:
    """What the process does; `lines` are what it is told, None at their end."""

    def __init__(self, lines: queue.SimpleQueue[dict[str, Any] | None]) -> None:
        self._lines = lines
        first = lines.get() or {"uri": "", "experiment": "", "root": "."}
        self._uri, self._experiment, self._root = first["uri"], first["experiment"], Path(first["root"])
        self._own: list[RunFolder] = []
        self._scheduler = DeliveryScheduler(cache(lambda experiment: MlflowStore(self._uri, experiment)), say)
        self._gone = False

    def run(self) -> int:
        """Deliver until the run's process is gone and nothing is left, or nothing moves any more; returns the exit code."""
        try:
            if not self._wait_for_store():
                return 0
        except TrackingError as error:
            _log.error("the store refuses everything: %s", redact_password(str(error)))
            say("refused", str(error), "")
            return REFUSED
        _load_drawing()
        say("ready", "", "")
        _step_back(os.SCHED_IDLE)
        self._reap()
        moved, seen, next_beat = time.monotonic(), -1, 0.0
        while True:
            wait = self._scheduler.run_once()
            now = time.monotonic()
            if self._scheduler.progress != seen:
                moved, seen = now, self._scheduler.progress
            if self._gone:
                self._close_own()
                if not self._own_waiting() or now - moved > GRACE:
                    return 0
            elif now > next_beat:
                next_beat = now + HEARTBEAT
                self._scheduler.send_heartbeat()
            self._listen(min(wait, _LISTENING))

    def close(self) -> None:
        """Let go of all runs."""
        self._scheduler.close()

    def _wait_for_store(self) -> bool:
        """Open the run's own store, however long it is unavailable; False when the run's process has gone, and grace with it.

        Raises:
            TrackingError: it refuses for good.
        """
        backoff, said, left = Backoff(), False, GRACE
        while left > 0 and not (self._gone and not self._own):
            try:
                self._scheduler.open(self._experiment)
                return True
            except TrackingUnavailableError as error:
                _log.log(logging.DEBUG if said else logging.WARNING, "the store is unavailable: %s", redact_password(str(error)))
                if not said:
                    say("unavailable", str(error), "")
                    said = True
            until = time.monotonic() + backoff.failed()
            while (rest := until - time.monotonic()) > 0 and left > 0:
                self._listen(min(_LISTENING, rest))
                if self._gone:
                    self._close_own()
                    left -= _LISTENING
                    until = min(until, time.monotonic() + _HURRIED)
        return False

    def _listen(self, seconds: float) -> None:
        """Take in what has been said; wait up to `seconds` for the first word."""
        if self._gone:
            time.sleep(seconds)
            return
        with contextlib.suppress(queue.Empty):
            self._handle_message(self._lines.get(timeout=seconds) if seconds else self._lines.get_nowait())
            while not self._gone:
                self._handle_message(self._lines.get_nowait())

    def _handle_message(self, line: dict[str, Any] | None) -> None:
        if line is None:
            self._gone = True
            self._scheduler.hurry()
            _step_back(os.SCHED_OTHER)  # the run waits for us now
            return
        if "kept" in line:
            self._look_for(RunFolder(Path(line["kept"])))
            return
        own = "deliver" in line
        folder = RunFolder(Path(line["deliver" if own else "waiting"]))
        if own:
            self._own.append(folder)
        self._scheduler.add(folder)

    def _look_for(self, folder: RunFolder) -> None:
        """Whether somebody has deleted a run in MLflow that is kept as it is. A courtesy, as `_reap` is."""
        try:
            mlflow_id = read_delivered(folder.delivery_log).run_id or ""
            if self._scheduler.open(folder.manifest.experiment).state_of(mlflow_id) == "deleted":
                say("deleted", deleted_in_store(folder.run_id, mlflow_id), folder.run_id)
        except Exception as error:
            _log.debug("run %s could not be looked for: %s", folder.run_id, reason_of(error))

    def _reap(self) -> None:
        """Runs of other machines that have fallen silent. A courtesy: what fails is left to the next one who comes by."""
        try:
            list(reap_store(self._scheduler.open(self._experiment), self._root))
        except Exception as error:
            _log.debug("silent runs could not be looked for: %s", reason_of(error))

    def _own_waiting(self) -> bool:
        """Whether a run of the process that started this one is not there yet. Those of earlier ones wait for another occasion."""
        own = {folder.run_id for folder in self._own}
        return any(folder.run_id in own for folder in self._scheduler.unfinished())

    def _close_own(self) -> None:
        """The run's process is gone: a run of its that did not come to an end was killed. One that another process has taken over by now is
        that one's to deliver.
        """
        for folder in self._own:
            if not folder.path.is_dir():
                self._scheduler.abandon(folder)
                continue
            with contextlib.suppress(TrackingError):
                if close_dead_run(folder) is None and last_end(folder) is None:
                    self._scheduler.drop(folder)


def say(state: str, reason: str, run: str) -> None:
    """A line for the run's process; nobody may be listening any more."""
    with contextlib.suppress(OSError, ValueError):
        print(json.dumps({"state": state, "reason": reason, "run": run}), flush=True)


def _step_back(policy: int) -> None:
    """SCHED_IDLE: run only when nobody else wants the processor, for a decoding loop that has to share one waits at every token."""
    with contextlib.suppress(OSError):  # coming back from it is not everybody's right
        os.sched_setscheduler(0, policy, os.sched_param(0))


def _load_drawing() -> None:
    """The plots' library takes a second to load: now, while the model loads as well, not when the run has ended."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    pyplot.close(pyplot.figure())


def _read_messages(lines: queue.SimpleQueue[dict[str, Any] | None]) -> None:
    with contextlib.suppress(ValueError):  # cut off: its writer was killed in the middle of a word
        for line in sys.stdin:
            lines.put(json.loads(line))
    lines.put(None)


def main() -> int:
    """The process."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # they are meant for the run, which ends its input when it is done
    with contextlib.suppress(OSError):
        os.nice(_POLITENESS)
    require_home()
    short_http_timeouts()
    lines: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
    threading.Thread(target=_read_messages, args=(lines,), name="messages", daemon=True).start()
    log_file = environment_log_file()
    with handling(*[log_file] if log_file else []), contextlib.closing(Worker(lines)) as worker:
        try:
            return worker.run()
        except Exception:
            _log.exception("the delivering process ends")
            raise


if __name__ == "__main__":
    sys.exit(main())
