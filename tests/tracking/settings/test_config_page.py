"""vreason_tracking.settings.config_page: docs/config.md out of the classes that read a config."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import pytest

from vreason_tracking.settings import parse_settings
from vreason_tracking.settings.config_page import _SECTIONS, _fields, attribute_texts, render

DOCS = Path(__file__).parents[3] / "docs" / "config.md"
SMALL = "name: a\nvariants: [{name: v-reason, preset: v-reason-lite}]\n"


def test_the_page_is_up_to_date() -> None:
    """`make docs` writes it anew."""
    assert render() == DOCS.read_text(encoding="utf-8")


def test_every_field_of_a_config_is_there() -> None:
    """Each of a whole config's fields stands in its section's table, with the default that it has in a config without it."""
    settings = parse_settings(SMALL)
    sections = {part.split("\n")[0].strip("# `").removeprefix("variants[]."): part for part in render().split("\n## ")}
    sections |= {part.split("\n")[0].strip("# `").removeprefix("variants[]."): part for part in render().split("\n### ")}
    for path, value in settings.flattened().items():
        section, _, field = path.removeprefix("variants.0.").rpartition(".")
        if path in ("name", "variants.0.name") or section.startswith("prompt") or path == "data.split":
            continue
        (row,) = [line for line in sections[section or "Top level"].splitlines() if line.startswith(f"| `{field}` |")]
        written = str(value).lower() if isinstance(value, bool) else str(value)
        assert f"`{written}`" in row.split(" | ")[2] or (written, row.split(" | ")[2]) == ("null", "none"), path


@pytest.mark.parametrize("kind", _SECTIONS.values(), ids=_SECTIONS)
def test_every_field_has_a_meaning(kind: type) -> None:
    """In its class's docstring, which nothing else is read from."""
    names = [name for name, _, _ in _fields(kind)]
    assert names
    assert [] == [name for name in names if not attribute_texts(kind).get(name)]
    assert set(names) == set(attribute_texts(kind))


def test_as_a_program(tmp_path, monkeypatch) -> None:
    """`python -m vreason_tracking.settings.config_page FILE` writes the page into the file."""
    monkeypatch.setattr(sys, "argv", ["config_page", str(tmp_path / "config.md")])
    monkeypatch.delitem(sys.modules, "vreason_tracking.settings.config_page")
    runpy.run_module("vreason_tracking.settings.config_page", run_name="__main__")
    assert render() == (tmp_path / "config.md").read_text(encoding="utf-8")
