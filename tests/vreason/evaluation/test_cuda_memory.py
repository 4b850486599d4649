"""vreason.evaluation.cuda_memory: the allocator's peaks, device by device."""

from __future__ import annotations

import inspect
import warnings

import pytest
import torch

from tests.helpers.cuda import FakeCuda
from vreason.evaluation.cuda_memory import CudaPeaks

NAMES = ["is_initialized", "device_count", "reset_peak_memory_stats", "max_memory_allocated", "max_memory_reserved"]


@pytest.mark.parametrize("name", NAMES)
def test_the_double_has_torch_s_signatures(name: str) -> None:
    """Each function of the double takes the parameters that torch's takes."""
    real = [*inspect.signature(getattr(torch.cuda, name)).parameters]
    with pytest.MonkeyPatch.context() as patch:
        assert real == [*inspect.signature(getattr(FakeCuda(patch), name)).parameters]


def test_the_peak_is_that_since_the_reset(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each device's greatest figures, what was gone before left out and what is still there kept."""
    cuda, peaks = FakeCuda(monkeypatch, devices=2), CudaPeaks()
    cuda.use(0, 900, 1000)
    cuda.use(0, 100, 1000)
    cuda.use(1, 7, 8)
    peaks.reset()
    assert ((100, 7), (1000, 8)) == (peaks.allocated(), peaks.reserved())
    cuda.use(0, 500, 1200)
    cuda.use(0, 50, 600)
    assert ((500, 7), (1200, 8)) == (peaks.allocated(), peaks.reserved())


def test_unused_cuda_has_no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model on the CPU of a machine with a GPU: no entry, and torch is not asked to reset what it does not keep."""
    cuda, peaks = FakeCuda(monkeypatch, started=False), CudaPeaks()
    with pytest.raises(RuntimeError, match="did you call init"):
        torch.cuda.reset_peak_memory_stats(0)
    peaks.reset()
    assert ((), ()) == (peaks.allocated(), peaks.reserved())
    cuda.started = True
    cuda.use(0, 5, 6)
    assert ((5,), (6,)) == (peaks.allocated(), peaks.reserved())


def test_with_this_machine_s_own_torch() -> None:
    """One entry a device that is in use, none where CUDA is not; never an exception."""
    peaks = CudaPeaks()
    peaks.reset()
    expected = torch.cuda.device_count() if torch.cuda.is_initialized() else 0
    assert (expected, expected) == (len(peaks.allocated()), len(peaks.reserved()))


def test_an_allocator_without_figures_is_said_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pluggable allocator raises: it is warned about, left alone from then on, and the run goes on."""
    FakeCuda(monkeypatch)
    asked = []

    def refuse(device: int) -> None:
        asked.append(device)
        raise RuntimeError("CUDAPluggableAllocator does not yet support resetPeakStats")

    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", refuse)
    peaks = CudaPeaks()
    with pytest.warns(RuntimeWarning, match="CUDAPluggableAllocator.*left out of the records"):
        peaks.reset()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        peaks.reset()
        assert ((), ()) == (peaks.allocated(), peaks.reserved())
    assert [0] == asked
