"""How runs are told apart in a picture: a short name, and a colour, line and mark that also read without colour."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from vreason_tracking.presentation.entropy_plot import COLOURS

OVERLAID = 6
"""At most so many runs share axes; of more, each has a panel of its own."""
BASELINE = "#000000"
_LINES: tuple[Any, ...] = ("-", (0, (6, 2)), (0, (1, 1.2)), (0, (6, 2, 1, 2)), (0, (3, 1.5)), (0, (6, 2, 1, 2, 1, 2)))
_UNFIT = ("Cc", "Cs", "Zl", "Zp")
_MARKS = ("s", "o", "^", "D", "v", "P")


@dataclass(frozen=True)
class LineStyle:
    """Of one run among those that share axes."""

    colour: str
    line: Any
    mark: str


def looks(count: int, baseline: int) -> list[LineStyle]:
    """One a run, all different up to `OVERLAID` runs: the baseline's is black, solid and square."""
    found, number = [], 0
    for run in range(count):
        if run == baseline:
            found.append(LineStyle(BASELINE, _LINES[0], _MARKS[0]))
        else:
            found.append(
                LineStyle(COLOURS[number % len(COLOURS)], _LINES[1 + number % (len(_LINES) - 1)], _MARKS[1 + number % (len(_MARKS) - 1)])
            )
            number += 1
    return found


def plain(text: str) -> str:
    """The text without what no page may hold: control characters, line ends and halves of characters become blanks."""
    return "".join(" " if unicodedata.category(letter) in _UNFIT or letter in "\ufffe\uffff" else letter for letter in text).strip()


def short_names(names: Sequence[str], most: int) -> list[str]:
    """At most `most` letters each, the middle left out; numbered where two would read the same."""
    short = [shortened(name, most) for name in names]
    again = {name for name, count in Counter(short).items() if count > 1}
    return [f"{index + 1}: {shortened(names[index], most - 4)}" if name in again else name for index, name in enumerate(short)]


def shortened(text: str, most: int) -> str:
    """Beginning and end of a text that is wider than `most` letters; a wide letter counts for two."""
    text = plain(text)
    if sum(map(_width, text)) <= most:
        return text
    end = _fitting(text[::-1], (most - 1) // 2)[::-1]
    return f"{_fitting(text, most - 1 - (most - 1) // 2)}…{end}"


def _fitting(text: str, most: int) -> str:
    used = 0
    for index, letter in enumerate(text):
        used += _width(letter)
        if used > most:
            return text[:index]
    return text


def _width(letter: str) -> int:
    return 0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1
