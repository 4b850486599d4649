"""From token ids to text, piece by piece, so that the pieces joined are what the tokens decode to in one go."""

from __future__ import annotations

from typing import Any

_UNDECIDED = "\N{REPLACEMENT CHARACTER}"  # how a decoder shows bytes of a character that later tokens complete
_LOOK_BACK = 8  # tokens that are decoded again with the new ones: some tokenizers write a token in the light of those before it


class TextStream:
    """One reply.

    Args:
        processor: decodes ids; special tokens are left out.
        stop: texts at the first of which the reply ends.

    Attributes:
        text: what is certain so far.
        stopped: whether a stop text was met; `text` ends before it.
    """

    def __init__(self, processor: Any, stop: tuple[str, ...] = ()) -> None:
        self._processor, self._stop = processor, stop
        self._held_back = max((len(each) for each in stop), default=1) - 1  # characters that may be the beginning of a stop text
        self._ids: list[int] = []
        self._from = self._to = 0  # tokens from .. to are decoded again, and their text is told already
        self._decoded = ""
        self.text, self.stopped = "", False

    def add(self, token_id: int) -> str:
        """Take a token; returns the text that is certain now and was not before, "" as long as it may still change."""
        if self.stopped:
            return ""
        self._ids.append(token_id)
        before, after = self._decode(self._from, self._to), self._decode(self._from, len(self._ids))
        if after.endswith(_UNDECIDED) or not after.startswith(before):
            return ""
        self._take(after[len(before) :])
        return self._tell(len(self._decoded) - self._held_back)

    def end(self) -> str:
        """No more tokens come: the rest of the text."""
        if not self.stopped:
            rest: str = self._processor.decode(self._ids, skip_special_tokens=True)
            if rest.startswith(self._decoded):
                self._take(rest[len(self._decoded) :])
        return self._tell(len(self._decoded))

    def _decode(self, start: int, end: int) -> str:
        text: str = self._processor.decode(self._ids[start:end], skip_special_tokens=True)
        return text

    def _take(self, new: str) -> None:
        look_from = max(0, len(self._decoded) - self._held_back)
        self._decoded += new
        self._to = len(self._ids)
        self._from = max(self._from, self._to - _LOOK_BACK)
        found = [index for each in self._stop if (index := self._decoded.find(each, look_from)) >= 0]
        if found:
            self._decoded, self.stopped = self._decoded[: min(found)], True

    def _tell(self, until: int) -> str:
        """What of the text up to this index is not told yet."""
        until = len(self._decoded) if self.stopped else until
        new = self._decoded[len(self.text) : max(until, len(self.text))]
        self.text += new
        return new
