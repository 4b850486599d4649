"""Memory in an evaluation: what is measured of each sample, and that a lack of it is one sample's error and ends no run."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
import torch

from tests.helpers.cuda import FakeCuda
from tests.helpers.evaluations import CONFIG, TOKENS, Events, answered, run
from vreason.benchmarks import Sample
from vreason.evaluation import batch
from vreason.evaluation.evaluator import Evaluator
from vreason.events import SampleRecord
from vreason.models.loading import LoadedModel
from vreason.video.config import VideoConfig
from vreason.video.frames import read_video

OUT_OF_MEMORY: dict[str, Callable[[], BaseException]] = {
    "torch": lambda: torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB."),
    "python": MemoryError,
    "cpu": lambda: _too_much(),
    "driver": lambda: RuntimeError("CUDA error: out of memory"),
    "mps": lambda: RuntimeError("MPS backend out of memory (MPS allocated: 8.00 GB, other allocations: 1.00 GB, max allowed: 9.07 GB)."),
}


def _too_much() -> BaseException:
    """What torch raises on a CPU that has not as much memory: asked for 2 PiB."""
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**51, dtype=torch.uint8)
    return caught.value


@pytest.mark.parametrize("name", OUT_OF_MEMORY)
def test_out_of_memory_is_one_sample_s_error(
    loaded: LoadedModel, samples: list[Sample], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Whoever reports it, a lack of memory is recorded with what to do about it, and the run goes on."""
    real = loaded.model.generate

    def generate(**inputs: Any) -> Any:
        if samples[1].sample_id in inputs["sample_ids"]:
            raise OUT_OF_MEMORY[name]()
        return real(**inputs)

    monkeypatch.setattr(loaded.model, "generate", generate)
    records = run(loaded, samples[:3])
    assert [True, False, True] == [answered(record) for record in records]
    assert ("out-of-memory",) == records[1].signatures
    assert records[1].score is None
    for word in ("out of memory", "frames", "pixels", "lite"):
        assert word in (records[1].error or "")


def test_a_batch_too_large_is_run_one_by_one(
    loaded: LoadedModel, samples: list[Sample], monkeypatch: pytest.MonkeyPatch, singles: tuple[list[SampleRecord], Events]
) -> None:
    """When three do not fit together each is tried alone: two fit, one does not, and the next batch is a batch again."""
    real, asked = loaded.model.generate, []

    def generate(**inputs: Any) -> Any:
        asked.append(list(inputs["sample_ids"]))
        if samples[1].sample_id in inputs["sample_ids"]:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return real(**inputs)

    monkeypatch.setattr(loaded.model, "generate", generate)
    records = run(loaded, samples, batch_size=3)
    names = [sample.sample_id for sample in samples]
    assert [names[:3], names[:1], names[1:2], names[2:3], names[3:]] == asked
    assert names == [record.sample_id for record in records]
    assert [True, False, True, True, True, True] == [answered(record) for record in records]
    expected = [record.output for record in singles[0] if record.sample_id != names[1]]
    assert expected == [record.output for record in records if answered(record)]


@pytest.mark.parametrize("size", [1, 2])
def test_inputs_that_did_not_fit_are_let_go(loaded: LoadedModel, samples: list[Sample], monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """Inputs that variants share lie on the device: after a lack of memory nothing of them is kept, the next variant makes its own."""
    made = batch.read_batch(samples[:size], CONFIG.video)
    evaluator, real = Evaluator(loaded, CONFIG), loaded.model.generate
    whole = list(evaluator.answer(made))
    assert 1 == len(made.inputs)

    def crowded(**inputs: Any) -> Any:
        if len(inputs["sample_ids"]) == size:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return real(**inputs)

    monkeypatch.setattr(loaded.model, "generate", crowded)
    assert [size > 1] * size == [answered(record) for record in evaluator.answer(made)]
    assert {} == made.inputs
    monkeypatch.undo()
    assert [record.output for record in whole] == [record.output for record in Evaluator(loaded, CONFIG).answer(made)]


def test_a_repeated_sample_is_told_from_its_beginning(loaded: LoadedModel, samples: list[Sample]) -> None:
    """A batch that runs out of memory at its third token is repeated one by one: what was told is told again, each sample from its prompt
    and token 0 on, so that an observer that begins anew there has each token once.
    """
    calls: list[int] = []

    def crowded(model: Any, arguments: Any, inputs: dict[str, Any]) -> None:
        if inputs["input_ids"].shape[0] > 1:
            calls.append(1)
            if len(calls) == 3:
                raise torch.OutOfMemoryError("CUDA out of memory.")

    events = Events()
    with loaded.model.register_forward_pre_hook(crowded, with_kwargs=True):
        records = run(loaded, samples[:2], [events], batch_size=2)
    assert 3 == len(calls)
    assert [TOKENS, TOKENS] == [record.output_tokens for record in records]
    for record in records:
        assert [0, 1, *range(TOKENS)] == [step.token_index for step in events.steps[record.sample_id]]
    names = [record.sample_id for record in records]
    assert [*names, *names] == [prefill.sample_id for prefill in events.prefills]


def test_a_clip_too_large_to_read_is_its_own_record(loaded: LoadedModel, samples: list[Sample], monkeypatch: pytest.MonkeyPatch) -> None:
    """A lack of memory while frames are read is that sample's as well."""

    def read(path: str, config: VideoConfig) -> Any:
        if path == "huge.mp4":
            raise MemoryError
        return read_video(path, config)

    monkeypatch.setattr(batch, "read_video", read)
    records = run(loaded, [samples[0], replace(samples[1], video="huge.mp4"), samples[2]])
    assert [True, False, True] == [answered(record) for record in records]
    assert "memory" in (records[1].error or "")


def test_another_fault_is_no_lack_of_memory(loaded: LoadedModel, samples: list[Sample], monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault that is neither the video's nor a lack of memory is not recorded as one."""

    def generate(**_: Any) -> Any:
        raise RuntimeError("shapes do not match")

    monkeypatch.setattr(loaded.model, "generate", generate)
    records: list[SampleRecord] = []
    with suppress(RuntimeError):
        records = run(loaded, samples[:1])
    assert [] == [record for record in records if record.signatures or "memory" in (record.error or "")]


class Meter:
    """A meter whose window holds what was set since `reset_peak`."""

    def __init__(self) -> None:
        self.resets = 0

    def latest(self) -> tuple[int, str] | None:
        return 100 + self.resets, "rss"

    def reset_peak(self) -> None:
        self.resets += 1

    def peak(self) -> tuple[int, str] | None:
        return 1000 + self.resets, "rss"


def test_memory_is_measured_a_sample(loaded: LoadedModel, samples: list[Sample]) -> None:
    """Each sample has a window of its own: its peak is in its record, the newest reading in its steps."""
    events = Events()
    records = list(Evaluator(loaded, CONFIG, [events], Meter()).run(samples[:2]))
    assert [(1001, "rss"), (1002, "rss")] == [(record.peak_memory_bytes, record.memory_source) for record in records]
    for number, sample in enumerate(samples[:2], 1):
        assert {(100 + number, "rss")} == {(step.device_memory_bytes, step.memory_source) for step in events.steps[sample.sample_id]}


def test_without_a_meter_memory_is_left_out(singles: tuple[list[SampleRecord], Events]) -> None:
    """No number is made up."""
    assert {(None, None)} == {(record.peak_memory_bytes, record.memory_source) for record in singles[0]}


def using(loaded: LoadedModel, cuda: FakeCuda, uses: dict[str, int], too_much: int) -> Callable[..., Any]:
    """A `generate` that uses so many bytes of device 1 for a sample (of a batch: their sum), and fails from `too_much` on."""
    real = loaded.model.generate

    def generate(**inputs: Any) -> Any:
        needed = sum(uses[name] for name in inputs["sample_ids"])
        cuda.use(1, min(needed, too_much), 2 * min(needed, too_much))
        cuda.use(1, 3, 6)
        if needed > too_much:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return real(**inputs)

    return generate


@pytest.mark.parametrize("batch_size", [1, 3])
def test_cuda_s_peaks_are_each_sample_s_own(
    loaded: LoadedModel, samples: list[Sample], monkeypatch: pytest.MonkeyPatch, batch_size: int
) -> None:
    """Of the sample that ran out of memory as well; after a batch that did not fit, of each sample alone."""
    names = [sample.sample_id for sample in samples[:3]]
    cuda = FakeCuda(monkeypatch, devices=2)
    monkeypatch.setattr(loaded.model, "generate", using(loaded, cuda, dict(zip(names, (700, 5000, 40), strict=True)), 1000))
    records = run(loaded, samples[:3], batch_size=batch_size)
    assert [True, False, True] == [answered(record) for record in records]
    assert [(0, 700), (0, 1000), (0, 40)] == [record.peak_allocated_bytes for record in records]
    assert [(0, 1400), (0, 2000), (0, 80)] == [record.peak_reserved_bytes for record in records]


def test_a_batch_s_samples_share_its_peaks(loaded: LoadedModel, samples: list[Sample], monkeypatch: pytest.MonkeyPatch) -> None:
    """What was in use for two at once is recorded of both."""
    cuda = FakeCuda(monkeypatch, devices=2)
    monkeypatch.setattr(loaded.model, "generate", using(loaded, cuda, {sample.sample_id: 300 for sample in samples[:2]}, 1000))
    records = list(Evaluator(loaded, replace(CONFIG, batch_size=2), meter=Meter()).run(samples[:2]))
    assert [((0, 600), 1001)] * 2 == [(record.peak_allocated_bytes, record.peak_memory_bytes) for record in records]


def test_the_peak_of_a_sample_out_of_memory_is_kept(loaded: LoadedModel, samples: list[Sample], monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where it was the inputs that did not fit: the window is that sample's, not the one before."""

    def inputs(*_: Any) -> Any:
        raise MemoryError

    evaluation_ = Evaluator(loaded, CONFIG, meter=Meter())
    (first,) = evaluation_.run(samples[:1])
    monkeypatch.setattr(type(loaded.adapter), "inputs", inputs)
    (second,) = evaluation_.run(samples[1:2])
    assert [True, False] == [answered(first), answered(second)]
    assert [(1001, "rss"), (1002, "rss")] == [(record.peak_memory_bytes, record.memory_source) for record in (first, second)]


def test_without_cuda_there_are_no_cuda_peaks(singles: tuple[list[SampleRecord], Events]) -> None:
    """No device is made up."""
    expected = torch.cuda.device_count() if torch.cuda.is_initialized() else 0
    found = {(len(record.peak_allocated_bytes), len(record.peak_reserved_bytes)) for record in singles[0]}
    assert {(expected, expected)} == found
