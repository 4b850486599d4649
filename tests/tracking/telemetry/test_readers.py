"""vreason_tracking.telemetry.readers: what the devices answer, and what becomes of those that do not."""

from __future__ import annotations

import inspect
import os
import platform
import warnings
from collections.abc import Iterator

import psutil
import pynvml
import pytest

from tests.helpers.nvml import MEMORY_INFO, MIB, POWER, PROCESS_LIST, UTILIZATION, FakeGpu, FakeNvml, own
from vreason_tracking.telemetry.devices import Reading
from vreason_tracking.telemetry.error_counter import ErrorCounter
from vreason_tracking.telemetry.gpus import find_gpus
from vreason_tracking.telemetry.readers import RATES, REST, STRIKES, DeviceQuery, GpuReaders, HostReader

OTHER = (1, 5 * MIB)  # a stranger's process


@pytest.fixture
def faults() -> Iterator[ErrorCounter]:
    """Warnings are silenced: `test_faults.py` is about those."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield ErrorCounter()


def readers(nvml: FakeNvml, faults: ErrorCounter) -> GpuReaders:
    nvml.nvmlInit()
    return GpuReaders(nvml, find_gpus(nvml, lambda error, where: pytest.fail(str(error))), os.getpid(), faults)


@pytest.mark.parametrize("name", [name for name in vars(FakeNvml) if name.startswith("nvml")])
def test_the_double_has_pynvmls_signatures(name: str) -> None:
    """Each function of the fake driver takes the parameters that pynvml's takes."""
    real = [*inspect.signature(inspect.unwrap(getattr(pynvml, name))).parameters]
    assert real == [*inspect.signature(getattr(FakeNvml(), name)).parameters]


def test_each_gpu_has_a_reading_of_its_own(faults: ErrorCounter) -> None:
    """Own and everybody's bytes stand apart by GPU; strangers' processes do not count as ours."""
    nvml = FakeNvml(
        FakeGpu(name="A", used=70 * MIB, processes=[OTHER, own(30 * MIB)]),
        FakeGpu(name="B", used=9 * MIB, processes=[own(4 * MIB), own(2 * MIB)]),
    )
    expected = [
        Reading("gpu.0", "A", process_bytes=30 * MIB, device_bytes=70 * MIB),
        Reading("gpu.1", "B", process_bytes=6 * MIB, device_bytes=9 * MIB),
    ]
    assert expected == readers(nvml, faults).memory(0.0)


def test_utilisation_is_per_cent_and_power_is_watts(faults: ErrorCounter) -> None:
    """NVML's whole per cent, and its milliwatts as watts."""
    subject = readers(FakeNvml(FakeGpu(busy=97, milliwatts=612_345), FakeGpu(busy=0, milliwatts=0)), faults)
    subject.rates(0.0, readings := subject.memory(0.0))
    assert [(97.0, 612.345), (0.0, 0.0)] == [(reading.utilization_percent, reading.power_watts) for reading in readings]


@pytest.mark.parametrize("processes", [[], [OTHER], [OTHER, own(None)], [own(None), own(MIB)], [own(0)]])
def test_a_hidden_process_has_no_bytes(faults: ErrorCounter, processes: list[tuple[int, int | None]]) -> None:
    """Not listed, or listed without bytes: nothing is known, which is no failure and is not 0."""
    gpu = FakeGpu(used=70 * MIB, processes=processes)
    subject = readers(FakeNvml(gpu), faults)
    for now in (0.0, 1.0):
        (reading,) = subject.memory(now)
        assert (None, 70 * MIB, 0) == (reading.process_bytes, reading.device_bytes, reading.errors)
        gpu.processes = []  # and nothing has been learnt of whether it would be shown


def test_a_process_that_is_shown_elsewhere_uses_nothing_here(faults: ErrorCounter) -> None:
    """Whoever is shown on one GPU would be shown on the others, also on those that were asked before it."""
    gpus = FakeGpu(), FakeGpu(processes=[own(3 * MIB)]), FakeGpu()
    subject = readers(FakeNvml(*gpus), faults)
    assert [0, 3 * MIB, 0] == [reading.process_bytes for reading in subject.memory(0.0)]
    gpus[1].processes = []
    assert [0, 0, 0] == [reading.process_bytes for reading in subject.memory(1.0)]


def test_one_gpu_s_failure_is_its_own(faults: ErrorCounter) -> None:
    """A GPU that fell off the bus has no bytes and its errors; its neighbour's reading is whole."""
    code = pynvml.NVML_ERROR_GPU_IS_LOST
    lost = FakeGpu(faults={PROCESS_LIST: code, MEMORY_INFO: code, POWER: code})
    subject = readers(FakeNvml(lost, FakeGpu(used=7, processes=[own(3)], busy=5, milliwatts=1000)), faults)
    subject.rates(0.0, readings := subject.memory(0.0))
    assert Reading(lost.name and "gpu.0", lost.name, utilization_percent=0.0, errors=3) == readings[0]
    assert Reading("gpu.1", lost.name, 3, 7, 5.0, 1.0) == readings[1]
    assert 3 == faults.count
    assert faults.last is not None
    assert faults.last.startswith("NVMLError_GpuIsLost")
    assert faults.last.endswith("(gpu.0 power)")


def test_what_a_gpu_does_not_support_is_not_asked_again(faults: ErrorCounter) -> None:
    """Utilisation (as under MIG) and power are then left out without a failure, on that GPU alone."""
    code = pynvml.NVML_ERROR_NOT_SUPPORTED
    nvml = FakeNvml(FakeGpu(faults={UTILIZATION: code, POWER: code}), FakeGpu(busy=8, milliwatts=2000))
    subject = readers(nvml, faults)
    for second in range(5):
        subject.rates(float(second), readings := subject.memory(float(second)))
        assert [(None, None), (8.0, 2.0)] == [(reading.utilization_percent, reading.power_watts) for reading in readings]
    assert (6, 6) == (nvml.calls[UTILIZATION], nvml.calls[POWER])
    assert (0, None) == (faults.count, faults.last)


def test_memory_that_a_gpu_does_not_support_is_a_failure_once(faults: ErrorCounter) -> None:
    """Whoever reads no memory must know why; the driver is not asked again."""
    nvml = FakeNvml(FakeGpu(faults={MEMORY_INFO: pynvml.NVML_ERROR_NOT_SUPPORTED}))
    subject = readers(nvml, faults)
    assert [1, 0, 0] == [subject.memory(float(second))[0].errors for second in range(3)]
    assert (1, 1) == (faults.count, nvml.calls[MEMORY_INFO])


def test_slow_questions_are_asked_at_their_own_pace(faults: ErrorCounter) -> None:
    """At twenty rounds a second utilisation and power are asked twice a second; in between they are not known."""
    nvml = FakeNvml(FakeGpu(busy=50))
    subject = readers(nvml, faults)
    found = []
    for round_ in range(40):
        subject.rates(round_ / 20, readings := subject.memory(round_ / 20))
        found.append(readings[0].utilization_percent)
    every = int(RATES * 20)
    assert [50.0 if round_ % every == 0 else None for round_ in range(40)] == found
    assert (40, 4, 4) == (nvml.calls[MEMORY_INFO], nvml.calls[UTILIZATION], nvml.calls[POWER])


def test_a_question_that_keeps_failing_rests_and_is_asked_again(faults: ErrorCounter) -> None:
    """After STRIKES failures in a row it rests for REST seconds; an answer makes it as good as new."""
    down, asked = True, []

    def ask() -> int:
        asked.append(1)
        if down:
            raise OSError("away")
        return 7

    question, reading, now = DeviceQuery("gpu.0 memory", ask, faults), Reading("gpu.0", ""), 0.0
    for _ in range(STRIKES + 50):
        now += 0.05
        assert question.put(now, reading) is None
    assert STRIKES == len(asked) == reading.errors == faults.count
    assert question.put(now + REST, reading) is None
    down = False
    assert question.put(now + REST + 1, reading) is None
    assert 7 == question.put(now + 2 * REST + 1, reading)
    assert 7 == question.put(now + 2 * REST + 1.05, reading)
    assert STRIKES + 1 == faults.count


def test_failures_that_are_not_in_a_row_do_not_add_up(faults: ErrorCounter) -> None:
    """A driver that answers every other time is asked for ever."""
    turns = iter(range(10 * STRIKES))

    def ask() -> int:
        if next(turns) % 2:
            raise OSError("away")
        return 7

    question = DeviceQuery("gpu.0 memory", ask, faults)
    assert [7, None] * (5 * STRIKES) == [question.put(float(now), Reading("gpu.0", "")) for now in range(10 * STRIKES)]


def test_the_host_reads_this_process(faults: ErrorCounter) -> None:
    """Resident memory as the system counts it, under the processor's name."""
    reading = HostReader(faults).memory(0.0)
    assert psutil.Process().memory_info().rss == pytest.approx(reading.rss_bytes, rel=0.2)
    assert ("host", platform.machine(), None, 0) == (reading.device, reading.name, reading.device_bytes, reading.errors)


def test_an_unreadable_host_is_a_failure(faults: ErrorCounter, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system does not tell, nothing is made up."""

    def refuse(self: psutil.Process) -> None:
        raise psutil.AccessDenied

    monkeypatch.setattr(psutil.Process, "memory_info", refuse)
    reading = HostReader(faults).memory(0.0)
    assert (None, 1) == (reading.rss_bytes, reading.errors)
    assert "AccessDenied" in (faults.last or "")
