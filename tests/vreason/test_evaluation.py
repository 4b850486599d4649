"""A sample's way through the house, with real clips and a real model of random weights: a record for each, whatever happens to it."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch

from tests.doubles import random_demo
from vreason import evaluation
from vreason.benchmarks import DemoBenchmark, Sample
from vreason.config import ControllerConfig, VReasonConfig
from vreason.evaluation import Evaluation, EvaluationConfig
from vreason.events import PrefillRecord, SampleRecord, StepRecord
from vreason.loading import LoadedModel, ModelSpec, load_model
from vreason.prompts import SHORT
from vreason.video import VideoConfig, read_video

TOKENS = 6
CONFIG = EvaluationConfig(
    method=VReasonConfig(controller=ControllerConfig(k=2, lr=0.05)),
    prompt=SHORT,
    video=VideoConfig(nframes=8, min_pixels=28 * 28, max_pixels=84 * 84),
    generation={"max_new_tokens": TOKENS, "do_sample": False},
)


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    """The model."""
    return load_model(ModelSpec(id=str(random_demo.save(tmp_path_factory.mktemp("model"))), device="cpu"))


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> list[Sample]:
    """Six questions about clips of the demo's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VREASON_CACHE", str(tmp_path_factory.mktemp("cache")))
        return list(DemoBenchmark(limit=6).samples())


class Events:
    """Keeps every event."""

    def __init__(self) -> None:
        self.prefills: list[PrefillRecord] = []
        self.steps: dict[str, list[StepRecord]] = {}
        self.samples: list[SampleRecord] = []

    def on_prefill(self, prefill: PrefillRecord) -> None:
        self.prefills.append(prefill)

    def on_steps(self, steps: Sequence[StepRecord]) -> None:
        for step in steps:
            self.steps.setdefault(step.sample_id, []).append(step)

    def on_sample(self, sample: SampleRecord) -> None:
        self.samples.append(sample)


def run(loaded: LoadedModel, samples: Sequence[Sample], observers: Sequence[Any] = (), **changes: Any) -> list[SampleRecord]:
    return list(Evaluation(loaded, replace(CONFIG, **changes), observers).run(samples))


def answered(record: SampleRecord) -> bool:
    """Whether a record tells of an answer, and of no failure."""
    return record.error is None and record.output_tokens > 0 and record.score is not None


@pytest.fixture(scope="module")
def singles(loaded: LoadedModel, samples: list[Sample]) -> tuple[list[SampleRecord], Events]:
    """All six, one by one."""
    events = Events()
    return run(loaded, samples, [events]), events


def test_a_record_a_sample(singles: tuple[list[SampleRecord], Events], samples: list[Sample]) -> None:
    """In order, with the question as it was asked, what was shown, and what came back."""
    records, events = singles
    assert records == events.samples
    for sample, record in zip(samples, records, strict=True):
        for name in ("sample_id", "video", "question", "options", "problem_type", "category", "answer"):
            assert getattr(sample, name) == getattr(record, name)
        assert answered(record)
        assert (8, 36, 36) == (record.frames, record.video_tokens, record.kept_video_tokens)
        assert 2.9 == pytest.approx(record.video_seconds)
        assert record.prompt_tokens > record.video_tokens
        assert TOKENS == record.output_tokens
        assert "length" == record.stopped
        assert "truncated" in record.signatures
        assert record.prediction is None
        assert "unparsed" in record.signatures
    assert len({record.output for record in records}) > 1  # the model does look at its prompt


def test_steps_are_told(singles: tuple[list[SampleRecord], Events], loaded: LoadedModel) -> None:
    """Every token once, in order, updates at multiples of k; the output is their decoding, the control time their sum."""
    records, events = singles
    assert [record.sample_id for record in records] == [prefill.sample_id for prefill in events.prefills] == list(events.steps)
    for record, prefill in zip(records, events.prefills, strict=True):
        steps = events.steps[record.sample_id]
        assert list(range(record.output_tokens)) == [step.token_index for step in steps]
        assert [2, 4] == [step.token_index for step in steps if step.updated]
        assert loaded.processor.decode([step.token_id for step in steps], skip_special_tokens=True) == record.output
        assert record.control_ms == pytest.approx(sum(step.control_ms for step in steps))
        assert (prefill.prompt_tokens, prefill.video_tokens) == (record.prompt_tokens, record.video_tokens)
        assert max(step.token_index for step in steps if step.ema == step.peak) == record.peak_token


def test_times_fit_together(loaded: LoadedModel, samples: list[Sample]) -> None:
    """Started within the call; the first token, then the rest, control inside; nothing longer than the call."""
    begun = time.time() * 1000
    records = run(loaded, samples[:2])
    ended = time.time() * 1000
    for record in records:
        assert begun - 1 <= record.started_ms <= ended
        assert record.time_to_first_token_ms is not None
        assert record.generation_ms is not None
        assert record.control_ms is not None
        assert 0 < record.time_to_first_token_ms <= record.generation_ms <= ended - record.started_ms + 1
        assert 0 < record.control_ms <= record.generation_ms + 1
        assert 0 < record.decode_video_ms <= ended - begun
    assert records[0].started_ms + (records[0].generation_ms or 0) <= records[1].started_ms + 2


def test_lite_keeps_half(loaded: LoadedModel, samples: list[Sample]) -> None:
    """With the Lite variant 18 of 36 video tokens stay, and the record says so."""
    (record,) = run(loaded, samples[:1], method=VReasonConfig.preset("v-reason-lite"))
    assert (36, 18) == (record.video_tokens, record.kept_video_tokens)


def test_an_end_token_ends(loaded: LoadedModel, samples: list[Sample], singles: tuple[list[SampleRecord], Events]) -> None:
    """A reply that draws an end token stopped by it, also at the very last place; it is no longer truncated."""
    steps = singles[1].steps[samples[0].sample_id]
    for end in (2, TOKENS - 1):
        token = steps[end].token_id
        first = next(step.token_index for step in steps if step.token_id == token)
        (record,) = run(loaded, samples[:1], generation=CONFIG.generation | {"eos_token_id": [token]})
        assert ("eos", first + 1) == (record.stopped, record.output_tokens)
        assert "truncated" not in record.signatures


@pytest.mark.parametrize(
    ("profile", "reply", "prediction", "score"),
    [
        ("video-r1", "<think>x</think><answer>B</answer>", "B", 1.0),
        ("video-r1", "<answer>B.</answer>", "B.", 0.0),
        ("robust", "<answer>(B) right</answer>", "(B) right", 1.0),
        ("robust", "<answer>A</answer>", "A", 0.0),
        ("video-r1", "B", None, 1.0),  # no tag: the whole output is the answer
        ("robust", "<answer></answer>", None, 0.0),
    ],
)
def test_replies_are_scored(
    loaded: LoadedModel, samples: list[Sample], profile: Any, reply: str, prediction: str | None, score: float
) -> None:
    """The first tag's text, or the whole reply without one, scored by the profile in force."""
    sample = replace(samples[0], options=("left", "right"), answer="B", problem_type="multiple choice")
    ids = loaded.processor.tokenizer(reply + "<|im_end|>")["input_ids"]

    class Says:
        """A logits processor that makes the model say `reply`."""

        def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
            forced = torch.full_like(scores, -torch.inf)
            forced[:, ids[input_ids.shape[1] - self.start]] = 0.0
            return forced

        start = 0

    says, real = Says(), loaded.model.generate

    def spoken(**inputs: Any) -> Any:
        says.start = inputs["input_ids"].shape[1]
        return real(**inputs, logits_processor=[says])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loaded.model, "generate", spoken)
        (record,) = run(loaded, [sample], scoring=profile, generation={"max_new_tokens": 40, "do_sample": False})
    assert reply == record.output
    assert (prediction, score, score == 1.0) == (record.prediction, record.score, record.correct)
    assert (prediction is None) == ("unparsed" in record.signatures)
    assert "eos" == record.stopped


def test_batches_equal_singles(loaded: LoadedModel, samples: list[Sample], singles: tuple[list[SampleRecord], Events]) -> None:
    """Batches of three: the same tokens and, beyond float noise, the same entropies and dV as one by one."""
    events = Events()
    records = run(loaded, samples, [events], batch_size=3)
    assert [record.sample_id for record in singles[0]] == [record.sample_id for record in records]
    for alone, together in zip(singles[0], records, strict=True):
        for name in ("output", "score", "prompt_tokens", "video_tokens", "output_tokens", "peak_token", "stopped", "signatures"):
            assert getattr(alone, name) == getattr(together, name), name
        for one, three in zip(singles[1].steps[alone.sample_id], events.steps[alone.sample_id], strict=True):
            assert one.token_id == three.token_id
            assert one.entropy == pytest.approx(three.entropy, rel=1e-3, abs=1e-4)
            assert one.delta_v_norm == pytest.approx(three.delta_v_norm or 0.0, rel=1e-2, abs=1e-4)


def test_a_last_batch_may_be_smaller(loaded: LoadedModel, samples: list[Sample]) -> None:
    """Four samples in batches of three: four records, in order; no samples: none."""
    assert [sample.sample_id for sample in samples[:4]] == [record.sample_id for record in run(loaded, samples[:4], batch_size=3)]
    assert [] == run(loaded, [])


@pytest.mark.parametrize("batch_size", [1, 3])
def test_a_bad_video_is_its_own_record(loaded: LoadedModel, samples: list[Sample], tmp_path: Path, batch_size: int) -> None:
    """A missing file and a text file in the middle: their records name file and reason, the others are answered."""
    (tmp_path / "text.mp4").write_text("this is no video")
    bad = [replace(samples[1], video=str(tmp_path / name)) for name in ("missing.mp4", "text.mp4")]
    bad = [replace(sample, sample_id=f"bad-{i}") for i, sample in enumerate(bad)]
    given = [samples[0], *bad, samples[2]]
    events = Events()
    records = run(loaded, given, [events], batch_size=batch_size)
    assert [sample.sample_id for sample in given] == [record.sample_id for record in records]
    assert records == events.samples
    assert [True, False, False, True] == [answered(record) for record in records]
    for record in records[1:3]:
        assert record.error is not None
        assert record.video in record.error
        assert len(record.error) > len(record.video) + 5
        assert (None, None, "", 0) == (record.score, record.correct, record.output, record.output_tokens)
        assert record.decode_video_ms > 0
        assert record.started_ms > 0
    assert {samples[0].sample_id, samples[2].sample_id} == set(events.steps)


@pytest.mark.parametrize("batch_size", [1, 3])
def test_a_clip_that_the_processor_refuses(loaded: LoadedModel, samples: list[Sample], tmp_path: Path, batch_size: int) -> None:
    """A clip of an impossible shape (4 x 1000 pixels) decodes but cannot be shown: its record says so, the others are answered."""
    path = tmp_path / "narrow.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 4, 1000, "yuv420p"
        for _ in range(10):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((1000, 4, 3), np.uint8), format="rgb24")))
        container.mux(stream.encode())
    records = run(loaded, [samples[0], replace(samples[1], sample_id="narrow", video=str(path)), samples[2]], batch_size=batch_size)
    assert [True, False, True] == [answered(record) for record in records]
    assert str(path) in (records[1].error or "")
    assert "processor" in (records[1].error or "")


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


def test_a_repeated_sample_tells_its_steps_once(loaded: LoadedModel, samples: list[Sample]) -> None:
    """A batch that runs out of memory at its third token is repeated one by one: an observer sees each token of a sample once, in order."""
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
        assert list(range(TOKENS)) == [step.token_index for step in events.steps[record.sample_id]]
    assert [record.sample_id for record in records] == [prefill.sample_id for prefill in events.prefills]


def test_a_clip_too_large_to_read_is_its_own_record(loaded: LoadedModel, samples: list[Sample], monkeypatch: pytest.MonkeyPatch) -> None:
    """A lack of memory while frames are read is that sample's as well."""

    def read(path: str, config: VideoConfig) -> Any:
        if path == "huge.mp4":
            raise MemoryError
        return read_video(path, config)

    monkeypatch.setattr(evaluation, "read_video", read)
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


SAMPLING = CONFIG.generation | {"do_sample": True, "temperature": 2.0}


def test_seeds_do_not_depend_on_the_order(loaded: LoadedModel, samples: list[Sample]) -> None:
    """Sampled replies are the same forwards, shuffled, and with samples left out; another seed gives others."""
    torch.manual_seed(1)
    forwards = {record.sample_id: record.output for record in run(loaded, samples[:4], generation=SAMPLING)}
    shuffled = random.Random(0).sample(samples[:4], 3)
    torch.manual_seed(2)
    assert {sample.sample_id: forwards[sample.sample_id] for sample in shuffled} == {
        record.sample_id: record.output for record in run(loaded, shuffled, generation=SAMPLING)
    }
    other = {record.sample_id: record.output for record in run(loaded, samples[:4], generation=SAMPLING, seed=1)}
    assert forwards.keys() == other.keys()
    assert all(forwards[name] != output for name, output in other.items())


class Failing(Events):
    """Breaks at every step block and every sample of its own choice."""

    def on_steps(self, steps: Sequence[StepRecord]) -> None:
        raise OSError("disk full")


def test_a_failing_observer_is_counted(loaded: LoadedModel, samples: list[Sample]) -> None:
    """It is warned about once, counted at every failure, still told of samples, and nobody else misses anything."""
    failing, good = Failing(), Events()
    subject = Evaluation(loaded, CONFIG, [failing, good])
    with pytest.warns(RuntimeWarning, match="Failing.*disk full") as caught:
        records = list(subject.run(samples[:2]))
    assert 1 == len([warning for warning in caught if "Failing" in str(warning.message)])
    assert {"Failing": 2} == subject.guard.failures
    assert [True, True] == [answered(record) for record in records]
    assert records == failing.samples == good.samples
    assert [TOKENS, TOKENS] == [len(good.steps[sample.sample_id]) for sample in samples[:2]]


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
    records = list(Evaluation(loaded, CONFIG, [events], Meter()).run(samples[:2]))
    assert [(1001, "rss"), (1002, "rss")] == [(record.peak_memory_bytes, record.memory_source) for record in records]
    for number, sample in enumerate(samples[:2], 1):
        assert {(100 + number, "rss")} == {(step.device_memory_bytes, step.memory_source) for step in events.steps[sample.sample_id]}


def test_without_a_meter_memory_is_left_out(singles: tuple[list[SampleRecord], Events]) -> None:
    """No number is made up."""
    assert {(None, None)} == {(record.peak_memory_bytes, record.memory_source) for record in singles[0]}


def test_the_next_clip_is_read_meanwhile(loaded: LoadedModel, samples: list[Sample], monkeypatch: pytest.MonkeyPatch) -> None:
    """While one batch is generated the next one's frames are read: generation waits for that reading and is not left waiting."""
    renamed = [replace(sample, video=f"{sample.video}#{i}") for i, sample in enumerate(samples[:3])]
    begun = {sample.video: threading.Event() for sample in renamed}
    readers: set[int] = set()
    real = loaded.model.generate

    def read(path: str, config: VideoConfig) -> Any:
        begun[path].set()
        readers.add(threading.get_ident())
        return read_video(path.split("#")[0], config)

    following = dict(zip((sample.sample_id for sample in renamed), [*renamed[1:], None], strict=True))
    waited: list[bool] = []

    def generate(**inputs: Any) -> Any:
        after = following[inputs["sample_ids"][0]]
        if after is not None:
            waited.append(begun[after.video].wait(60))
        return real(**inputs)

    monkeypatch.setattr(evaluation, "read_video", read)
    monkeypatch.setattr(loaded.model, "generate", generate)
    records = run(loaded, renamed)
    assert [True, True] == waited
    assert [True] * 3 == [answered(record) for record in records]
    assert threading.get_ident() not in readers


def test_records_come_as_they_are_made(loaded: LoadedModel, samples: list[Sample]) -> None:
    """The first record is there before the second sample is generated, and a run may be left early without a thread left behind."""
    events = Events()
    running: Iterator[SampleRecord] = Evaluation(loaded, CONFIG, [events]).run(samples)
    assert samples[0].sample_id == next(running).sample_id
    assert [samples[0].sample_id] == list(events.steps)
    running.close()  # type: ignore[attr-defined]
    assert [] == [thread.name for thread in threading.enumerate() if thread.name.startswith("video")]


def test_a_run_leaves_the_model_as_it_was(loaded: LoadedModel, singles: tuple[list[SampleRecord], Events]) -> None:
    """No hook, no gradient, no changed weight is left on the model after a run."""
    weights = random_demo.model().state_dict()
    assert all(torch.equal(weights[name], value) for name, value in loaded.model.state_dict().items())
    assert all(parameter.requires_grad and parameter.grad is None for parameter in loaded.model.parameters())
    assert [] == [name for name, part in loaded.model.named_modules() if part._forward_hooks or part._forward_pre_hooks]
    assert "left" == loaded.processor.tokenizer.padding_side


def test_the_shipped_model_sees(samples: list[Sample]) -> None:
    """The demo's own weights answer the embedded benchmark's first questions from files on disk: nine tenths of full marks at least."""
    demo = load_model(ModelSpec(device="cpu"))
    generation = {"max_new_tokens": 96, "do_sample": False}
    records = run(demo, samples, method=VReasonConfig.preset("baseline"), generation=generation, batch_size=3)
    assert [True] * len(samples) == [answered(record) for record in records]
    assert 0.9 <= sum(record.score or 0.0 for record in records) / len(records)
    assert {"eos"} == {record.stopped for record in records}
