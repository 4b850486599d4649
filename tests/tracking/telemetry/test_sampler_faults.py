"""vreason_tracking.telemetry.sampler where the driver is absent, broken, failing or hanging: the run goes on and is told."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable

import pynvml
import pytest

from tests.helpers.nvml import MEMORY_INFO, MIB, PROCESS_LIST, FakeGpu, FakeNvml, HangingNvml, own
from tests.helpers.waiting import FAST, wait_until
from vreason_tracking.telemetry import DeviceRecord, MemorySampler, sampler
from vreason_tracking.telemetry.readers import STRIKES


class Hiccup(FakeNvml):
    """One GPU on which this process uses 3 MiB, whose 2nd to 4th process list fails, and where it uses 8 MiB from then on."""

    def __init__(self) -> None:
        super().__init__(FakeGpu(processes=[own(3 * MIB)]))
        self.meanwhile: Callable[[], object] = lambda: None

    def nvmlDeviceGetComputeRunningProcesses(self, handle: FakeGpu) -> list[object]:
        entries = super().nvmlDeviceGetComputeRunningProcesses(handle)
        if 2 <= self.calls[PROCESS_LIST] <= 4:
            handle.processes = [own(8 * MIB)]
            self.meanwhile()
            raise pynvml.NVMLError(pynvml.NVML_ERROR_UNKNOWN)
        return entries


@pytest.mark.parametrize("code", [pynvml.NVML_ERROR_LIBRARY_NOT_FOUND, pynvml.NVML_ERROR_DRIVER_NOT_LOADED])
def test_no_driver_is_no_error(code: int) -> None:
    """A machine without a driver reads resident memory from the first sample on, silently."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with MemorySampler(60, FakeNvml(faults={"nvmlInit": code})) as meter:
            latest = meter.latest()
    assert latest is not None
    assert "rss" == latest[1]
    assert (0, []) == (meter.errors, meter.device_names())


def test_a_broken_driver_is_an_error_and_falls_back(recwarn: pytest.WarningsRecorder) -> None:
    """A driver that is there but does not start (mismatch after an update) is counted, warned about and named."""
    nvml = FakeNvml(FakeGpu(), faults={"nvmlInit": pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH})
    with MemorySampler(60, nvml) as meter:
        latest = meter.latest()
    assert latest is not None
    assert ("rss", 1) == (latest[1], meter.errors)
    assert meter.last_error is not None
    assert meter.last_error.startswith("NVMLError_LibRmVersionMismatch")
    message = str(recwarn.pop(RuntimeWarning).message)
    assert meter.last_error in message
    assert "`vreason-track doctor`" in message


@pytest.mark.filterwarnings("ignore:telemetry")
def test_a_source_that_never_answers_gives_way_at_once() -> None:
    """A GPU that lists no processes is read as a whole from the first sample on, and is not asked for its processes again."""
    nvml = FakeNvml(FakeGpu(used=7 * MIB), faults={PROCESS_LIST: pynvml.NVML_ERROR_NOT_SUPPORTED})
    with MemorySampler(FAST, nvml) as meter:
        assert (7 * MIB, "nvml:device") == meter.latest()
        assert wait_until(lambda: nvml.calls[MEMORY_INFO] > 3)
    assert 1 == nvml.calls[PROCESS_LIST]


@pytest.mark.filterwarnings("ignore:telemetry")
def test_a_gpu_without_memory_information_falls_back_to_rss() -> None:
    """Unified-memory GPUs answer NotSupported to both questions; latest() is still there at once."""
    code = pynvml.NVML_ERROR_NOT_SUPPORTED
    with MemorySampler(60, FakeNvml(FakeGpu(), faults={PROCESS_LIST: code, MEMORY_INFO: code})) as meter:
        latest = meter.latest()
    assert latest is not None
    assert ("rss", 2) == (latest[1], meter.errors)
    assert (meter.last_error or "").endswith("(gpu.0 device memory)")


def test_the_thread_survives_errors_midway(recwarn: pytest.WarningsRecorder) -> None:
    """While calls fail the newest good sample stands, one warning is given, and when they work again sampling goes on."""
    warnings.simplefilter("always")  # else Python itself would show a repeated warning once
    nvml, seen = Hiccup(), []
    meter = MemorySampler(FAST, nvml)
    nvml.meanwhile = lambda: seen.append(meter.latest())
    with meter:
        assert wait_until(lambda: meter.latest() == (8 * MIB, "nvml:process"))
    assert [(3 * MIB, "nvml:process")] * 3 == seen
    assert 3 == meter.errors
    assert 1 == len([warning for warning in recwarn if "telemetry" in str(warning.message)])
    assert meter.last_error is not None
    assert "Unknown" in meter.last_error


@pytest.mark.filterwarnings("ignore:telemetry")
def test_a_lost_gpu_gives_way_to_rss_in_the_end() -> None:
    """A GPU that fell off the bus does not leave its last number standing for ever."""
    code = pynvml.NVML_ERROR_GPU_IS_LOST
    nvml = FakeNvml(FakeGpu(processes=[own(3 * MIB)]))
    with MemorySampler(FAST, nvml) as meter:
        nvml.faults |= {PROCESS_LIST: code, MEMORY_INFO: code}
        assert wait_until(lambda: (meter.latest() or (0, ""))[1] == "rss")
    assert 2 * STRIKES == meter.errors


def test_warnings_as_errors_do_not_end_the_thread() -> None:
    """Under `-W error` the warning itself is swallowed; the counter still tells."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with MemorySampler(FAST, Hiccup()) as meter:
            assert wait_until(lambda: meter.latest() == (8 * MIB, "nvml:process"))
    assert 3 == meter.errors


def test_reading_does_not_wait_for_a_driver_that_hangs() -> None:
    """latest(), peak() and reset_peak() return while a driver call hangs."""
    nvml = HangingNvml(FakeGpu(processes=[own(3 * MIB)]))
    with MemorySampler(FAST, nvml) as meter:
        assert nvml.inside.wait(30)
        meter.reset_peak()
        assert (3 * MIB, "nvml:process") == meter.latest()
        assert (3 * MIB, "nvml:process") == meter.peak()
        assert 1 == nvml.calls[PROCESS_LIST]
        nvml.release.set()


def test_a_driver_that_hangs_does_not_hold_up_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """The block ends while a call hangs: what was read before is told, the driver is left alone, and nothing changes when it wakes up."""
    monkeypatch.setattr(sampler, "EXIT_TIMEOUT", 0.05)
    gpu = FakeGpu(processes=[own(3 * MIB)])
    nvml = HangingNvml(gpu)
    told: list[DeviceRecord] = []
    with MemorySampler(FAST, nvml, told.append) as meter:
        assert nvml.inside.wait(30)
        (thread,) = [thread for thread in threading.enumerate() if thread.name == "memory-sampler"]
    assert [("gpu.0", 3 * MIB, 1)] == [(record.device, record.process_bytes, record.samples) for record in told if record.device != "host"]
    assert 1 == nvml.initialised
    gpu.processes = [own(9 * MIB)]
    nvml.release.set()
    thread.join(30)
    assert not thread.is_alive()
    assert (3 * MIB, "nvml:process") == meter.peak() == meter.latest()
    assert 2 == len(told)
