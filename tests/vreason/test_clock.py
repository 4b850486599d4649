"""The clock of all records against the system's: right at the start, steady whatever becomes of the wall clock, and cheap to load."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import time
from types import ModuleType

import pytest

from vreason import clock

HOUR = 3_600 * 10**9


def fresh() -> ModuleType:
    """The module as a new process would load it."""
    spec = importlib.util.spec_from_file_location("fresh_clock", clock.__file__)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_begins_at_the_wall_clock() -> None:
    """A process that has just started tells the wall clock's time, to the nanoseconds that asking takes."""
    before = time.time_ns()
    told = fresh().unix_ns()
    assert before - 1_000_000 <= told <= time.time_ns() + 1_000_000


@pytest.mark.parametrize("jump", [-HOUR, HOUR], ids=["back", "forth"])
def test_a_jump_of_the_wall_clock_is_not_seen(monkeypatch: pytest.MonkeyPatch, jump: int) -> None:
    """While the wall clock jumps by an hour, a few thousand readings ascend and take no longer than the steady clock says."""
    wall = time.time_ns
    begun, first = time.monotonic_ns(), clock.unix_ns()
    readings = [clock.unix_ns() for _ in range(2_000)]
    monkeypatch.setattr(time, "time_ns", lambda: wall() + jump)
    monkeypatch.setattr(time, "time", lambda: time.time_ns() / 1e9)
    readings += [clock.unix_ns() for _ in range(2_000)]
    assert sorted([first, *readings]) == [first, *readings]
    assert readings[-1] - first <= time.monotonic_ns() - begun


def test_a_new_process_begins_at_the_corrected_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """What has jumped before a process starts is its present."""
    wall = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: wall() - HOUR)
    assert HOUR == pytest.approx(clock.unix_ns() - fresh().unix_ns(), rel=0.01)


def test_counts_at_the_steady_clock_s_pace() -> None:
    """Over 50 ms of sleep it advances by what the monotonic clock says."""
    outer, start, inner = time.monotonic_ns(), clock.unix_ns(), time.monotonic_ns()
    time.sleep(0.05)
    inner = time.monotonic_ns() - inner
    passed = clock.unix_ns() - start
    assert inner <= passed <= time.monotonic_ns() - outer


def test_milliseconds_are_the_nanoseconds_rounded_down() -> None:
    """`unix_ms` lies between two readings of `unix_ns`, each cut to its millisecond, and is a whole number."""
    before = clock.unix_ns() // 1_000_000
    told = clock.unix_ms()
    assert before <= told <= clock.unix_ns() // 1_000_000
    assert type(told) is int


def test_sleep_of_the_machine_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system counts a suspended machine's time, so do the stamps: a night between two steps is a night."""
    asleep = 0
    monkeypatch.setattr(time, "CLOCK_BOOTTIME", 7, raising=False)
    monkeypatch.setattr(time, "clock_gettime_ns", lambda clock: {7: time.monotonic_ns() + asleep}[clock], raising=False)
    started = fresh()
    first = started.unix_ns()
    asleep = 8 * HOUR
    assert 8 * HOUR == pytest.approx(started.unix_ns() - first, rel=0.01)


@pytest.mark.parametrize("why", ["not named", "refused"])
def test_without_such_a_clock_the_monotonic_one_serves(monkeypatch: pytest.MonkeyPatch, why: str) -> None:
    """A system that does not name CLOCK_BOOTTIME, and a kernel that refuses it: still the wall clock's time, still ascending."""

    def refuse(_: int) -> int:
        raise OSError(22, "Invalid argument")

    if why == "not named":
        monkeypatch.delattr(time, "CLOCK_BOOTTIME", raising=False)
    else:
        monkeypatch.setattr(time, "CLOCK_BOOTTIME", 7, raising=False)
        monkeypatch.setattr(time, "clock_gettime_ns", refuse, raising=False)
    started = fresh()
    readings = [time.time_ns() - 1_000_000, *(started.unix_ns() for _ in range(1_000)), time.time_ns() + 1_000_000]
    assert sorted(readings) == readings


def test_loads_without_torch() -> None:
    """Whoever only stamps a record does not wait for torch or numpy."""
    code = "import sys, vreason.clock; print([name for name in ('torch', 'transformers', 'numpy') if name in sys.modules])"
    assert "[]\n" == subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
