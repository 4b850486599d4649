from __future__ import annotations

import inspect
import threading
import time
import warnings
from collections.abc import Callable

import numpy as np
import pynvml
import pytest

from tests.doubles.nvml import MIB, FakeGpu, FakeNvml, own
from vreason.events import MemoryMeter
from vreason_tracking.telemetry import STRIKES, Gpu, MemorySampler, visible_gpus

FAST = 0.002  # seconds between samples
PROCESS_LIST = "nvmlDeviceGetComputeRunningProcesses"
MEMORY_INFO = "nvmlDeviceGetMemoryInfo"
OTHER = (1, 5 * MIB)  # a stranger's process


@pytest.fixture(autouse=True)
def every_gpu_visible(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


def wait_until(true: Callable[[], bool], seconds: float = 60.0) -> bool:
    """Whether `true` comes to hold within `seconds`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if true():
            return True
        time.sleep(FAST)
    return true()


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


def no_driver() -> FakeNvml:
    return FakeNvml(faults={"nvmlInit": pynvml.NVML_ERROR_LIBRARY_NOT_FOUND})


def test_it_is_a_memory_meter() -> None:
    """Type checker and reader agree: a sampler can be given wherever a MemoryMeter is asked for."""
    meter: MemoryMeter = MemorySampler()
    assert (None, None) == (meter.latest(), meter.peak())


@pytest.mark.parametrize("interval", [0, -1.0, float("nan")])
def test_interval_must_be_positive(interval: float) -> None:
    """An interval that would spin the thread is refused by name."""
    with pytest.raises(ValueError, match=r"interval: .* is not above 0"):
        MemorySampler(interval)


@pytest.mark.parametrize("name", [name for name in vars(FakeNvml) if name.startswith("nvml")])
def test_the_double_has_pynvmls_signatures(name: str) -> None:
    """Each function of the fake driver takes the parameters that pynvml's takes."""
    real = [*inspect.signature(inspect.unwrap(getattr(pynvml, name))).parameters]
    assert real == [*inspect.signature(getattr(FakeNvml(), name)).parameters]


def test_a_process_on_several_gpus_is_summed() -> None:
    """Bytes of this process add up over the GPUs; other processes do not count."""
    gpus = [FakeGpu(used=70 * MIB, processes=[OTHER, own(30 * MIB)]), FakeGpu(used=9 * MIB, processes=[own(4 * MIB)]), FakeGpu(used=MIB)]
    nvml = FakeNvml(*gpus)
    with MemorySampler(60, nvml) as meter:
        assert (34 * MIB, "nvml:process") == meter.latest()
        assert (0, None) == (meter.errors, meter.last_error)


@pytest.mark.parametrize("processes", [[], [OTHER], [OTHER, own(None)]])
def test_an_invisible_process_falls_back_to_the_devices(processes: list[tuple[int, int | None]]) -> None:
    """Where the driver hides this process or its bytes, whole-device memory is summed and says so; that is no error."""
    nvml = FakeNvml(FakeGpu(used=70 * MIB, processes=processes), FakeGpu(used=9 * MIB))
    with MemorySampler(60, nvml) as meter:
        assert (79 * MIB, "nvml:device") == meter.latest()
        assert 0 == meter.errors


def test_bytes_missing_on_one_gpu_make_the_whole_sum_a_device_sum() -> None:
    """Process bytes and device bytes are never added up."""
    nvml = FakeNvml(FakeGpu(used=70 * MIB, processes=[own(30 * MIB)]), FakeGpu(used=9 * MIB, processes=[own(None)]))
    with MemorySampler(60, nvml) as meter:
        assert (79 * MIB, "nvml:device") == meter.latest()


def test_a_process_that_appears_later_is_found_and_its_peak_is_its_own() -> None:
    """Before CUDA starts, the device's bytes are all there is; they must not stand as this process's peak afterwards."""
    gpu = FakeGpu(used=70 * MIB)
    with MemorySampler(FAST, FakeNvml(gpu)) as meter:
        assert (70 * MIB, "nvml:device") == meter.peak()
        gpu.processes = [own(3 * MIB)]
        assert wait_until(lambda: meter.latest() == (3 * MIB, "nvml:process"))
        assert (3 * MIB, "nvml:process") == meter.peak()


def test_a_process_that_leaves_the_gpu_uses_nothing() -> None:
    """Once the driver has shown this process, its absence means 0 bytes, not the strangers' memory."""
    gpu = FakeGpu(used=70 * MIB, processes=[own(3 * MIB)])
    with MemorySampler(FAST, FakeNvml(gpu)) as meter:
        gpu.processes = [OTHER]
        assert wait_until(lambda: meter.latest() == (0, "nvml:process"))


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


@pytest.mark.filterwarnings("ignore:memory sampling")
def test_a_source_that_never_answers_gives_way_at_once() -> None:
    """A GPU that lists no processes is read as a whole from the first sample on, and is not asked for its processes again."""
    nvml = FakeNvml(FakeGpu(used=7 * MIB), faults={PROCESS_LIST: pynvml.NVML_ERROR_NOT_SUPPORTED})
    with MemorySampler(FAST, nvml) as meter:
        assert (7 * MIB, "nvml:device") == meter.latest()
        assert wait_until(lambda: nvml.calls[MEMORY_INFO] > 3)
    assert 1 == nvml.calls[PROCESS_LIST]


@pytest.mark.filterwarnings("ignore:memory sampling")
def test_a_gpu_without_memory_information_falls_back_to_rss() -> None:
    """Unified-memory GPUs answer NotSupported to both questions; latest() is still there at once."""
    code = pynvml.NVML_ERROR_NOT_SUPPORTED
    with MemorySampler(60, FakeNvml(FakeGpu(), faults={PROCESS_LIST: code, MEMORY_INFO: code})) as meter:
        latest = meter.latest()
    assert latest is not None
    assert ("rss", 2) == (latest[1], meter.errors)


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
    assert 1 == len([warning for warning in recwarn if "memory sampling" in str(warning.message)])
    assert meter.last_error is not None
    assert "Unknown" in meter.last_error


@pytest.mark.filterwarnings("ignore:memory sampling")
def test_a_lost_gpu_gives_way_to_rss_in_the_end() -> None:
    """A GPU that fell off the bus does not leave its last number standing for ever."""
    code = pynvml.NVML_ERROR_GPU_IS_LOST
    nvml = FakeNvml(FakeGpu(processes=[own(3 * MIB)]))
    with MemorySampler(FAST, nvml) as meter:
        nvml.faults |= {PROCESS_LIST: code, MEMORY_INFO: code}
        assert wait_until(lambda: (meter.latest() or (0, ""))[1] == "rss")
    assert STRIKES + 1 == meter.errors


def test_warnings_as_errors_do_not_end_the_thread() -> None:
    """Under `-W error` the warning itself is swallowed; the counter still tells."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with MemorySampler(FAST, Hiccup()) as meter:
            assert wait_until(lambda: meter.latest() == (8 * MIB, "nvml:process"))
    assert 3 == meter.errors


def test_the_peak_is_that_of_the_window() -> None:
    """A window keeps its greatest sample until reset_peak; the new one begins with the newest sample."""
    gpu = FakeGpu(processes=[own(3 * MIB)])
    with MemorySampler(FAST, FakeNvml(gpu)) as meter:
        for used in (9, 2):
            gpu.processes = [own(used * MIB)]
            assert wait_until(lambda used=used: meter.latest() == (used * MIB, "nvml:process"))  # type: ignore[misc]
        assert (9 * MIB, "nvml:process") == meter.peak()
        meter.reset_peak()
        assert (2 * MIB, "nvml:process") == meter.peak()
    assert (2 * MIB, "nvml:process") == meter.peak()


def test_reading_does_not_wait_for_a_driver_that_hangs() -> None:
    """latest(), peak() and reset_peak() return while a driver call hangs."""
    nvml = FakeNvml(FakeGpu(processes=[own(3 * MIB)]))
    answer, inside, release = nvml.nvmlDeviceGetComputeRunningProcesses, threading.Event(), threading.Event()

    def hang(handle: FakeGpu) -> list[object]:
        if nvml.calls.get(PROCESS_LIST):  # the first sample is taken before the thread starts
            inside.set()
            release.wait(30)
        return answer(handle)

    nvml.nvmlDeviceGetComputeRunningProcesses = hang  # type: ignore[method-assign]
    with MemorySampler(FAST, nvml) as meter:
        assert inside.wait(30)
        meter.reset_peak()
        assert (3 * MIB, "nvml:process") == meter.latest()
        assert (3 * MIB, "nvml:process") == meter.peak()
        assert 1 == nvml.calls[PROCESS_LIST]
        release.set()


def test_resident_memory_grows_with_a_real_allocation() -> None:
    """200 MB written to memory and freed again raise the window's peak by at least 150 MB, and the next window forgets them."""
    with MemorySampler(0.01, no_driver()) as meter:
        meter.reset_peak()
        before = meter.peak()
        block = np.ones(200_000_000, dtype=np.uint8)
        assert wait_until(lambda: (meter.peak() or (0, ""))[0] - (before or (0, ""))[0] >= 150_000_000)
        del block
        assert wait_until(lambda: (meter.latest() or (0, ""))[0] - (before or (0, ""))[0] < 50_000_000)
        assert before is not None
        assert 150_000_000 <= (meter.peak() or (0, ""))[0] - before[0]
        meter.reset_peak()
        assert 50_000_000 > (meter.peak() or (0, ""))[0] - before[0]


def test_the_end_stops_the_thread_and_the_driver_also_after_an_exception() -> None:
    """After the block nothing samples any more, the driver is released as often as it was taken, and the last numbers stay readable."""
    nvml = FakeNvml(FakeGpu(processes=[own(3 * MIB)]))
    meter = MemorySampler(FAST, nvml)
    with pytest.raises(KeyError), meter:
        raise KeyError
    assert "memory-sampler" not in [thread.name for thread in threading.enumerate()]
    assert 0 == nvml.initialised
    assert (3 * MIB, "nvml:process") == meter.latest()


def test_a_sampler_can_be_entered_again() -> None:
    """The second block samples as the first did."""
    gpu = FakeGpu(processes=[own(3 * MIB)])
    nvml = FakeNvml(gpu)
    meter = MemorySampler(FAST, nvml)
    with meter:
        pass
    with meter:
        gpu.processes = [own(4 * MIB)]
        assert wait_until(lambda: meter.latest() == (4 * MIB, "nvml:process"))
    assert (0, 0) == (meter.errors, nvml.initialised)


def test_device_names_are_those_of_the_visible_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names come in CUDA's order, and hidden GPUs are neither named nor summed."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,0")
    nvml = FakeNvml(*(FakeGpu(name=f"GPU {i}", uuid=f"GPU-{i}", used=10**i) for i in range(3)))
    with MemorySampler(60, nvml) as meter:
        assert ["GPU 2", "GPU 0"] == meter.device_names()
        assert (101, "nvml:device") == meter.latest()


def test_hiding_every_gpu_reads_resident_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty CUDA_VISIBLE_DEVICES means no GPU, as for CUDA."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with MemorySampler(60, FakeNvml(FakeGpu(used=7))) as meter:
        latest = meter.latest()
    assert latest is not None
    assert ("rss", [], 0) == (latest[1], meter.device_names(), meter.errors)


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        (None, [0, 1, 2]),
        ("0,1", [0, 1]),
        (" 1 , 0 ", [1, 0]),
        ("1,1", [1]),
        ("1,7,0", [1]),
        ("0,-1,1", [0]),
        ("-1", []),
        ("  ", []),
        ("GPU-bbb", [1]),
        ("GPU-ccc2,0", [2, 0]),
        ("GPU-fff,0", []),
        ("MIG-bbb", [0, 1, 2]),
        ("gpu0", [0, 1, 2]),
    ],
)
def test_cuda_visible_devices(setting: str | None, expected: list[int]) -> None:
    """Indices and UUIDs are followed as CUDA follows them, up to the first that does not exist; other forms are left alone."""
    gpus = [Gpu(index, f"GPU-{letter * 3}{index}-1111", "", None) for index, letter in enumerate("abc")]
    assert expected == [gpu.index for gpu in visible_gpus(gpus, setting)]


def test_without_an_argument_the_real_driver_is_asked() -> None:
    """Against this machine's own pynvml: a sample at once, from one of the three sources, without an error."""
    with MemorySampler() as meter:
        used, source = meter.latest() or (0, "")
    assert source in {"nvml:process", "nvml:device", "rss"}
    assert used > 0 or source == "nvml:process"
    assert 0 == meter.errors
