"""One question about one video, in one call: the model by its name, the frames, the prompt, the method, the parts of the reply.

    model = vreason.load("demo")
    found = vreason.ask(model, "clip.mp4", "Which way does the red circle move?", options=["left", "right"], method="v-reason")
    print(found.answer, found.cost.output_tokens, max(step.entropy for step in found.steps))

What is asked here gets the tokens that the same question gets in a run of the same settings.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from vreason.benchmarks import Sample
from vreason.config import VReasonConfig
from vreason.config_checks import check_choice
from vreason.errors import ConfigError, ConfigIssue, VReasonError
from vreason.evaluation import EvaluationConfig, Question, answer_of, request_of
from vreason.events import SampleRecord, StepRecord
from vreason.generation import BatchEngine, Finished
from vreason.models import DEMO_MODEL, LoadedModel, ModelSpec, load_model
from vreason.prompts import PROBLEM_TYPES, TEMPLATES, PromptTemplate
from vreason.scoring import extract_reasoning, scored_text
from vreason.video import VideoConfig, VideoFrames, read_video

MOST_TOKENS = 1024
"""Of a reply, the paper's."""
DEMO_FRAMES, FRAMES = 8, 16
"""That the embedded demo was trained on, and the paper's."""


@dataclass(frozen=True)
class Cost:
    """What a reply took.

    Attributes:
        prompt_tokens, video_tokens, kept_video_tokens, output_tokens: counts; Lite keeps fewer of the video's than there are.
        decode_video_ms, time_to_first_token_ms, generation_ms: durations; generation includes the first token.
        control_ms: part of the generation that control took.
    """

    prompt_tokens: int
    video_tokens: int
    kept_video_tokens: int
    output_tokens: int
    decode_video_ms: float
    time_to_first_token_ms: float
    generation_ms: float
    control_ms: float


@dataclass(frozen=True)
class Answer:
    """A reply in its parts.

    Attributes:
        answer: the text of the answer block; of a reply without one, what stands outside the reasoning; None where there is nothing.
        reasoning: what stands before it.
        text: the whole reply.
        steps: entropy H_t, its moving average, and what the controller did, of every token (see `vreason.StepRecord`).
        cost: what it took.
        stopped: "eos" or "length".
        signatures: names of the failure signatures that were found.
    """

    answer: str | None
    reasoning: str
    text: str
    steps: tuple[StepRecord, ...] = field(repr=False)
    cost: Cost = field(repr=False)
    stopped: str | None
    signatures: tuple[str, ...]


def load(
    model: str = DEMO_MODEL, *, revision: str | None = None, dtype: str = "auto", device: str = "auto", attention: str = "sdpa"
) -> LoadedModel:
    """A model ready to be asked.

    Args:
        model: "demo" for the embedded one, a folder, or a Hugging Face id.
        revision, dtype, device, attention: as in `vreason.models.ModelSpec`.

    Raises:
        ConfigError: a setting is wrong.
        UnsupportedModelError: it cannot be found or loaded, or its family has no adapter.
    """
    return load_model(ModelSpec(model, revision, dtype, device, attention))


def ask(
    model: LoadedModel | str,
    video: str | os.PathLike[str] | VideoFrames | None,
    question: str,
    *,
    options: Sequence[str] = (),
    method: VReasonConfig | str = "v-reason",
    problem_type: str | None = None,
    prompt: PromptTemplate | str = "auto",
    frames: VideoConfig | int | None = None,
    max_new_tokens: int = MOST_TOKENS,
    seed: int = 0,
    generation: Mapping[str, Any] | None = None,
    on_text: Callable[[str], None] | None = None,
    observers: Sequence[Any] = (),
) -> Answer:
    """Ask a question about a video, and wait for the reply.

    Args:
        model: what `load` has given, or what it would be given.
        video: a file, frames that were read, or None for a question without one.
        question: in the user's words.
        options: of a multiple choice, without letters.
        method: settings, or "baseline", "v-reason", "v-reason-lite".
        problem_type: one of `vreason.prompts.PROBLEM_TYPES`; None takes "multiple choice" with options, else "free-form".
        prompt: "reasoning", "short" (what the demo was trained on), "auto", or a template of your own.
        frames: how many, or which; None takes 16 (8 for the demo).
        max_new_tokens: the reply is cut off after so many.
        seed: of the draws, where the generation settings sample.
        generation: more keywords of `generate`; default: greedy, without a repetition penalty.
        on_text: told of each piece of the reply as it comes.
        observers: listeners (`vreason.Listener`), told of steps in blocks of at most 16 tokens.

    Raises:
        ConfigError: a setting is wrong.
        VideoError: the video cannot be used.
        UnsupportedModelError: the model cannot be loaded.
        VReasonError: the model failed.
    """
    config = _config(model, method, prompt, frames, max_new_tokens, seed, generation, problem_type)
    kind = problem_type or ("multiple choice" if options else "free-form")
    loaded = load(model) if isinstance(model, str) else model
    began = time.perf_counter()
    clip = read_video(video, config.video) if isinstance(video, (str, os.PathLike)) else video
    reading_ms = 0.0 if clip is video else (time.perf_counter() - began) * 1000
    sample = Sample("question", clip.path if clip is not None else "", question, "", kind, tuple(options))
    asked = Question(sample, (clip,) if clip is not None else (), reading_ms)
    finished = _decoded(asked, loaded, config, on_text, observers)
    return _answer(answer_of(asked, finished, loaded, config), finished)


def _config(
    model: LoadedModel | str,
    method: VReasonConfig | str,
    prompt: PromptTemplate | str,
    frames: VideoConfig | int | None,
    max_new_tokens: int,
    seed: int,
    generation: Mapping[str, Any] | None,
    problem_type: str | None,
) -> EvaluationConfig:
    """All settings, checked before anything is loaded.

    Raises:
        ConfigError: with everything wrong.
    """
    demo = (model if isinstance(model, str) else model.spec.id) == DEMO_MODEL
    issues = [] if problem_type is None else check_choice("problem_type", problem_type, PROBLEM_TYPES)
    if isinstance(prompt, str):
        issues += check_choice("prompt", prompt, ("auto", *TEMPLATES))
    if not isinstance(max_new_tokens, int) or max_new_tokens < 1:
        issues.append(ConfigIssue("max_new_tokens", f"{max_new_tokens!r} is no number of tokens; give 1 or more"))
    if issues:
        raise ConfigError(issues)
    name = ("short" if demo else "reasoning") if prompt == "auto" else prompt
    count = frames if frames is not None else DEMO_FRAMES if demo else FRAMES
    return EvaluationConfig(
        method=VReasonConfig.preset(method) if isinstance(method, str) else method,
        prompt=TEMPLATES[name] if isinstance(name, str) else name,
        video=count if isinstance(count, VideoConfig) else VideoConfig(nframes=count),
        generation={"do_sample": False, "repetition_penalty": 1.0, **(generation or {}), "max_new_tokens": max_new_tokens},
        seed=seed,
    )


def _decoded(
    asked: Question, loaded: LoadedModel, config: EvaluationConfig, on_text: Callable[[str], None] | None, observers: Sequence[Any]
) -> Finished:
    engine = BatchEngine(loaded, batch_size=1, observers=observers)
    engine.add(request_of(asked, asked.sample.sample_id, loaded, config, streamed=on_text is not None))
    try:
        while True:
            for piece in engine.step():
                if on_text is not None:
                    on_text(piece.text)
            if found := engine.finished():
                return found[0]
    finally:
        engine.close()  # also after Ctrl-C: the model is left as it was


def _answer(record: SampleRecord, finished: Finished) -> Answer:
    if record.error is not None:
        raise VReasonError(f"{record.error}; ask again, or see `vreason-track doctor`")
    cost = Cost(
        record.prompt_tokens,
        record.video_tokens,
        record.kept_video_tokens,
        record.output_tokens,
        record.decode_video_ms,
        record.time_to_first_token_ms or 0.0,
        record.generation_ms or 0.0,
        record.control_ms or 0.0,
    )
    reasoning, answer = extract_reasoning(record.output), scored_text(record.output)
    return Answer(answer, reasoning, record.output, finished.steps, cost, record.stopped, record.signatures)
