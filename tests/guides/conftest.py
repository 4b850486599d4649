"""What following a guide needs: the program, loaded once for all guides, and somebody who does what is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.helpers.forked_program import ForkedProgram, forked_program
from tests.helpers.guides import Walk


@pytest.fixture(scope="session")
def program() -> Iterator[ForkedProgram]:
    """`vreason-track`, forked from a process that has loaded everything."""
    with forked_program() as started:
        yield started


@pytest.fixture(scope="module")
def followed(program: ForkedProgram, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Walk]:
    """A guide, followed from its first line to its last."""
    return lambda guide: Walk(guide, tmp_path_factory.mktemp(guide), program).follow()
