"""vreason_tracking.web.kept: read once for all who look within a moment; what takes long is read in the background."""

from __future__ import annotations

import pytest

from tests.helpers.waiting import wait_until
from vreason_tracking.web.kept import KEPT_FOR, SHARE, SLOW, Kept


class Source:
    """Gives 1, 2, 3 and so on, each after so many seconds of its own clock."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self.now, self.read, self.broken = seconds, 100.0, 0, False

    def clock(self) -> float:
        return self.now

    def __call__(self) -> int:
        self.now += self.seconds
        if self.broken:
            raise OSError("gone")
        self.read += 1
        return self.read


def test_read_again_after_a_moment() -> None:
    """Not before; and what takes a while is kept for ten times as long."""
    for seconds, kept_for in ((0.01, KEPT_FOR), (SLOW, SLOW / SHARE)):
        source = Source(seconds)
        kept = Kept(source, source.clock)
        assert 1 == kept.get()
        source.now += kept_for - 0.001
        assert 1 == kept.get()
        source.now += 0.002
        assert 2 == kept.get()


def test_what_takes_long_is_read_in_the_background() -> None:
    """Whoever looks meanwhile gets the value before."""
    source = Source(10.0)
    kept = Kept(source, source.clock)
    assert 1 == kept.get()
    source.now += 101
    assert 1 == kept.get()
    wait_until(lambda: kept.get() == 2)
    assert 2 == source.read


def test_errors() -> None:
    """The first reading's, and one in the background's, which the next look waits for."""
    source = Source(10.0)
    kept = Kept(source, source.clock)
    source.broken = True
    with pytest.raises(OSError, match="gone"):
        kept.get()
    source.broken = False
    assert 1 == kept.get()
    source.broken = True
    source.now += 101
    assert 1 == kept.get()

    def raises() -> bool:
        try:
            kept.get()
        except OSError:
            return True
        return False

    wait_until(raises)
    source.broken = False
    assert 2 == kept.get()
