"""What real runs need: the program, loaded once for all tests of a worker."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.helpers.forked_program import ForkedProgram, forked_program


@pytest.fixture(scope="session")
def program() -> Iterator[ForkedProgram]:
    """`vreason-track`, forked from a process that has loaded everything."""
    with forked_program() as started:
        yield started
