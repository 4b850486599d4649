"""A sample's way through the house, with real clips and a real model of random weights: a record for each, whatever happens to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch

from tests.helpers import random_demo
from tests.helpers.evaluations import CONFIG, TOKENS, Events, answered, run
from vreason.benchmarks import Sample
from vreason.config import VReasonConfig
from vreason.errors import PluginError
from vreason.evaluation.evaluator import Evaluator
from vreason.evaluation.token_offsets import token_ends
from vreason.events import SampleRecord, StepRecord
from vreason.models.loading import LoadedModel, load_model
from vreason.models.plugin_adapter import PluginAdapter
from vreason.models.spec import ModelSpec


def test_a_record_a_sample(singles: tuple[list[SampleRecord], Events], samples: list[Sample]) -> None:
    """In order, with the question as it was asked, what was shown, and what came back."""
    records, events = singles
    assert records == events.samples
    for sample, record in zip(samples, records, strict=True):
        for name in ("sample_id", "video", "question", "options", "problem_type", "category", "benchmark", "answer"):
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
        assert token_ends(loaded.processor, [step.token_id for step in steps], record.output) == record.token_ends
        assert (TOKENS, len(record.output)) == (len(record.token_ends), record.token_ends[-1])
        assert record.control_ms == pytest.approx(sum(step.control_ms for step in steps))
        assert (prefill.prompt_tokens, prefill.video_tokens) == (record.prompt_tokens, record.video_tokens)
        assert max(step.token_index for step in steps if step.ema == step.peak) == record.peak_token


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
        assert ("demo", ()) == (record.benchmark, record.token_ends)
        assert record.video in record.error
        assert len(record.error) > len(record.video) + 5
        assert (None, None, "", 0) == (record.score, record.correct, record.output, record.output_tokens)
        assert record.decode_video_ms > 0
        assert record.started_ms > 0
    assert {samples[0].sample_id, samples[2].sample_id} == set(events.steps)


def test_a_fault_of_the_adapter_ends_the_run(loaded: LoadedModel, samples: list[Sample]) -> None:
    """An adapter of an installed package that cannot make inputs is not the frames' error: it is raised, and no sample is recorded."""

    class Broken(type(loaded.adapter)):  # type: ignore[misc]
        def inputs(self, *_: Any) -> Any:
            raise KeyError("video")

    theirs = replace(loaded, adapter=PluginAdapter(Broken(), "'mine' of vreason-mine 0.3"))
    with pytest.raises(PluginError, match="inputs failed: KeyError: 'video'; fix it"):
        run(theirs, samples[:2])


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


class Failing(Events):
    """Breaks at every step block and every sample of its own choice."""

    def on_steps(self, steps: Sequence[StepRecord]) -> None:
        raise OSError("disk full")


def test_a_failing_observer_is_counted(loaded: LoadedModel, samples: list[Sample]) -> None:
    """It is warned about once, counted at every failure, still told of samples, and nobody else misses anything."""
    failing, good = Failing(), Events()
    subject = Evaluator(loaded, CONFIG, [failing, good])
    with pytest.warns(RuntimeWarning, match="Failing.*disk full") as caught:
        records = list(subject.run(samples[:2]))
    assert 1 == len([warning for warning in caught if "Failing" in str(warning.message)])
    assert {"Failing": 2} == subject.guard.failures
    assert [True, True] == [answered(record) for record in records]
    assert records == failing.samples == good.samples
    assert [TOKENS, TOKENS] == [len(good.steps[sample.sample_id]) for sample in samples[:2]]


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
