"""What failed while a run was watched: counted, the newest kept in words, said once."""

from __future__ import annotations

import contextlib
import threading
import warnings


class ErrorCounter:
    """Failures of driver calls and of listeners. Safe to use from several threads.

    Attributes:
        count: failures so far.
        last: the newest of them in words, None without one.
    """

    def __init__(self) -> None:
        self.count = 0
        self.last: str | None = None
        self._said: set[str] = set()
        self._lock = threading.Lock()

    def add(self, error: Exception, where: str, advice: str) -> None:
        """Count a failure; the first with this `advice` is warned about.

        Args:
            error: what was raised.
            where: what was asked of whom, such as "gpu.0 power".
            advice: what goes on all the same, and what to do.
        """
        with self._lock:
            self.count += 1
            self.last = f"{type(error).__name__}: {error} ({where})"
            first = advice not in self._said
            self._said.add(advice)
        if first:
            with contextlib.suppress(RuntimeWarning):  # "warnings as errors" must not end the thread
                warnings.warn(f"telemetry: {type(error).__name__}: {error} ({where}); {advice}", RuntimeWarning, stacklevel=2)
