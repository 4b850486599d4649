"""An answer of /v1/chat/completions, whole or as server-sent events."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncGenerator, Callable
from typing import Any

from vreason.events import SampleRecord
from vreason.generation import Finished, Piece
from vreason.scoring import ReplyStream, split_text
from vreason_tracking.bundles import Answered, as_data
from vreason_tracking.serving.failures import RequestError
from vreason_tracking.serving.jobs import Job, require_answer
from vreason_tracking.serving.served_model import ModelRequest

_ENDS = {"eos": "stop", "stop": "stop", "length": "length"}
_OPENED = ("<think>", "<thinking>")
_OWN = ("id", "answer", "latency_ms", "time_to_first_token_ms", "video_tokens", "truncated", "signatures", "departures", "trace")
MakeRecord = Callable[[Job, Finished], SampleRecord]


def whole_answer(model: str, asked: ModelRequest, job: Job, finished: Finished, record: SampleRecord) -> dict[str, Any]:
    """The body of an answer that is not streamed."""
    parts = split_text(record.output, _is_opened(job))
    message = {"role": "assistant", "content": parts["content"], "reasoning_content": parts["reasoning"] or None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _ENDS.get(finished.reason, "stop")}
    head = {"id": f"chatcmpl-{job.request.request_id}", "object": "chat.completion", "created": int(time.time()), "model": model}
    return {**head, "choices": [choice], "usage": _usage(record), "vreason": own_fields(asked, finished, record)}


def own_fields(asked: ModelRequest, finished: Finished, record: SampleRecord) -> dict[str, Any]:
    """What OpenAI's interface has no word for."""
    data = as_data(Answered(record, finished.steps, asked.settings.departures), asked.settings.trace, asked.settings.config.scoring)
    return {name: data[name] for name in _OWN}


def _usage(record: SampleRecord) -> dict[str, int]:
    used, made = record.prompt_tokens, record.output_tokens
    return {"prompt_tokens": used, "completion_tokens": made, "total_tokens": used + made}


def _is_opened(job: Job) -> bool:
    """Whether the prompt has opened the reasoning already."""
    return job.request.chat.rstrip().endswith(_OPENED)


async def events(model: str, asked: ModelRequest, job: Job, make_record: MakeRecord, *, usage: bool) -> AsyncGenerator[bytes]:
    """The answer as server-sent events; what goes wrong on the way is an event of its own, for the status is sent already."""
    head = {"id": f"chatcmpl-{job.request.request_id}", "object": "chat.completion.chunk", "created": int(time.time()), "model": model}

    def chunk(delta: dict[str, Any], end: str | None = None, **more: Any) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": end}
        return _event({**head, "choices": [choice], **({"usage": None} if usage else {}), **more})

    stream = ReplyStream(_is_opened(job))
    names = {"reasoning": "reasoning_content", "content": "content"}
    yield chunk({"role": "assistant", "content": ""})
    try:
        async for event in job.pieces():
            told = stream.feed(event.text) if isinstance(event, Piece) else stream.end()
            for kind, text in told:
                yield chunk({names[kind]: text})
            if isinstance(event, Finished):
                record = make_record(job, require_answer(event))
                yield chunk({}, _ENDS.get(event.reason, "stop"), vreason=own_fields(asked, event, record))
                if usage:
                    yield _event({**head, "choices": [], "usage": _usage(record)})
    except RequestError as error:
        yield _event(error.openai())
    yield b"data: [DONE]\n\n"


def _event(data: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(data, ensure_ascii=False).encode() + b"\n\n"
