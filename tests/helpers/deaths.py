"""A process that dies at a call of its own to the kernel: as SIGKILL would end it there, without a chance to tidy up."""

from __future__ import annotations

import os
from collections.abc import Callable

CALLS = ("open", "fsync", "replace", "unlink")


def dies(work: Callable[[], object], call: int, after: bool) -> bool:
    """Whether a process that does this work and is killed at its `call`-th call to the kernel, before or after it, was killed."""
    child = os.fork()
    if child == 0:
        left = [call]

        def deadly(name: str) -> Callable[..., object]:
            real = getattr(os, name)

            def passed_on(*arguments: object, **options: object) -> object:
                left[0] -= 1
                if left[0] == 0 and not after:
                    os._exit(9)
                done = real(*arguments, **options)
                if left[0] == 0:
                    os._exit(9)
                return done

            return passed_on

        for name in CALLS:
            setattr(os, name, deadly(name))
        work()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
