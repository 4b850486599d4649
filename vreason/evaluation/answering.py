"""Questions that come one by one, answered through an engine: the same frames, prompt, settings and seeds as an evaluation's, so that a
sample asked here gets the tokens that it got in its run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from vreason.benchmarks import Sample
from vreason.evaluation.batch import LoadedSample
from vreason.evaluation.chat import chat_text
from vreason.evaluation.evaluator import EvaluationConfig
from vreason.evaluation.sample_records import answered_record, failed_record
from vreason.events import SampleRecord
from vreason.generation import EOS, LENGTH, STOP, BatchEvents, Finished, Request, sample_seed
from vreason.models import LoadedModel
from vreason.video import VideoFrames


@dataclass(frozen=True)
class Question:
    """A question with the frames that belong to it.

    Attributes:
        sample: the question; its id seeds the draws, and its answer is not looked at.
        clips: frames of its videos, earlier turns' first; none for a question without a video.
        decode_ms: time that reading them took, milliseconds.
        before: earlier turns of the conversation (see `chat_text`).
        earlier_clips: how many of the clips belong to them.
        plain: whether the question is the user's turn as it is, without the prompt template.
    """

    sample: Sample
    clips: tuple[VideoFrames, ...]
    decode_ms: float = 0.0
    before: Sequence[dict[str, Any]] = ()
    earlier_clips: int = 0
    plain: bool = False


def request_of(question: Question, request_id: str, loaded: LoadedModel, config: EvaluationConfig, **more: Any) -> Request:
    """What an engine is asked.

    Args:
        question: with its frames.
        request_id: unique among those under way.
        loaded: the model.
        config: method, prompt, decoding settings and seed.
        more: of `Request`: stop, streamed, withdrawn.
    """
    sample = question.sample
    text = sample.question if question.plain else config.prompt.render(sample.question, sample.options, sample.problem_type)
    generation = {name: value for name, value in config.generation.items() if name != "max_new_tokens"}
    return Request(
        request_id=request_id,
        chat=chat_text(loaded, text, len(question.clips) - question.earlier_clips, question.before),
        clips=question.clips,
        method=config.method,
        generation=generation,
        max_new_tokens=int(config.generation["max_new_tokens"]),
        seed=sample_seed(config.seed, sample.sample_id),
        pixels=(config.video.min_pixels, config.video.max_pixels),
        **more,
    )


def answer_of(question: Question, finished: Finished, loaded: LoadedModel, config: EvaluationConfig) -> SampleRecord:
    """The record of an answer, as a run would have it, but without a score.

    A reply that was withdrawn before its first token, or that failed, has an error.
    """
    frames = question.clips[-1] if question.clips else None
    sample = LoadedSample(question.sample, frames, None, question.decode_ms)
    if finished.error is not None or finished.prefill is None or not finished.steps:
        return failed_record(sample, finished.error or f"ended before its first token: {finished.reason}")
    name = finished.request_id
    events = BatchEvents({name: finished.prefill}, {name: list(finished.steps)})
    named = replace(sample, sample=replace(question.sample, sample_id=name))
    ended = finished.text if finished.reason == STOP else None
    stopped = None if finished.reason in (EOS, LENGTH) else finished.reason
    record = answered_record(named, events, finished.started_ms, loaded, config, scored=False, output=ended, stopped=stopped)
    return replace(record, sample_id=question.sample.sample_id)
