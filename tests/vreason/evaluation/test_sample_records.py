"""vreason.evaluation.sample_records: what is written of a sample, with an answer and without."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest

from tests.helpers import records
from tests.helpers.evaluations import CONFIG
from tests.helpers.site_packages import SitePackages
from vreason.benchmarks import Sample
from vreason.clock import unix_ms
from vreason.errors import PluginError
from vreason.evaluation.batch import LoadedSample, read_batch
from vreason.evaluation.ema_peak import final_peak_token
from vreason.evaluation.sample_records import answered_record, failed_record
from vreason.evaluation.token_offsets import token_ends
from vreason.events import PrefillRecord, SampleRecord, StepRecord
from vreason.generation import BatchEvents
from vreason.models.loading import LoadedModel

ASKED = ("sample_id", "video", "question", "options", "problem_type", "category", "benchmark", "answer")
STARTED = records.START_MS - 20


@pytest.fixture(scope="module")
def read(samples: list[Sample]) -> LoadedSample:
    """A question with its frames; its answer is made a letter."""
    (each,) = read_batch([replace(samples[0], options=("left", "right"), answer="B", problem_type="multiple choice")], CONFIG.video).samples
    return each


def reply_of(loaded: LoadedModel, read: LoadedSample, text: str) -> list[StepRecord]:
    """Steps whose tokens spell a text."""
    ids = loaded.processor.tokenizer(text)["input_ids"]
    steps = records.steps(read.sample.sample_id, len(ids))
    return [replace(step, token_id=token) for step, token in zip(steps, ids, strict=True)]


def recorded(loaded: LoadedModel, read: LoadedSample, steps: list[StepRecord], **changes: Any) -> SampleRecord:
    """The record of a reply; `changes` are fields of the config."""
    name = read.sample.sample_id
    events = BatchEvents({name: PrefillRecord(name, 60, 36, 18)}, {name: steps})
    return answered_record(read, events, STARTED, loaded, replace(CONFIG, **changes))


def test_without_an_answer(read: LoadedSample) -> None:
    """The question as it was asked, the reason, when, and how long reading took; every other field has its default."""
    before = unix_ms()
    made = failed_record(replace(read, frames=None), "a.mp4: is missing")
    assert before <= made.started_ms <= unix_ms()
    expected = SampleRecord(**{name: getattr(read.sample, name) for name in ASKED}, error="a.mp4: is missing")
    assert replace(expected, started_ms=made.started_ms, decode_video_ms=read.decode_ms) == made
    assert (None, None) == (made.score, made.correct)


def test_with_an_answer(loaded: LoadedModel, read: LoadedSample) -> None:
    """Question, reply, answer, score, counts, times and the clip; what the machine did is left to whoever measures it."""
    text = "<think>It goes right.</think><answer>B</answer>"
    steps = reply_of(loaded, read, text)
    made = recorded(loaded, read, steps)
    for name in ASKED:
        assert getattr(read.sample, name) == getattr(made, name)
    assert (text, "B", 1.0, None) == (made.output, made.prediction, made.score, made.error)
    assert (60, 36, 18, len(steps)) == (made.prompt_tokens, made.video_tokens, made.kept_video_tokens, made.output_tokens)
    assert final_peak_token(steps) == made.peak_token
    assert (STARTED, 20.0, 20.0 + records.STEP_MS * (len(steps) - 1)) == (made.started_ms, made.time_to_first_token_ms, made.generation_ms)
    assert sum(step.control_ms for step in steps) == made.control_ms
    assert read.frames is not None
    assert (8, read.frames.duration, read.decode_ms) == (made.frames, made.video_seconds, made.decode_video_ms)
    assert token_ends(loaded.processor, [step.token_id for step in steps], text) == made.token_ends
    others = (
        "peak_memory_bytes",
        "memory_source",
        "peak_allocated_bytes",
        "peak_reserved_bytes",
        "rotation_place",
        "other_load",
        "cpu_steal",
        "energy_joules",
    )
    defaults = {field.name: field.default for field in fields(SampleRecord)}
    assert [defaults[name] for name in others] == [getattr(made, name) for name in others]


def test_a_reply_without_an_answer_is_scored_whole(loaded: LoadedModel, read: LoadedSample) -> None:
    """No tag: no prediction, and the reply itself is what is scored."""
    made = recorded(loaded, read, reply_of(loaded, read, "B"))
    assert ("B", None, 1.0) == (made.output, made.prediction, made.score)
    assert "unparsed" in made.signatures


def test_how_a_reply_ended(loaded: LoadedModel, read: LoadedSample) -> None:
    """By an end token of the model, or of the generation settings (one or several) instead; else by its length. The token is not text."""
    end, other = (loaded.processor.tokenizer.convert_tokens_to_ids(token) for token in ("<|im_end|>", "<|endoftext|>"))
    own = loaded.model.generation_config.eos_token_id
    assert end in (own if isinstance(own, list) else [own])
    cases: list[tuple[str, dict[str, Any], str]] = [
        ("B<|im_end|>", {}, "eos"),
        ("B", {}, "length"),
        ("B<|im_end|>", {"eos_token_id": [end, other]}, "eos"),
        ("B<|endoftext|>", {"eos_token_id": other}, "eos"),
        ("B<|im_end|>", {"eos_token_id": [other]}, "length"),
    ]
    for text, settings, stopped in cases:
        made = recorded(loaded, read, reply_of(loaded, read, text), generation=CONFIG.generation | settings)
        assert ("B", stopped, stopped == "length") == (made.output, made.stopped, "truncated" in made.signatures)


def test_the_scoring_of_the_config_is_the_one_in_force(loaded: LoadedModel, read: LoadedSample, site_packages: SitePackages) -> None:
    """A profile, or a function that is handed the extracted answer (the whole reply without one) and the sample."""
    site_packages.work_in(
        records_scoring="def share(prediction, sample):\n    return len(prediction) / 100\n\ndef over(prediction, sample):\n    return 2\n"
    )
    steps = reply_of(loaded, read, "<answer>B.</answer>")
    profiles = ("robust", "video-r1", "records_scoring:share")
    assert [1.0, 0.0, 0.02] == [recorded(loaded, read, steps, scoring=profile).score for profile in profiles]
    assert 0.05 == recorded(loaded, read, reply_of(loaded, read, "right"), scoring="records_scoring:share").score
    with pytest.raises(PluginError, match=f"records_scoring:over gave 2 for sample '{read.sample.sample_id}'"):
        recorded(loaded, read, steps, scoring="records_scoring:over")
