"""`vreason-track model promote` on a real terminal: whoever moves an alias is asked why."""

from __future__ import annotations

import os
import pty
import sys
import time
from pathlib import Path

import pytest

from tests.helpers.bundle_world import BundleWorld

pytestmark = pytest.mark.slow

PROGRAM = Path(sys.executable).with_name("vreason-track")


def test_the_reason_is_asked_for(own_bundles: BundleWorld, tmp_path: Path) -> None:
    """After the difference of the cards; what is typed stays on the version."""
    own_bundles.register("baseline")
    child, terminal = pty.fork()
    if child == 0:
        os.execv(PROGRAM, [str(PROGRAM), "model", "promote", "shapes/2", "champion", *own_bundles.places])
    said, end = b"", time.monotonic() + 120
    answered = False
    while time.monotonic() < end:
        try:
            part = os.read(terminal, 4096)
        except OSError:  # the terminal is gone with the program
            break
        said += part
        if not answered and b"Why does the alias move?" in said:
            os.write(terminal, b"it is quicker\n")
            answered = True
    _, status = os.waitpid(child, 0)
    os.close(terminal)
    assert 0 == os.waitstatus_to_exitcode(status), said.decode()
    assert said.index(b"controller.lr") < said.index(b"Why does the alias move?")
    assert "it is quicker" in own_bundles.registry.find("shapes/2").tags["vreason.promoted.champion"]
