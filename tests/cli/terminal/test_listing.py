"""vreason_cli.terminal.listing: tables, times, sizes, and JSON for machines."""

from __future__ import annotations

import json

import pytest

from vreason_cli.terminal.listing import duration, is_terminal, moment, print_json, print_table, size


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(None, "-"), (0, "0 s"), (59.4, "59 s"), (59.6, "1 min 0 s"), (723, "12 min 3 s"), (3600, "1 h 0 min"), (-3, "0 s")],
)
def test_durations(seconds, expected) -> None:
    """In the two units that matter."""
    assert expected == duration(seconds)


@pytest.mark.parametrize(
    ("count", "expected"), [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (5 * 2**20, "5.0 MiB"), (3 * 2**40, "3,072.0 GiB")]
)
def test_sizes(count, expected) -> None:
    """In powers of 1,024."""
    assert expected == size(count)


def test_moments(monkeypatch) -> None:
    """UTC becomes the time of this place; what is no time is a dash."""
    import time

    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert ("2026-11-20 18:45:12", "2026-11-20 18:45") == (moment("2026-11-20T09:45:12Z"), moment("2026-11-20T09:45:12Z", "minutes"))
        assert ("-", "-") == (moment(""), moment("soon"))
    finally:
        monkeypatch.undo()
        time.tzset()


def test_json(capsys) -> None:
    """What JSON has no word for is null, and named with its place; tuples and sets are lists."""
    print_json({"a": float("nan"), "b": (1, float("-inf")), "c": {"d": None, "e": 0.1}, "f": frozenset({2})})
    document = json.loads(capsys.readouterr().out, parse_constant=lambda word: pytest.fail(word))
    places = {"a": "nan", "b[1]": "-inf"}
    assert {"a": None, "b": [1, None], "c": {"d": None, "e": 0.1}, "f": [2], "not_finite": places} == document
    print_json({"a": 1.5})
    assert {"a": 1.5} == json.loads(capsys.readouterr().out)


def test_a_table_is_as_wide_as_it_needs_to_be(capsys, monkeypatch) -> None:
    """Where nobody looks at a terminal nothing is cut or folded, however long."""
    monkeypatch.setenv("COLUMNS", "20")
    long = "x" * 500
    print_table(("id", "text"), [("1", long), ("2", "y")], spare=("text",))
    lines = capsys.readouterr().out.splitlines()
    assert (3, f"1   {long}") == (len(lines), lines[1].rstrip())
    assert not is_terminal()


@pytest.fixture
def narrow(terminal, monkeypatch):
    """A terminal of 40 columns without colours."""
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("LINES", "40")  # with both, nobody asks the terminal that the tests are started from
    monkeypatch.setenv("TERM", "dumb")


def test_a_table_on_a_terminal(capsys, narrow) -> None:
    """It fits, and no letter is lost; the first column, by which a row is named, is never folded."""
    print_table(("id", "text"), [("0123456789abcdef", "word " * 20 + "x" * 60)])
    out = capsys.readouterr().out
    assert is_terminal()
    assert "0123456789abcdef" in out
    assert 40 >= max(map(len, out.splitlines()))
    assert (20, 61) == (out.count("word"), out.count("x"))  # one in the heading


@pytest.mark.parametrize(
    ("width", "headings", "excluded"),
    [(10, ["id", "a", "b", "c"], ""), (20, ["id", "b", "c"], "too narrow for: a"), (50, ["id", "c"], "too narrow for: a, b")],
)
def test_columns_that_can_be_spared(capsys, narrow, width, headings, excluded) -> None:
    """A narrow terminal loses whole columns, the least important first, before any is folded; which ones is said."""
    print_table(("id", "a", "b", "c"), [("1", "x" * 8, "y" * (width - 8 if width > 40 else 9), "z" * width)], spare=("a", "b"))
    lines = capsys.readouterr().out.splitlines()
    assert headings == lines[0].split()
    assert excluded == lines[-1].split(" (")[0] if excluded else "too narrow" not in lines[-1]


def test_numbers_are_on_the_right(capsys) -> None:
    """Columns that are named so; cells are no markup."""
    print_table(("id", "n"), [("[red]a", "1"), ("b", "1,000")], right=("n",))
    assert ["id          n", "[red]a      1", "b       1,000"] == capsys.readouterr().out.splitlines()
