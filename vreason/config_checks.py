"""Checks of single settings, in the words that every faulty configuration is answered with.

Each check returns the issues that it found, none when the value is right, so that a whole configuration can be reported at once. A message
repeats the value as YAML spells it and says what is allowed.
"""

from __future__ import annotations

import difflib
import math
import sys
from collections.abc import Iterable

from vreason.errors import ConfigIssue

_SHOWN = 80  # characters of a bad value that a message repeats


def shown(value: object) -> str:
    """A bad value as YAML spells it, cut to a line."""
    text = {None: "null", True: "true", False: "false"}[value] if value is None or isinstance(value, bool) else repr(value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."


def suggestion(word: object, known: Iterable[str]) -> str:
    """ "; did you mean X?" for the nearest of `known`, or "" when none is near."""
    spelt = {name.lower(): name for name in known}
    near = difflib.get_close_matches(str(word).lower(), list(spelt), n=1)
    return f"; did you mean {spelt[near[0]]}?" if near else ""


def unknown_key(path: str, key: str, known: Iterable[str], elsewhere: Iterable[str] = ()) -> ConfigIssue:
    """The issue of a key that nothing reads, with the nearest right one.

    Args:
        path: of the key.
        key: as written.
        known: the keys that may stand there; all are listed when none is near.
        elsewhere: dotted paths of other settings; the only one of them that ends in this key is suggested when none of `known` is near.
    """
    known = list(known)
    near = suggestion(key, known)
    moved = [other for other in elsewhere if other.rpartition(".")[2] == key]
    if not near and len(moved) == 1:
        near = f"; did you mean {moved[0]}?"
    return ConfigIssue(path, "unknown key" + (near or f"; known are {', '.join(known)}"))


def check_number(
    path: str, value: object, low: float, high: float = math.inf, *, whole: bool = False, below: bool = False, or_null: bool = False
) -> list[ConfigIssue]:
    """No issue when `value` is a finite number within [low, high].

    Args:
        path: of the setting.
        value: what was given. A whole number serves as a number; true and false are none.
        low: the least that is allowed.
        high: the most that is allowed.
        whole: only whole numbers are allowed.
        below: `high` itself is not allowed.
        or_null: None is allowed too.
    """
    if value is None and or_null:
        return []
    if isinstance(value, int if whole else int | float) and not isinstance(value, bool):
        most = min(high, sys.float_info.max)  # no infinity, and no whole number that a float cannot hold; NaN fails any comparison
        if low <= value and (value < most if below else value <= most):
            return []
    upper = f" and {'below' if below else 'at most'} {high}" if high < math.inf else ""
    kind = "a whole number" if whole else "a number"
    return [ConfigIssue(path, f"{shown(value)} is not {kind} of at least {low}{upper}{' or null' if or_null else ''}")]


def check_choice(path: str, value: object, allowed: Iterable[str]) -> list[ConfigIssue]:
    """No issue when `value` is one of the words `allowed`; else the nearest of them is suggested."""
    words = tuple(allowed)
    if isinstance(value, str) and value in words:
        return []
    near = suggestion(value, words) if isinstance(value, str) else ""
    return [ConfigIssue(path, f"{shown(value)} is not one of {', '.join(words)}{near}")]


def check_text(path: str, value: object, meaning: str = "text", *, blank: bool = False, or_null: bool = False) -> list[ConfigIssue]:
    """No issue when `value` is text that can be written as UTF-8 and is not empty.

    Args:
        path: of the setting.
        value: what was given.
        meaning: what the text stands for, with an article; the message says that the value is not this.
        blank: text of blanks alone is allowed.
        or_null: None is allowed too.
    """
    if value is None and or_null:
        return []
    if isinstance(value, str) and (value if blank else value.strip()) and is_unicode(value):
        return []
    quotes = "; put it in quotes" if isinstance(value, int | float) else ""
    return [ConfigIssue(path, f"{shown(value)} is not {meaning}{' or null' if or_null else ''}{quotes}")]


def check_order(path: str, low: str, least: object, high: str, most: object) -> list[ConfigIssue]:
    """One issue, of the setting `low`, when its count `least` is above `most`, that of the setting `high`.

    What is no whole number of at least 1 takes part in no order: it is another check's issue.
    """
    if not (type(least) is int and type(most) is int and 1 <= most < least):
        return []
    return [ConfigIssue(f"{path}.{low}", f"{least} is above {high}, which is {most}; lower the one or raise the other")]


def is_unicode(text: str) -> bool:
    """Whether the text has no half of a surrogate pair, which nothing could write to a file."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
