"""What a server needs of whatever generates: four verbs, all of them called from one thread, which owns the model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from vreason.generation.engine.request import Finished, Piece, Request


class Engine(Protocol):
    """Answers several requests at once. How it puts them together is its own affair.

    An exception out of `step` means that the model cannot be used any more; what is wrong with a request ends that request.
    """

    def has_room(self) -> bool:
        """Whether one more request can be added now."""
        ...

    def add(self, request: Request) -> None:
        """Take a request; it is answered by calls of `step`."""
        ...

    def step(self) -> Sequence[Piece]:
        """Do the next bit of work: a token of each request under way, or the prompt of new ones.

        Returns:
            What was added to replies that are streamed.
        """
        ...

    def finished(self) -> Sequence[Finished]:
        """The requests that have ended since this was asked last, for whatever reason; each is told once."""
        ...

    @property
    def holding(self) -> bool:
        """Whether it waits for more requests before it goes on: there is time to look for some."""
        ...

    @property
    def idle(self) -> bool:
        """Whether there is nothing to do: `step` need not be called before the next `add`."""
        ...

    def close(self) -> None:
        """Leave what is under way, and put the model back as it was."""
        ...
