"""A process that holds a lease until it is killed.

python -m tests.helpers.lease_holder LEASE [fork | spawn]     prints "held", and the id of a child that it made afterwards
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
LONG = 60  # seconds: longer than any test waits, and an end of what nobody ended


@dataclass
class Holder:
    """The process, and its child's id (0 without one)."""

    process: subprocess.Popen[str]
    child: int

    def kill(self) -> None:
        """With SIGKILL; returns when it is gone."""
        self.process.kill()
        self.process.wait()


@contextmanager
def holding(lease: Path, how: str = "") -> Iterator[Holder]:
    """A process that holds `lease`; it and its child are ended at the end."""
    command = [sys.executable, "-m", "tests.helpers.lease_holder", str(lease), how]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    word, child = process.stdout.readline().split()
    assert "held" == word
    holder = Holder(process, int(child))
    try:
        yield holder
    finally:
        holder.kill()
        process.stdout.close()
        if holder.child:
            os.kill(holder.child, 9)


def main(lease: str, how: str) -> None:
    """Hold the lease, make a child, say so, stay."""
    from vreason_tracking.journal.lease import Lease

    held = Lease(Path(lease))
    child = 0
    if how == "fork":
        child = os.fork()
    elif how == "spawn":
        child = os.posix_spawn("/bin/sleep", ["sleep", str(LONG)], os.environ)  # closes no file by itself
    if child or how != "fork":
        print("held", child, flush=True)
    time.sleep(LONG)
    held.release()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
