"""vreason_tracking.telemetry.error_counter: failures are counted, kept in words and said once."""

from __future__ import annotations

import threading
import warnings

import pytest

from vreason_tracking.telemetry.error_counter import ErrorCounter


def test_the_newest_failure_is_kept_in_words() -> None:
    """Kind, message and place of the newest; the count of all."""
    faults = ErrorCounter()
    assert (0, None) == (faults.count, faults.last)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        faults.add(ValueError("first"), "gpu.0 power", "go on")
        faults.add(OSError("second"), "gpu.1 power", "go on")
    assert (2, "OSError: second (gpu.1 power)") == (faults.count, faults.last)


def test_each_kind_is_said_once(recwarn: pytest.WarningsRecorder) -> None:
    """The first failure of a kind is warned about with what to do; further ones of that kind are only counted."""
    warnings.simplefilter("always")  # else Python itself would show a repeated warning once
    faults = ErrorCounter()
    for advice in ("look here", "look here", "look there"):
        faults.add(ValueError("no"), "gpu.0", advice)
    expected = ["telemetry: ValueError: no (gpu.0); look here", "telemetry: ValueError: no (gpu.0); look there"]
    assert expected == [str(warning.message) for warning in recwarn]


def test_warnings_as_errors_are_swallowed() -> None:
    """Under `-W error` the caller, a thread that must go on, does not see the warning; the count still tells."""
    faults = ErrorCounter()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        faults.add(ValueError("no"), "gpu.0", "go on")
    assert 1 == faults.count


def test_none_is_lost_between_threads() -> None:
    """Failures of several threads are all counted."""
    faults = ErrorCounter()

    def fail() -> None:
        for _ in range(2000):
            faults.add(ValueError("no"), "gpu.0", "go on")

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        threads = [threading.Thread(target=fail) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert 8000 == faults.count
