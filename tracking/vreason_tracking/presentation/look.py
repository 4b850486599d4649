"""The look that reports and pages share: one sheet of style."""

from __future__ import annotations

from importlib.resources import files

LOOK = files("vreason_tracking.presentation").joinpath("look.css").read_text(encoding="utf-8")
"""CSS: colours, letters, tables, warnings. What a kind of page has for itself comes behind it."""
