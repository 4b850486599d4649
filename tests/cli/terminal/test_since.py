"""vreason_cli.terminal.since: a moment in the past as users write it."""

from __future__ import annotations

from datetime import UTC, datetime

import click
import pytest

from vreason.clock import unix_ms
from vreason_cli.terminal.since import moment_ms, since


@pytest.mark.parametrize(("text", "minutes"), [("30min", 30), ("6h", 360), ("2d", 2_880), ("1w", 10_080), ("6 h", 360), ("0d", 0)])
def test_so_long_ago(text, minutes) -> None:
    """Minutes, hours, days and weeks before now."""
    assert pytest.approx(unix_ms() - minutes * 60_000, abs=5_000) == moment_ms(text)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-01", datetime(2026, 11, 1)),
        ("2026-11-01T09:30", datetime(2026, 11, 1, 9, 30)),
        ("2026-11-01 09:30:15", datetime(2026, 11, 1, 9, 30, 15)),
        ("2026-11-01T09:30:00Z", datetime(2026, 11, 1, 9, 30, tzinfo=UTC)),
    ],
)
def test_a_date_or_time(text, moment) -> None:
    """Local, unless it says otherwise."""
    assert moment.timestamp() * 1000 == moment_ms(text)


@pytest.mark.parametrize("text", ["", "yesterday", "2", "2y", "-2d", "d", "2026-13-01", "2026-11-31", "99999999999d", "9999-99-99"])
def test_what_is_no_time(text) -> None:
    """It is refused with what would be right."""
    with pytest.raises(click.BadParameter, match=r"is no time; give so many min, h, d or w \(2d\), or a local date or time"):
        since(click.Context(click.Command("x")), click.Option(["--since"]), text)


def test_nothing_given() -> None:
    """No moment."""
    assert since(click.Context(click.Command("x")), click.Option(["--since"]), None) is None
