"""TCP ports of this machine, for the servers that tests start."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable


def free_port() -> int:
    """A port of 127.0.0.1 where nobody listens now."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def wait_until(reached: Callable[[], object], alive: Callable[[], bool], seconds: float, told: Callable[[], str]) -> None:
    """Wait for `reached`; when the process is no longer alive, or after so many seconds, fail with what it told."""
    end = time.monotonic() + seconds
    while not reached():
        if not alive() or time.monotonic() > end:
            raise RuntimeError(f"a server of the tests did not start: {told()[-2000:]}")
        time.sleep(0.02)
