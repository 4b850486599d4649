"""A reply while it is written: its text, and below it a line with the entropy of the newest tokens."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from vreason import Listener

if TYPE_CHECKING:
    from vreason import StepRecord

BARS = "▁▂▃▄▅▆▇█"
WIDTH = 40  # tokens of the line
_FULL = 1.5  # nats that fill a bar


class EntropyLine(Listener):
    """Keeps the newest steps, and tells them in a line."""

    def __init__(self) -> None:
        self._newest: deque[StepRecord] = deque(maxlen=WIDTH)
        self._updates = 0

    def on_steps(self, steps: Sequence[StepRecord]) -> None:
        """See `vreason.Listener`."""
        self._newest += steps
        self._updates += sum(step.updated for step in steps)

    def __str__(self) -> str:
        if not self._newest:
            return "reading the video and the question"
        last = self._newest[-1]
        bars = "".join(BARS[min(len(BARS) - 1, int(step.entropy / _FULL * len(BARS)))] for step in self._newest)
        return f"{bars}  H {last.entropy:.2f}, average {last.ema:.2f} nats, token {last.token_index + 1}, {self._updates} updates"


class LiveReply:
    """Takes the pieces of a reply."""

    def __init__(self, shown: Any = None) -> None:
        self._shown, self._text, self.entropy = shown, "", EntropyLine()

    def add(self, piece: str) -> None:
        """A piece more: drawn again on a terminal, printed elsewhere."""
        self._text += piece
        if self._shown is None:
            click.echo(piece, nl=False)

    def __rich__(self) -> Any:
        from rich.console import Group
        from rich.text import Text

        return Group(Text(self._text), Text(str(self.entropy), style="dim"))


@contextmanager
def live_reply(*, quiet: bool = False) -> Iterator[LiveReply]:
    """Show a reply until the end of the block: with the line of entropy where somebody looks at a terminal, its text alone elsewhere.

    Args:
        quiet: show nothing; the caller prints what it wants.
    """
    from rich.console import Console
    from rich.live import Live

    console = Console()
    if quiet:
        yield _Silent()
    elif not console.is_terminal:
        yield LiveReply()
        click.echo()
    else:
        with Live(console=console, refresh_per_second=8, vertical_overflow="visible") as shown:
            reply = LiveReply(shown)
            shown.update(reply)
            yield reply


class _Silent(LiveReply):
    def add(self, piece: str) -> None:
        """Nothing is shown."""
