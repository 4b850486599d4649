"""vreason.asking: one question in one call, answered as a run answers it; and what is wrong is said before anything is loaded."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import vreason
from vreason.benchmarks import Sample
from vreason.config import VReasonConfig
from vreason.errors import ConfigError, VideoError
from vreason.evaluation import EvaluationConfig, Evaluator, read_batch
from vreason.listeners import Listener
from vreason.models import LoadedModel
from vreason.prompts import SHORT
from vreason.video import VideoConfig

VIDEO = VideoConfig(nframes=8)
TOKENS = 24


class Told(Listener):
    """Keeps every step."""

    def __init__(self) -> None:
        self.steps: list[vreason.StepRecord] = []

    def on_steps(self, steps: Any) -> None:
        self.steps += steps


def asked(loaded: LoadedModel, sample: Sample, **more: Any) -> vreason.Answer:
    settings = {"options": sample.options, "problem_type": sample.problem_type, "prompt": "short", "frames": 8, "max_new_tokens": TOKENS}
    return vreason.ask(loaded, sample.video, sample.question, **{**settings, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize("method", ["baseline", "v-reason", "v-reason-lite"])
def test_the_tokens_of_a_run(loaded: LoadedModel, samples: list[Sample], method: str) -> None:
    """The same settings give the same reply, token by token, as an evaluation; with its counts."""
    config = EvaluationConfig(
        VReasonConfig.preset(method), SHORT, VIDEO, {"do_sample": False, "repetition_penalty": 1.0, "max_new_tokens": TOKENS}
    )
    for sample in samples[:2]:
        told = Told()
        (record,) = Evaluator(loaded, config, [told]).answer(read_batch([sample], VIDEO))
        found = asked(loaded, sample, method=method)
        assert [(step.token_id, step.entropy) for step in told.steps] == [(step.token_id, step.entropy) for step in found.steps]
        assert (record.output, record.output_tokens, record.stopped) == (found.text, found.cost.output_tokens, found.stopped)
        assert (record.video_tokens, record.kept_video_tokens) == (found.cost.video_tokens, found.cost.kept_video_tokens)


def test_it_is_told_while_it_comes(loaded: LoadedModel, samples: list[Sample]) -> None:
    """The pieces joined are the reply, and a listener has every step, in order."""
    told, pieces = Told(), list[str]()
    found = asked(loaded, samples[0], on_text=pieces.append, observers=[told])
    assert found.text == "".join(pieces)
    assert list(found.steps) == told.steps


def test_frames_that_were_read_and_no_video(loaded: LoadedModel, samples: list[Sample]) -> None:
    """Frames at hand are asked about as the file is; a question without a video has no video tokens."""
    sample = samples[0]
    frames = vreason.read_video(sample.video, VIDEO)
    assert asked(loaded, sample).text == asked(loaded, replace(sample, video=frames)).text  # type: ignore[arg-type]
    assert 0 == asked(loaded, replace(sample, video=None)).cost.video_tokens  # type: ignore[arg-type]
    assert 16 == len(vreason.read_video(sample.video).indices)


def test_a_draw_hangs_on_its_seed(loaded: LoadedModel, samples: list[Sample]) -> None:
    drawn = [asked(loaded, samples[0], generation={"do_sample": True}, seed=seed).text for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"method": "v-raison"}, "v-reason"),
        ({"problem_type": "riddle"}, "problem_type"),
        ({"prompt": "long"}, "prompt"),
        ({"max_new_tokens": 0}, "max_new_tokens: 0 is no number of tokens"),
        ({"frames": 0}, "nframes"),
    ],
)
def test_what_is_wrong_is_said_first(changed: dict[str, Any], told: str) -> None:
    """Before a model that is not there is looked for."""
    with pytest.raises(ConfigError, match=told):
        vreason.ask("no/such-model", "no.mp4", "?", **changed)


def test_a_video_that_is_not_there(loaded: LoadedModel, tmp_path: Path) -> None:
    with pytest.raises(VideoError, match=r"gone\.mp4: no such file"):
        vreason.ask(loaded, tmp_path / "gone.mp4", "?")


def test_the_demo_by_its_name() -> None:
    """ "demo" is loaded, asked with its own prompt and frames, and names itself."""
    model = vreason.load("demo", device="cpu")
    assert "demo" == model.spec.id
    found = vreason.ask(model, None, "It ends at x 8, y 2. Where is it at the end?")
    assert "top right" == found.answer
    assert "Answer(answer='top right'" in repr(found)
