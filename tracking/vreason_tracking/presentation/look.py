"""The look that reports, cards and pages share: one sheet of style, and its colours in the dark for what has no fixed pictures."""

from __future__ import annotations

from importlib.resources import files

_HERE = files("vreason_tracking.presentation")

LOOK = _HERE.joinpath("look.css").read_text(encoding="utf-8")
"""CSS: colours, letters, tables, warnings. What a kind of page has for itself comes behind it."""

DARK = _HERE.joinpath("dark.css").read_text(encoding="utf-8")
"""CSS: the colours where somebody prefers dark ones."""
