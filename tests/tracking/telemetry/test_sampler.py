"""vreason_tracking.telemetry.sampler: the newest number and the peak, with a driver of the tests' own."""

from __future__ import annotations

import threading
import warnings

import numpy as np
import pynvml
import pytest

from tests.helpers.nvml import ENERGY, MIB, FakeGpu, FakeNvml, no_driver, own
from tests.helpers.waiting import FAST, wait_until
from vreason.meters import EnergyMeter, MemoryMeter
from vreason_tracking.telemetry import MemorySampler

OTHER = (1, 5 * MIB)  # a stranger's process


def test_it_is_a_memory_meter() -> None:
    """Type checker and reader agree: a sampler can be given wherever a MemoryMeter is asked for."""
    meter: MemoryMeter = MemorySampler()
    assert (None, None) == (meter.latest(), meter.peak())


@pytest.mark.parametrize("interval", [0, -1.0, float("nan")])
def test_interval_must_be_positive(interval: float) -> None:
    """An interval that would spin the thread is refused by name."""
    with pytest.raises(ValueError, match=r"interval: .* is not above 0"):
        MemorySampler(interval)


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


def test_without_an_argument_the_real_driver_is_asked() -> None:
    """Against this machine's own pynvml: a sample at once, from one of the three sources, without an error."""
    with MemorySampler() as meter:
        used, source = meter.latest() or (0, "")
    assert source in {"nvml:process", "nvml:device", "rss"}
    assert used > 0 or source == "nvml:process"
    assert 0 == meter.errors


def test_energy_is_the_sum_over_the_gpus_in_joules() -> None:
    """What NVML counts in millijoules, whenever it is asked; a sampler is an energy meter."""
    gpus = [FakeGpu(millijoules=12_500), FakeGpu(millijoules=500)]
    with MemorySampler(60, FakeNvml(*gpus)) as meter:
        assert isinstance(meter, EnergyMeter)
        assert 13.0 == meter.energy()
        gpus[1].millijoules += 2_000
        assert (15.0, 0) == (meter.energy(), meter.errors)


def test_energy_that_one_gpu_does_not_count_is_not_known() -> None:
    """A sum over some of them would look like the whole; a GPU that cannot count is no failure, one that fails is."""
    for code, errors in ((pynvml.NVML_ERROR_NOT_SUPPORTED, 0), (pynvml.NVML_ERROR_UNKNOWN, 1)):
        with warnings.catch_warnings(), MemorySampler(60, FakeNvml(FakeGpu(millijoules=1), FakeGpu(faults={ENERGY: code}))) as meter:
            warnings.simplefilter("ignore")
            assert (None, errors) == (meter.energy(), meter.errors)
    with MemorySampler(60, no_driver()) as meter:
        assert meter.energy() is None
