"""vreason_tracking.server.sessions: what a browser's cookie says, and what no longer counts."""

from __future__ import annotations

import pytest

from vreason_tracking.server.sessions import COOKIE, LASTS, Session, Sessions, cookie_of


class Clock:
    """Unix time that a test moves."""

    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def test_round_trip() -> None:
    """Who logged in is read back, in another process that has the same secret too."""
    value = Sessions(b"secret").make("Zoë: admin", "d1")
    assert Session("Zoë: admin", "d1") == Sessions(b"secret").read(value)


def test_its_end() -> None:
    """After its time, and before it was opened, it counts no more."""
    clock = Clock()
    sessions = Sessions(b"secret", clock)
    value = sessions.make("ada", "d1")
    clock.now += LASTS - 1
    assert sessions.read(value) is not None
    clock.now += 1
    assert sessions.read(value) is None
    clock.now -= LASTS + 1
    assert sessions.read(value) is None


def test_another_secret() -> None:
    """What another server has made counts for nothing."""
    assert Sessions(b"one").read(Sessions(b"other").make("ada", "d1")) is None


def test_every_changed_letter() -> None:
    """A cookie that differs in one letter is none."""
    sessions = Sessions(b"secret")
    value = sessions.make("ada", "d1")
    for place in range(len(value)):
        changed = value[:place] + ("A" if value[place] != "A" else "B") + value[place + 1 :]
        found = sessions.read(changed)
        assert found is None, changed


@pytest.mark.parametrize("value", ["", ".", "a.b", "é.é", "\x00", "a" * 100_000, "e30." + "A" * 43, "\ud800.x"])
def test_rubbish(value: str) -> None:
    """Whatever a client sends, the answer is that it is no session."""
    assert Sessions(b"secret").read(value) is None


def test_cookie_header() -> None:
    """The value is found among others; a header that cannot be read has none."""
    assert "v" == cookie_of(f"other=1; {COOKIE}=v; x=y".encode())
    assert cookie_of(b"other=1") is None
    assert cookie_of(b"") is None
    assert cookie_of(b'\xff\xfe=;;;="') is None
