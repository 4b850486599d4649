"""OpenAI's request as far as a video model serves it; what it does not serve is refused by name."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.helpers.bundle_world import BundleWorld
from vreason_tracking.bundles import Bundle
from vreason_tracking.serving.chat_request import asked_of, parse_chat
from vreason_tracking.serving.failures import RequestError
from vreason_tracking.serving.served_model import ModelRequest

VIDEO = {"type": "video_url", "video_url": {"url": "a.mp4"}}
TEXT = {"type": "text", "text": "Which?"}


@pytest.fixture(scope="module")
def bundle(bundles: BundleWorld) -> Bundle:
    assert bundles.registered is not None
    return bundles.registered.bundle


def body(*content: dict[str, Any], **changes: Any) -> bytes:
    return json.dumps({"model": "shapes", "messages": [{"role": "user", "content": list(content) or "Which?"}], **changes}).encode()


def asked(bundle: Bundle, data: bytes) -> ModelRequest:
    return asked_of(parse_chat(data), bundle, 4)


def test_question_and_video(bundle: Bundle) -> None:
    """vLLM's part and Qwen's; the text is the question."""
    for part in (VIDEO, {"type": "video", "video": "a.mp4"}):
        made = asked(bundle, body(part, TEXT))
        assert ("a.mp4", "Which?", "free-form") == (made.sample.video, made.sample.question, made.sample.problem_type)


def test_text_alone(bundle: Bundle) -> None:
    """A question without a video."""
    assert "" == asked(bundle, body()).sample.video


def test_own_fields(bundle: Bundle) -> None:
    """Options, id, trace and the method's settings."""
    own = {"options": ["a", "b"], "id": "s-1", "trace": "full", "method": {"controller.k": 2}}
    made = asked(bundle, body(VIDEO, TEXT, vreason=own, max_tokens=9, seed=3, stop="x", temperature=0))
    assert (("a", "b"), "s-1", "full") == (made.sample.options, made.sample.sample_id, made.settings.trace)
    assert ("controller.k", "max_new_tokens", "stop") == made.settings.departures
    assert 9 == made.settings.config.generation["max_new_tokens"]


def test_earlier_turns(bundle: Bundle) -> None:
    """Their text and their videos stand in the conversation; the last turn is the question."""
    turns = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [VIDEO, {"type": "text", "text": "Before?"}]},
        {"role": "assistant", "content": "Yes.", "reasoning_content": "thought"},
        {"role": "user", "content": [{"type": "video", "video": "b.mp4"}, TEXT]},
    ]
    made = asked(bundle, json.dumps({"model": "m", "messages": turns}).encode())
    assert (["a.mp4"], "b.mp4") == (made.earlier_videos, made.sample.video)
    assert ["system", "user", "assistant"] == [turn["role"] for turn in made.before]
    assert {"type": "video"} in made.before[1]["content"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"n": 2}, "n"),
        ({"tools": []}, "tools"),
        ({"logprobs": True}, "logprobs"),
        ({"frequency_penalty": 1}, "frequency_penalty"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"temperature": 3}, "temperature"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": 900}, "max_tokens"),
        ({"max_tokens": "5"}, "max_tokens"),
        ({"seed": -1}, "seed"),
        ({"stop": ["a"] * 9}, "stop"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "assistant", "content": "x"}]}, "messages"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]}, "messages"),
        ({"messages": [{"role": "user", "content": [VIDEO] * 5 + [TEXT]}]}, "messages"),
        ({"messages": [{"role": "user", "content": [VIDEO]}]}, "messages"),
        ({"messages": [{"role": "user", "content": "  "}]}, "messages"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages"),
        ({"messages": [{"role": "system", "content": [VIDEO]}, {"role": "user", "content": "x"}]}, "messages"),
        ({"vreason": {"method": {"controller.k": 900}}}, "vreason.method.controller.k"),
        ({"vreason": {"method": {"pruning.ratio": 0.5}}}, "vreason.method.pruning.ratio"),
        ({"vreason": {"trace": "all"}}, "vreason.trace"),
        ({"vreason": {"problem_type": "x"}}, "vreason.problem_type"),
        ({"vreason": {"foo": 1}}, "vreason.foo"),
        ({"vreason": {"options": ["x"] * 30}}, "vreason.options"),
    ],
)
def test_refused(bundle: Bundle, changes: dict[str, Any], field: str) -> None:
    """400, and the field is named."""
    with pytest.raises(RequestError) as caught:
        asked(bundle, body(**changes))
    assert 400 == caught.value.status
    assert str(caught.value.param).startswith(field)
    assert field in caught.value.message


@pytest.mark.parametrize(
    "data",
    [b"", b"\xff\xfe", b"[]", b"{", b'{"model": 1}', b"null", b'{"model": "m", "messages": [{"role": "user", "content": "\\ud800"}]}'],
)
def test_no_requests(bundle: Bundle, data: bytes) -> None:
    """400, and no traceback."""
    with pytest.raises(RequestError) as caught:
        asked(bundle, data)
    assert 400 == caught.value.status
    assert caught.value.openai()["error"]["message"]
