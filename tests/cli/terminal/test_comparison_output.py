"""vreason_cli.terminal.comparison_output: a comparison on the terminal."""

from __future__ import annotations

import re

import pytest


def test_what_is_printed(compare, journal) -> None:
    """What was asked, a sentence a run, accuracy and costs; nothing on failures where there are none."""
    outcome = compare("baseline", "v-reason", "--no-log")
    assert 0 == outcome.code, outcome.err
    opening, verdict, blank, *tables = outcome.out.splitlines()
    assert "2 runs of trial, 14 questions about 14 videos, scoring profile robust; baseline: baseline." == opening
    assert verdict.startswith("  v-reason: no difference to baseline is shown: +42.9 points (")
    assert "" == blank
    assert ["Accuracy", "Costs"] == [line for line, before in zip(tables, ["", *tables], strict=False) if not before]
    row = next(line for line in tables if line.startswith("v-reason "))
    assert ["v-reason", "14", "0", "92.9", "%"] == row.split()[:5]
    assert ["7", "1"] == row.split()[-2:]


def test_failures_are_shown_where_there_are_some(compare, unlike) -> None:
    """What they failed of, and only the columns in which a run has something."""
    lines = compare("v-reason", "baseline", "--force", "--no-log").out.splitlines()
    place = lines.index("Failures and failure signatures")
    heads = re.split(r"  +", lines[place + 1])
    assert ["run", "errors", "failed", "left out", "accuracy if failures are wrong", "premature-peak", "truncated", "unparsed"] == heads
    assert "is not a video (1)" in lines[place + 2]


@pytest.mark.parametrize(
    ("grouping", "first"),
    [("benchmark", "shapes"), ("problem-type", "multiple choice"), ("video-length", "2 s to 4 s"), ("category", "direction")],
)
def test_by_groups(compare, journal, grouping, first) -> None:
    """A table of accuracy more, after the others."""
    out = compare("baseline", "v-reason", "--by", grouping, "--no-log").out
    title = f"Accuracy by {grouping.replace('-', ' ')}"
    table = out[out.index(title) :].splitlines()
    assert table[1].startswith(grouping.replace("-", " "))
    assert [first, "baseline"] == re.split(r"  +", table[2])[:2]


def test_several_groupings(compare, journal) -> None:
    """In the order in which they were asked for."""
    out = compare("baseline", "v-reason", "--by", "category", "--by", "benchmark", "--no-log").out
    assert ["category", "benchmark"] == re.findall("Accuracy by (.*)", out)


def test_no_colours_in_a_file(compare, unlike) -> None:
    """What is not a terminal gets plain text, however it is named."""
    assert "\x1b" not in compare("v-reason", "baseline", "--force").out


@pytest.mark.parametrize("columns", ["60", "100"])
def test_a_narrow_terminal(compare, unlike, monkeypatch, columns) -> None:
    """Tables keep to its width, and say what they leave out; the outcome stays."""
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("COLUMNS", columns)
    out = re.sub(r"\x1b\[[0-9;]*m", "", compare("v-reason", "baseline", "--force").out)
    table = out[out.index("\nAccuracy") : out.index("too narrow for")]
    assert max(map(len, table.splitlines())) <= int(columns)
    assert "+8.0" in table
    assert "too narrow for: won, lost, p, answered" in out
