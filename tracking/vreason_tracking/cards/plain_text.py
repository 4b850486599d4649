"""Text of users and data where a format has a meaning for line ends and control characters."""

from __future__ import annotations

import unicodedata


def one_line(text: str) -> str:
    """The text on one line, without what is not printed: a line of dashes would end a front matter."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def unbroken(text: str) -> str:
    """The text without what breaks a line or controls a terminal; every other letter stays, joiners and marks of direction among them."""
    return "".join(" " if unicodedata.category(letter) in ("Cc", "Zl", "Zp") else letter for letter in valid(text))


def valid(text: str) -> str:
    """The text as UTF-8 can hold it: halves of characters, which no file may have, become question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")
