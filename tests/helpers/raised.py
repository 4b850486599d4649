"""The errors of failing calls, to be looked at."""

from __future__ import annotations

from collections.abc import Callable

import pytest


def error_of(call: Callable[[], object]) -> BaseException:
    """What the call raises."""
    with pytest.raises(Exception) as caught:  # noqa: PT011 - which one is what the test is about
        call()
    return caught.value
