"""Standard output and error that no command ends by: closed, broken, full, or unable to write what a text holds."""

from __future__ import annotations

import codecs
import errno
import io
import os
import select
import sys
from typing import IO, Any

_PLAIN = str.maketrans(
    {"–": "-", "—": "-", "−": "-", "…": ".", "×": "x", "·": ".", "→": ">", "←": "<", "≤": "<", "≥": ">", "≈": "~", "±": "~"}
    | {"Δ": "d", "α": "a", "“": '"', "”": '"', "‘": "'", "’": "'", "●": "*", "◐": "o", "○": ".", "─": "-", "━": "-", "│": "|", "┃": "|"}
    | {chr(code): "+" for code in range(0x2504, 0x2580)}  # corners and crossings of lines
    | {chr(code): "#" for code in range(0x2580, 0x25A0)}  # blocks
    | {chr(code): "." for code in range(0x2801, 0x2900)}  # the dots that curves are drawn with
    | {"\u2800": " "}
)
"""What our own texts and pictures hold beside ASCII, character for character, so that columns keep their width."""
_HANDLER = "vreason-plain"


class SteadyFile(io.FileIO):
    """A descriptor to which writing never fails: what cannot be written is dropped, from the first fault on.

    Attributes:
        lost: the fault; None while everything was written.
    """

    lost: OSError | None = None

    def write(self, data: Any) -> int:
        """Write all of the data; a descriptor that does not block is waited for."""
        view, done = memoryview(data).cast("B"), 0
        while done < len(view) and self.lost is None:
            try:
                written = super().write(view[done:])
            except OSError as fault:
                self.lost = fault
                _to_nowhere(self.fileno())
                break
            if written is None:
                select.select([], [self], [])
            done += written or 0
        return len(view)


def hold() -> None:
    """Put steady streams in the place of this process's own; whatever a test or an embedding program has put there is left alone.

    Descriptors 0 to 2 that are closed, as a daemon has them, lead nowhere from then on: else the next files that are opened, a database
    among them, would get these numbers and everything that is printed.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            _to_nowhere(number)
    codecs.register_error(_HANDLER, _plain)
    if sys.stdin is None:
        sys.stdin = io.TextIOWrapper(io.FileIO(os.devnull), "utf-8")
    for name, number in (("stdout", 1), ("stderr", 2)):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, _steady(number, "utf-8", False))
        elif stream is getattr(sys, f"__{name}__") and isinstance(stream, io.TextIOWrapper):
            steady = _steady(number, stream.encoding, stream.line_buffering or number == 2)
            setattr(sys, name, steady)
            setattr(sys, f"__{name}__", steady)


def flush() -> OSError | None:
    """Write what is left in both streams.

    Returns:
        Why a part of standard output is lost; None where nothing is, or where its reader went away because it had seen enough (``| head``).
    """
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    lost = getattr(getattr(getattr(sys.stdout, "buffer", None), "raw", None), "lost", None)
    return lost if isinstance(lost, OSError) and lost.errno != errno.EPIPE else None


def _steady(number: int, encoding: str, by_line: bool) -> IO[str]:
    file = SteadyFile(number, "wb", closefd=False)
    unicode = codecs.lookup(encoding).name.startswith("utf")
    errors = "backslashreplace" if unicode else _HANDLER  # of what UTF-8 cannot write, there are halves of surrogates
    return io.TextIOWrapper(io.BufferedWriter(file), encoding, errors, line_buffering=by_line)


def _to_nowhere(number: int) -> None:
    """Let a descriptor lead to /dev/null, in this process and in those that it starts."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    if nowhere == number:  # the lowest one that was free
        os.set_inheritable(number, True)
    else:
        os.dup2(nowhere, number)
        os.close(nowhere)


def _plain(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end].translate(_PLAIN)
    return text.encode("ascii", "backslashreplace").decode("ascii"), error.end
