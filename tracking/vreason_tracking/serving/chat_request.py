"""A request to /v1/chat/completions: the part of OpenAI's interface that a video model can serve, and the method's own fields.

What is not served is refused and not passed over: an answer that ignores half of what was asked is worse than none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from vreason.errors import ConfigError, ConfigIssue
from vreason_tracking.bundles import Bundle, call_settings, question_input
from vreason_tracking.serving.failures import RequestError, request_error
from vreason_tracking.serving.served_model import ModelRequest

MOST_TURNS = 32


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)


class TextPart(_Part):
    """Text of a turn."""

    type: Literal["text"]
    text: str = Field(max_length=20_000)


class VideoUrl(_Part):
    """Where a video is: an address, a data: URI, or a path where those are taken."""

    url: str = Field(min_length=1)


class VideoUrlPart(_Part):
    """A video, as vLLM has it."""

    type: Literal["video_url"]
    video_url: VideoUrl


class VideoPart(_Part):
    """A video, as Qwen has it."""

    type: Literal["video"]
    video: str = Field(min_length=1)


Content = str | list[Annotated[TextPart | VideoUrlPart | VideoPart, Field(discriminator="type")]]


class Message(_Part):
    """A turn of the conversation."""

    role: Literal["system", "developer", "user", "assistant"]
    content: Content
    name: str | None = None
    reasoning_content: str | None = None


class StreamOptions(_Part):
    """What a stream tells beside its text."""

    include_usage: bool = False
    include_obfuscation: bool | None = None


class TextFormat(_Part):
    """The only form of a reply."""

    type: Literal["text"]


class MethodFields(_Part):
    """The method's own fields, under `vreason` (the openai client's `extra_body`).

    Attributes:
        options: of a multiple-choice question, without letters.
        problem_type: "multiple choice", "numerical", "regression", "OCR" or "free-form".
        id: the question's, as its run named it; it seeds the draws.
        trace: what is told of the controller: "none", "summary" or "full".
        method: settings by dotted name ("controller.k"), within the bundle's bounds.
        plain: True takes the text as the turn, without the bundle's prompt template.
    """

    options: list[str] | None = None
    problem_type: str | None = None
    id: str | None = None
    trace: Literal["none", "summary", "full"] = "none"
    method: dict[str, int | float | str] = Field(default_factory=dict)
    plain: bool = False


class ChatRequest(_Part):
    """The body of a request. Fields that say nothing to a video model are taken when they ask for nothing."""

    model: str = Field(min_length=1, max_length=200)
    messages: list[Message] = Field(min_length=1, max_length=MOST_TURNS)
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    max_tokens: int | None = Field(default=None, ge=1, le=1_000_000)
    max_completion_tokens: int | None = Field(default=None, ge=1, le=1_000_000)
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, ge=0, le=1)
    seed: int | None = Field(default=None, ge=0, le=2**63 - 1)
    stop: str | list[str] | None = None
    n: Literal[1] | None = None
    response_format: TextFormat | None = None
    frequency_penalty: Literal[0] | None = None
    presence_penalty: Literal[0] | None = None
    logprobs: Literal[False] | None = None
    user: str | None = None
    metadata: dict[str, str] | None = None
    store: bool | None = None
    vreason: MethodFields | None = None


def parse_chat(body: bytes) -> ChatRequest:
    """The request that a body is.

    Raises:
        RequestError: it is none; the field is named.
    """
    try:
        return ChatRequest.model_validate_json(body)
    except ValidationError as error:
        raise validation_failure(error) from None


def validation_failure(error: ValidationError) -> RequestError:
    """The first fault of a body, and how many more there are."""
    first = error.errors(include_url=False, include_input=False)[0]
    path = ".".join(str(each) for each in first["loc"] if each not in ("text", "video_url", "video") or len(first["loc"]) == 1)
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    message = first["msg"][:300]
    if first["type"] == "extra_forbidden":
        message = "is not served here; leave it out"
    return RequestError(400, f"{path or 'body'}: {message}{more}", path or None)


def asked_of(request: ChatRequest, bundle: Bundle, videos: int) -> ModelRequest:
    """What the request asks of a bundle.

    Args:
        request: checked in itself.
        bundle: the model's.
        videos: how many a request may have.

    Raises:
        RequestError: it cannot be asked of this bundle.
    """
    *earlier, last = request.messages
    if last.role != "user":
        raise RequestError(400, "messages: the last one has to be the user's; add it", "messages")
    before, shown = _turns(earlier)
    text, own = _taken_apart(last.content)
    if len(shown) + len(own) > videos:
        raise RequestError(
            400, f"messages: {len(shown) + len(own)} videos, and {videos} is the most that is taken; leave some out", "messages"
        )
    fields = request.vreason or MethodFields()
    try:
        sample = question_input(_record(text, own, fields), "messages")
        settings = call_settings(bundle, _params(request, fields), "body")
    except ConfigError as error:
        raise request_error(ConfigError([_in_openais_words(issue) for issue in error.issues])) from None
    return ModelRequest(sample, settings, bool(request.stream), before, shown, own[1:], fields.plain)


def _record(text: str, videos: Sequence[str], fields: MethodFields) -> dict[str, Any]:
    named = {"options": fields.options, "problem_type": fields.problem_type, "id": fields.id}
    return {
        "question": text,
        **({"video": videos[0]} if videos else {}),
        **{name: value for name, value in named.items() if value is not None},
    }


def _params(request: ChatRequest, fields: MethodFields) -> dict[str, Any]:
    most = request.max_completion_tokens or request.max_tokens
    named = {"temperature": request.temperature, "top_p": request.top_p, "seed": request.seed, "stop": request.stop or None}
    return {**fields.method, **named, "max_new_tokens": most, "trace": fields.trace}


def _in_openais_words(issue: ConfigIssue) -> ConfigIssue:
    path = issue.path.replace("body.max_new_tokens", "max_tokens").replace("messages.question", "messages")
    for name in ("options", "problem_type", "id"):
        path = path.replace(f"messages.{name}", f"vreason.{name}")
    path = path.replace("body.controller", "vreason.method.controller").replace("body.pruning", "vreason.method.pruning")
    return ConfigIssue(path.removeprefix("body."), issue.message)


def _turns(messages: Sequence[Message]) -> tuple[list[dict[str, Any]], list[str]]:
    """Earlier turns in the form of a chat template, and the videos that they show."""
    turns, videos = [], []
    for message in messages:
        text, own = _taken_apart(message.content)
        if own and message.role != "user":
            raise RequestError(400, f"messages: a turn of the {message.role} shows a video; only the user's can", "messages")
        videos += own
        role = "system" if message.role == "developer" else message.role
        turns.append({"role": role, "content": [*({"type": "video"} for _ in own), {"type": "text", "text": text}]})
    return turns, videos


def _taken_apart(content: Content) -> tuple[str, list[str]]:
    """Text and videos of a turn."""
    if isinstance(content, str):
        return content, []
    videos = [part.video if isinstance(part, VideoPart) else part.video_url.url for part in content if not isinstance(part, TextPart)]
    return "\n".join(part.text for part in content if isinstance(part, TextPart)), videos
