"""vreason_tracking.telemetry.sampler: whoever listens is told of each device, for as long as it listens."""

from __future__ import annotations

import threading
import time

import pytest

from tests.helpers.nvml import MEMORY_INFO, MIB, POWER, UTILIZATION, FakeGpu, FakeNvml, no_driver, own
from tests.helpers.waiting import FAST, wait_until
from vreason_tracking.telemetry import DeviceRecord, MemorySampler


def busy_gpus() -> FakeNvml:
    """Two GPUs with all their quantities."""
    return FakeNvml(
        FakeGpu(name="A", used=70 * MIB, processes=[own(30 * MIB)], busy=97, milliwatts=612_345),
        FakeGpu(name="B", used=9 * MIB, processes=[own(4 * MIB)], busy=3, milliwatts=80_000),
    )


def test_a_listener_hears_of_each_gpu_and_of_the_host() -> None:
    """With the rest of the last window told at the end of the block: one record a device, every quantity where it belongs."""
    told: list[DeviceRecord] = []
    nvml = busy_gpus()
    with MemorySampler(FAST, nvml, told.append):
        assert wait_until(lambda: nvml.calls.get(POWER, 0) >= 2)
    first = {record.device: record for record in told if record.second == 0}
    assert ["gpu.0", "gpu.1", "host"] == sorted(first)
    for device, expected in (("gpu.0", ("A", 30 * MIB, 70 * MIB, 97.0, 612.345)), ("gpu.1", ("B", 4 * MIB, 9 * MIB, 3.0, 80.0))):
        found = first[device]
        assert expected == (found.name, found.process_bytes, found.device_bytes, found.utilization_percent, found.power_watts)
        assert (None, 0) == (found.rss_bytes, found.errors)
    assert (first["host"].rss_bytes or 0) > MIB
    assert {None} == {first["host"].process_bytes, first["host"].device_bytes, first["host"].power_watts}


def test_windows_are_told_while_the_block_runs() -> None:
    """In real time: the first window arrives from the sampler's thread after two seconds, with tens of samples."""
    told: list[tuple[DeviceRecord, str]] = []
    before = int(time.time() * 1000)
    with MemorySampler(0.02, no_driver(), lambda record: told.append((record, threading.current_thread().name))):
        after = time.time() * 1000
        assert wait_until(lambda: bool(told))
        record, thread = told[0]
    assert ("memory-sampler", "host", 0) == (thread, record.device, record.second)
    assert before <= record.started_ms <= after
    assert 2000 == pytest.approx(record.timestamp_ms - record.started_ms, abs=1)
    assert 5 < record.samples <= 101


def more_rounds(nvml: FakeNvml, count: int = 3) -> bool:
    """Wait for some more rounds of questions."""
    before = nvml.calls[MEMORY_INFO]
    return wait_until(lambda: nvml.calls[MEMORY_INFO] >= before + count)


def test_listening_for_a_part() -> None:
    """Each listener has its own beginning and hears of its own time: a peak before or after is not in its record."""
    gpu = FakeGpu(processes=[own(50 * MIB)])
    nvml = FakeNvml(gpu)
    with MemorySampler(FAST, nvml) as meter:
        for used in (3, 8):
            told: list[DeviceRecord] = []
            gpu.processes = [own(used * MIB)]
            assert wait_until(lambda used=used: meter.latest() == (used * MIB, "nvml:process"))  # type: ignore[misc]
            before = int(time.time() * 1000)
            with meter.listening(told.append):
                assert more_rounds(nvml)
            assert (0, True) == (told[0].second, before <= told[0].started_ms + 1)
            gpu.processes = [own(99 * MIB)]
            assert more_rounds(nvml)
            assert {used * MIB} == {record.process_bytes for record in told if record.device == "gpu.0"}
            assert {"gpu.0", "host"} == {record.device for record in told}


def test_two_may_listen_at_once_and_one_may_fail() -> None:
    """A listener that raises is counted and named, also when the block ends in an exception; the other misses nothing."""
    told: list[DeviceRecord] = []
    refused: list[DeviceRecord] = []
    nvml = busy_gpus()

    def full(record: DeviceRecord) -> None:
        refused.append(record)
        raise OSError("disk full")

    def run(meter: MemorySampler) -> None:
        with meter, meter.listening(full):
            assert more_rounds(nvml)
            raise KeyError

    meter = MemorySampler(FAST, nvml, told.append)
    with pytest.warns(RuntimeWarning, match=r"disk full \(listener .*full\)"), pytest.raises(KeyError):
        run(meter)
    assert {"gpu.0", "gpu.1", "host"} == {record.device for record in told} == {record.device for record in refused}
    assert len(refused) == meter.errors


def test_nobody_listening_nobody_asks() -> None:
    """Utilisation and power cost milliseconds: they are read only while somebody listens."""
    nvml = busy_gpus()
    with MemorySampler(FAST, nvml) as meter:
        assert wait_until(lambda: nvml.calls[MEMORY_INFO] > 20)
        assert {UTILIZATION, POWER}.isdisjoint(nvml.calls)
        with meter.listening(lambda record: None):
            assert wait_until(lambda: {UTILIZATION, POWER} <= nvml.calls.keys())
