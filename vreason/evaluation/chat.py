"""A conversation as the model's processor writes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vreason.models import LoadedModel


def chat_text(loaded: LoadedModel, text: str, videos: int = 1, before: Sequence[dict[str, Any]] = ()) -> str:
    """The conversation with the model's turn opened.

    Args:
        loaded: the processor has the chat template, the adapter the form of a user's turn.
        text: what the user says last, the prompt template filled in.
        videos: how many clips belong to that turn; they stand before the text.
        before: earlier turns, each ``{"role": ..., "content": [{"type": "text", "text": ...}, {"type": "video"}]}``.
    """
    turns = [*before, *loaded.adapter.messages(text, videos)]
    chat: str = loaded.processor.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
    return chat
