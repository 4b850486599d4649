"""vreason_tracking.running.signals: SIGTERM and SIGHUP as an exception."""

from __future__ import annotations

import os
import signal
import threading
import time

import pytest

from vreason_tracking.running.endings import ending_of
from vreason_tracking.running.signals import Terminated, terminable


def terminate_me(number: int = signal.SIGTERM) -> None:
    """Send this process a signal, and give its handler a moment to run."""
    os.kill(os.getpid(), number)
    time.sleep(1)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_it_is_raised(number) -> None:
    """In the main thread, where the work is."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    try:
        with pytest.raises(Terminated) as raised, terminable():
            terminate_me(number)
        assert ("KILLED", f"terminated ({number.name})") == ending_of(raised.value)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_nohup() -> None:
    """Where SIGHUP is ignored, it stays so: the run goes on when the terminal is closed."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with terminable():
            terminate_me(signal.SIGHUP)
            assert signal.SIG_IGN == signal.getsignal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_nothing_that_survives_failing_parts_swallows_it() -> None:
    """It is no `Exception`; whoever closes a run on Ctrl-C closes it now."""
    caught = []
    with terminable():
        try:
            try:
                terminate_me()
            except Exception:
                caught.append("swallowed")
        except KeyboardInterrupt:
            caught.append("interrupt")
    assert ["interrupt"] == caught


def test_the_handler_before_is_put_back() -> None:
    """Whether the block ends well or not, and also where blocks are nested."""
    mine = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        with terminable():
            with terminable():
                pass
            with pytest.raises(Terminated):
                terminate_me()
        assert signal.SIG_IGN == signal.getsignal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, mine)


def test_elsewhere_than_in_the_main_thread() -> None:
    """No handler can be set there; the block does its work all the same."""
    done = []

    def work() -> None:
        with terminable():
            done.append(signal.getsignal(signal.SIGTERM))

    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert [before] == done
