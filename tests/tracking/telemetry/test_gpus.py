"""vreason_tracking.telemetry.gpus: which GPUs there are, and which CUDA will use."""

from __future__ import annotations

import pynvml
import pytest

from tests.helpers.nvml import FakeGpu, FakeNvml
from vreason_tracking.telemetry.gpus import Gpu, find_gpus, visible_gpus


def started(*gpus: FakeGpu) -> FakeNvml:
    nvml = FakeNvml(*gpus)
    nvml.nvmlInit()
    return nvml


def test_all_gpus_are_found_in_the_driver_s_order() -> None:
    """Index, UUID and name of each; its name in the record holds the index."""
    nvml = started(*(FakeGpu(name=f"GPU number {i}", uuid=f"GPU-{i}") for i in range(3)))
    found = find_gpus(nvml, lambda error, where: pytest.fail(f"{where}: {error}"))
    assert [(i, f"GPU-{i}", f"GPU number {i}", f"gpu.{i}") for i in range(3)] == [(g.index, g.uuid, g.name, g.device) for g in found]


def test_a_lost_gpu_does_not_hide_the_others() -> None:
    """One that fell off the bus is reported and left out; the others keep their indices."""
    lost = FakeGpu(faults={"nvmlDeviceGetHandleByIndex": pynvml.NVML_ERROR_GPU_IS_LOST})
    seen: list[tuple[str, str]] = []
    found = find_gpus(started(FakeGpu(), lost, FakeGpu()), lambda error, where: seen.append((type(error).__name__, where)))
    assert [0, 2] == [gpu.index for gpu in found]
    assert [("NVMLError_GpuIsLost", "gpu.1")] == seen


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
