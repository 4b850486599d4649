"""A reply that comes in pieces, taken apart while it comes: what is reasoning and what is not (see `split_reply` for a whole one)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

Kind = Literal["reasoning", "content"]
_TAG = re.compile(r"<(/?)(think(?:ing)?|answer)>", re.IGNORECASE)
_LONGEST = len("</thinking>")
_BEGINNING = re.compile(r"<(/?[a-z]{0,8})?$", re.IGNORECASE)  # a tag that is not whole yet, or never will be


class ReplyStream:
    """One reply.

    Tags are told to nobody: what stands between those of the reasoning is reasoning, all else is content, the answer block among it. White
    space before either is left out.

    Args:
        opened: whether the prompt has opened the reasoning already.
    """

    def __init__(self, opened: bool = False) -> None:
        self._kind: Kind = "reasoning" if opened else "content"
        self._held, self._begun = "", False

    def feed(self, text: str) -> list[tuple[Kind, str]]:
        """Take the next piece; what can be told of it now, in order."""
        self._held += text
        return list(self._parts(final=False))

    def end(self) -> list[tuple[Kind, str]]:
        """No more comes: the rest."""
        return list(self._parts(final=True))

    def _parts(self, *, final: bool) -> Iterator[tuple[Kind, str]]:
        while (found := _TAG.search(self._held)) is not None:
            yield from self._told(self._held[: found.start()])
            self._held = self._held[found.end() :]
            if found[2].lower() != "answer":
                self._kind = "content" if found[1] else "reasoning"
            self._begun = False
        beginning = None if final else _BEGINNING.search(self._held[-_LONGEST:])
        kept = len(beginning[0]) if beginning else 0
        told, self._held = self._held[: len(self._held) - kept], self._held[len(self._held) - kept :]
        yield from self._told(told)

    def _told(self, text: str) -> Iterator[tuple[Kind, str]]:
        text = text if self._begun else text.lstrip()
        if text:
            self._begun = True
            yield self._kind, text


def split_text(text: str, opened: bool = False) -> dict[Kind, str]:
    """A whole reply's reasoning and content, as its pieces would have told them."""
    stream = ReplyStream(opened)
    found: dict[Kind, str] = {"reasoning": "", "content": ""}
    for kind, part in [*stream.feed(text), *stream.end()]:
        found[kind] += part
    return found
