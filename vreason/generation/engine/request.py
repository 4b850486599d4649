"""What goes into an engine and what comes out of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from vreason.config import VReasonConfig
from vreason.events import PrefillRecord, StepRecord

if TYPE_CHECKING:
    from vreason.models import PixelLimits
    from vreason.video import VideoFrames

EOS, LENGTH, STOP, FAILED = "eos", "length", "stop", "error"
"""Why a reply has ended: by the model's own end token, at its limit, at a stop string, or by a failure. A request that is withdrawn ends
with the reason that `Request.withdrawn` gives."""


def never() -> None:
    """A request that nobody withdraws."""
    return


@dataclass(frozen=True, eq=False)
class Request:
    """One conversation to go on with.

    Attributes:
        request_id: unique among the requests of an engine that are under way.
        chat: the conversation as the processor's chat template writes it, the model's turn opened.
        clips: the frames of its videos, in the order in which the conversation names them.
        method: controller and pruning.
        generation: keywords of `generate`, without `max_new_tokens`.
        max_new_tokens: the reply is cut off after so many.
        seed: of its draws, from 0 to 2^63 - 1; what it draws depends on nothing else (see `vreason.generation.sampling`).
        pixels: bounds of a frame's area after the processor's resizing.
        stop: the reply ends before the first of these texts.
        streamed: whether `Piece`s are wanted.
        withdrawn: asked between tokens, from the engine's own thread: None while the reply is still wanted, else why not, in a word.
    """

    request_id: str
    chat: str
    clips: tuple[VideoFrames, ...]
    method: VReasonConfig
    generation: Mapping[str, Any]
    max_new_tokens: int
    seed: int = 0
    pixels: PixelLimits | None = None
    stop: tuple[str, ...] = ()
    streamed: bool = False
    withdrawn: Callable[[], str | None] = never


@dataclass(frozen=True)
class Piece:
    """Text that a request's newest tokens have added; pieces joined are the reply.

    Attributes:
        request_id: whose.
        text: not empty.
        tokens: tokens generated so far.
    """

    request_id: str
    text: str
    tokens: int


@dataclass(frozen=True)
class Finished:
    """A request's end.

    Attributes:
        request_id: whose.
        reason: see the names at the top of this module.
        started_ms: when its generation began, Unix time in milliseconds.
        prefill: what the prompt was; None where it failed before.
        steps: of every token, in order.
        text: the reply, without what stands from a stop string on.
        error: what went wrong, and what to do; None unless `reason` is "error".
        batch: how many requests were answered side by side.
    """

    request_id: str
    reason: str
    started_ms: int
    prefill: PrefillRecord | None = None
    steps: tuple[StepRecord, ...] = field(default=(), repr=False)
    text: str = ""
    error: str | None = None
    batch: int = 1
