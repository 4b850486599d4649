"""SIGTERM and SIGHUP as an exception, so that a run that is told to go closes its record first, as it does on Ctrl-C."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Terminated(KeyboardInterrupt):
    """A signal that ends processes arrived. Like Ctrl-C it is no `Exception`: nothing that survives failing parts shall swallow it.

    Attributes:
        number: of the signal: SIGTERM, or SIGHUP where a terminal was closed.
    """

    def __init__(self, number: int = signal.SIGTERM) -> None:
        self.number = signal.Signals(number)
        super().__init__(self.number.name)


@contextmanager
def terminable() -> Iterator[None]:
    """Raise `Terminated` in the main thread on SIGTERM and SIGHUP; elsewhere, where no handler can be set, do nothing.

    SIGHUP stays ignored where it is: that is what ``nohup`` is for.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def terminate(number: int, frame: FrameType | None) -> None:
        raise Terminated(number)

    numbers = [signal.SIGTERM, *([signal.SIGHUP] if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN else [])]
    before = {number: signal.signal(number, terminate) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
