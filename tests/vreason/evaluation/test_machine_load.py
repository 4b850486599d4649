"""vreason.evaluation.machine_load: how much of the machine others used meanwhile, by the system's own counters."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import namedtuple
from pathlib import Path
from typing import Any

import psutil
import pytest

from vreason.evaluation import machine_load
from vreason.evaluation.machine_load import LoadMeter, MachineLoad

Times = namedtuple("Times", "user nice system idle iowait irq softirq steal guest guest_nice", defaults=(0.0,) * 10)
WORK = "import time\nwhile time.process_time() < 0.3: sum(range(1000))"
WAITING = WORK + "\nprint(flush=True)\ninput()"


class Machine:
    """Counters of a machine that a test moves.

    Args:
        patch: puts them in the place of the system's.
    """

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.times, self.own = Times(user=1000.0, idle=5000.0), 100.0
        patch.setattr(psutil, "cpu_times", lambda: self.times)
        patch.setattr(machine_load, "_children", lambda pid: [])
        patch.setattr(machine_load, "_used", lambda pid: self.own)

    def spend(self, own: float = 0.0, **seconds: float) -> None:
        """Move the counters on."""
        self.times = self.times._replace(**{name: getattr(self.times, name) + spent for name, spent in seconds.items()})
        self.own += own


@pytest.mark.parametrize(
    ("seconds", "other", "steal"),
    [
        ({"user": 2.0, "idle": 6.0, "own": 2.0}, 0.0, 0.0),
        ({"user": 4.0, "idle": 4.0, "own": 2.0}, 0.25, 0.0),
        ({"user": 1.0, "system": 1.0, "nice": 1.0, "irq": 0.5, "softirq": 0.5, "idle": 4.0}, 0.5, 0.0),
        ({"idle": 3.0, "iowait": 5.0}, 0.0, 0.0),  # waiting for a disk takes no processor from anybody
        ({"user": 2.0, "steal": 2.0, "idle": 4.0, "own": 2.0}, 0.0, 0.25),
        ({"user": 4.0, "guest": 3.0, "guest_nice": 1.0, "idle": 4.0}, 0.5, 0.0),  # a guest's time is the user's already
        ({"user": 2.0, "idle": 2.0, "own": 3.0}, 0.0, 0.0),  # the two clocks tick apart
        ({"user": 8.0}, 1.0, 0.0),
        ({"steal": 8.0}, 0.0, 1.0),
        ({"user": 4.0, "idle": 4.0, "own": -50.0}, 0.5, 0.0),  # a child has ended, and its time with it
        ({"user": 8.0, "steal": -1.0}, 1.0, 0.0),
    ],
)
def test_shares_of_the_window(monkeypatch: pytest.MonkeyPatch, seconds: dict[str, float], other: float, steal: float) -> None:
    """What all did, without this program, and what the hypervisor took, as shares of the time of all processors, never beyond 0 to 1."""
    machine, meter = Machine(monkeypatch), LoadMeter()
    machine.spend(user=500.0, steal=70.0)  # before the window
    meter.start()
    machine.spend(**seconds)
    assert MachineLoad(pytest.approx(other), pytest.approx(steal)) == meter.read()


def test_a_window_begins_with_the_meter_and_with_each_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second reading of one window has the whole of it; after `start` what was before is gone."""
    machine, meter = Machine(monkeypatch), LoadMeter()
    machine.spend(user=1.0, idle=1.0)
    assert MachineLoad(0.5, 0.0) == meter.read()
    machine.spend(idle=2.0)
    assert MachineLoad(0.25, 0.0) == meter.read()
    meter.start()
    machine.spend(idle=1.0)
    assert MachineLoad(0.0, 0.0) == meter.read()


def test_no_time_no_load(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two ticks of the system's clock nothing can be said; nor where the clock runs back."""
    machine, meter = Machine(monkeypatch), LoadMeter()
    assert meter.read() is None
    machine.spend(user=-1.0)
    assert meter.read() is None


@pytest.mark.parametrize("error", [OSError("no /proc/stat"), RuntimeError("no counters"), psutil.AccessDenied(1)], ids=repr)
def test_a_system_that_does_not_tell(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """None instead of an exception, at the beginning as at the end of a window."""
    meter = LoadMeter()

    def refuse() -> Any:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(psutil, "cpu_times", refuse)
        assert meter.read() is None
        meter.start()
    assert meter.read() is None


def test_counters_that_stand_at_zero_tell_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a sandbox whose /proc/stat is all zeros."""
    machine = Machine(monkeypatch)
    machine.times = Times(*[0.0] * 10)
    meter = LoadMeter()
    machine.times = Times(*[0.0] * 10)
    assert meter.read() is None


def own_seconds() -> float:
    """What this process and its children have used, as the meter counts it."""
    counters = machine_load._counters()
    if counters is None:
        pytest.fail("this machine does not tell its processor time")
    return counters.own


def test_what_this_program_does_is_its_own() -> None:
    """Its own work, and that of a child that has ended since, are counted as soon as they are done."""
    before, began = own_seconds(), time.process_time()
    while time.process_time() - began < 0.2:
        sum(range(1000))
    after = own_seconds()
    assert 0.15 < after - before
    subprocess.run([sys.executable, "-c", WORK], check=True)
    assert 0.25 < own_seconds() - after


def test_a_child_at_work_is_this_program_s_own() -> None:
    """A process that it has started, such as the decoder of videos, counts while it lives, and is not lost when it ends."""
    before = own_seconds()
    with subprocess.Popen([sys.executable, "-c", WAITING], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        child.stdout.readline()
        assert child.pid in machine_load._children(os.getpid())
        alive = own_seconds()
        child.communicate("\n")
    assert 0.25 < alive - before
    assert alive - 0.02 <= own_seconds()


def test_children_are_found_without_linux_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no /proc the library looks for them."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        listed = machine_load._children(os.getpid())
        with monkeypatch.context() as patch:
            patch.setattr(Path, "iterdir", lambda _: (_ for _ in ()).throw(FileNotFoundError()))
            assert sorted(listed) == sorted(machine_load._children(os.getpid()))
        child.communicate(b"\n")


def test_a_process_that_has_just_ended_used_nothing() -> None:
    """No exception between listing the children and asking one."""
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        child.wait()
    assert 0.0 == machine_load._used(child.pid)


def test_the_real_machine() -> None:
    """Over a fifth of a second of work: shares between 0 and 1."""
    meter = LoadMeter()
    meter.start()
    began = time.monotonic()
    while time.monotonic() - began < 0.2:
        sum(range(1000))
    load = meter.read()
    assert load is not None
    assert 0 <= load.other <= 1
    assert 0 <= load.steal <= 1
