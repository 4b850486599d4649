"""One fact about an installation, as `doctor` prints it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "warning", "failure"]


@dataclass(frozen=True)
class Check:
    """One fact about the installation. `hint` says what to do, and is empty only when `state` is "ok"."""

    name: str
    state: State
    detail: str
    hint: str = ""


def described(error: BaseException) -> str:
    """The error's class and the first line of what it says."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:300]}" if lines else type(error).__name__
