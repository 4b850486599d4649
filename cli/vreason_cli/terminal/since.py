"""A moment in the past as users write it: `2d`, `90min`, or a date."""

from __future__ import annotations

import re
from datetime import datetime

import click

_SECONDS = {"min": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}


def since(ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:
    """Callback of an option: the moment in milliseconds of Unix time.

    Raises:
        click.BadParameter: it is none, with what would be right.
    """
    if value is None:
        return None
    try:
        return moment_ms(value.strip())
    except (ValueError, OverflowError, OSError):
        right = "give so many min, h, d or w (2d), or a local date or time (2026-11-01, 2026-11-01T09:30)"
        raise click.BadParameter(f"{value!r} is no time; {right}", ctx, param) from None


def moment_ms(text: str) -> int:
    """The moment, milliseconds of Unix time.

    Raises:
        ValueError, OverflowError, OSError: it is none, or none that a clock could show.
    """
    if found := re.fullmatch(r"(\d{1,9})\s*(min|h|d|w)", text):
        from vreason.clock import unix_ms

        return unix_ms() - int(found[1]) * _SECONDS[found[2]] * 1000
    return int(datetime.fromisoformat(text).timestamp() * 1000)
