"""What somebody finds who looks at the package in an interpreter."""

from __future__ import annotations

import pydoc

import pytest

import vreason


@pytest.mark.parametrize("name", ["decode", "VReasonConfig", "Listener", "StepRecord"])
def test_the_names_of_the_readme(name: str) -> None:
    """They are listed before they are used for the first time, and `help` shows them."""
    assert name in dir(vreason)
    assert name in vreason.__all__
    assert name in pydoc.render_doc(vreason, renderer=pydoc.plaintext).partition("PACKAGE CONTENTS")[2]
