"""vreason_tracking.journal.lines: a record as a line that tells every change of itself."""

from __future__ import annotations

import json
import math
import struct
from typing import Any

import pytest
from hypothesis import given, strategies as st

from vreason_tracking.journal.lines import from_line, read_lines, to_line

TEXT = st.text(st.characters(codec=None, exclude_categories=()))  # lone surrogates and control characters included
HUGE = st.integers(-(10**300), 10**300)
SCALARS = st.one_of(st.none(), st.booleans(), HUGE, st.floats(), TEXT)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4), max_leaves=12)
ODD = ["step", 'a "quoted" \\ line\nand\r\n another', "\ud800", "größer", 0.1, -0.0, 5e-324, None, True, 10**30]
LINE = to_line(ODD)[:-1]


def bits(value: Any) -> Any:
    """The value with its floats as their 64 bits, so that -0.0 is not 0.0, and NaN is itself."""
    if isinstance(value, float):
        return "nan" if math.isnan(value) else struct.pack(">d", value)
    if isinstance(value, list):
        return [bits(each) for each in value]
    return {name: bits(each) for name, each in value.items()} if isinstance(value, dict) else (type(value), value)


def is_found(line: bytes) -> bool:
    """Whether a changed line is not taken for a record."""
    try:
        from_line(line)
    except ValueError:
        return True
    return False


@given(st.lists(VALUES, max_size=6))
def test_there_and_back(values: list[Any]) -> None:
    """Whatever JSON knows comes back as it was, every bit of a float, every character of a text; and it is one line."""
    line = to_line(["kind", *values])
    assert (1, True) == (line.count(b"\n"), line.endswith(b"\n"))
    assert bits(["kind", *values]) == bits(from_line(line[:-1]))


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan, 5e-324, -0.0, 1.7976931348623157e308, 2**63, 10**4000, "", "x" * 10**6])
def test_values_at_the_edge(value: Any) -> None:
    """Infinities, NaN, the smallest and the largest float, integers beyond 64 bits, an empty and a very long text."""
    assert bits(["kind", value]) == bits(from_line(to_line(["kind", value])[:-1]))


def test_what_a_line_looks_like() -> None:
    """Eight hexadecimal digits of CRC-32, a space, JSON without escapes for letters: `cut -c10- | jq` reads it."""
    assert b'1b160e70 ["step","gr\xc3\xb6\xc3\x9fer",0.1]\n' == to_line(["step", "größer", 0.1])
    assert ["step", "größer", 0.1] == json.loads(to_line(["step", "größer", 0.1])[9:])


def test_a_value_that_json_does_not_know() -> None:
    """It is refused when it is written, not when somebody reads it."""
    with pytest.raises(TypeError, match="not JSON serializable"):
        to_line(["step", {1, 2}])


@pytest.mark.parametrize("line", [LINE, *(to_line(["step", number])[:-1] for number in range(50))])
def test_every_flipped_bit(line: bytes) -> None:
    """No line with one bit flipped is taken for a record, wherever the bit is: in its checksum, too."""
    flipped = [line[: place // 8] + bytes([line[place // 8] ^ 1 << place % 8]) + line[place // 8 + 1 :] for place in range(8 * len(line))]
    assert [] == [changed for changed in flipped if not is_found(changed)]


def test_every_changed_byte() -> None:
    """No line with one byte changed, to whichever other, is taken for a record."""
    missed = [
        (place, value)
        for place in range(len(LINE))
        for value in range(256)
        if value != LINE[place] and not is_found(LINE[:place] + bytes([value]) + LINE[place + 1 :])
    ]
    assert [] == missed


def test_every_removed_byte() -> None:
    """No line that lost a byte is taken for a record."""
    assert [] == [place for place in range(len(LINE)) if not is_found(LINE[:place] + LINE[place + 1 :])]


def test_every_inserted_byte() -> None:
    """No line that gained a byte, whichever and wherever, is taken for a record."""
    missed = [
        (place, value)
        for place in range(len(LINE) + 1)
        for value in range(256)
        if not is_found(LINE[:place] + bytes([value]) + LINE[place:])
    ]
    assert [] == missed


def test_a_checksum_of_another_shape() -> None:
    """It is eight lower-case digits and nothing else, though Python reads numbers of other shapes too, where a zero leads."""
    lines = [line for line in (to_line(["step", number])[:-1] for number in range(2000)) if line.startswith(b"0")]
    shapes = [(digits.upper(), b"%8x" % int(digits, 16), b"+" + digits[1:], b"0x" + digits[2:]) for digits in (line[:8] for line in lines)]
    changed = [shape + line[8:] for line, each in zip(lines, shapes, strict=True) for shape in each if shape != line[:8]]
    assert 300 < len(changed)
    assert [] == [line for line in changed if not is_found(line)]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"", "no checksum"),
        (b"hello, world", "no checksum"),
        (LINE[:20], "was found"),
        (to_line({"a": 1})[:-1], "not a record"),  # type: ignore[arg-type]
        (to_line([])[:-1], "not a record"),
        (to_line([1, 2])[:-1], "not a record"),
    ],
)
def test_what_is_no_record(line: bytes, reason: str) -> None:
    """The message says what is wrong with it."""
    with pytest.raises(ValueError, match=reason):
        from_line(line)


def test_lines_of_a_file() -> None:
    """Each has its number and its first byte's offset; after a damaged one the reader finds its footing at the next newline."""
    first, second, third = (to_line(["step", number]) for number in range(3))
    found = list(read_lines(first + b"rubbish\n" + second + third))
    assert [1, 2, 3, 4] == [line.number for line in found]
    assert [0, len(first), len(first) + 8, len(first) + 8 + len(second)] == [line.offset for line in found]
    assert [["step", 0], None, ["step", 1], ["step", 2]] == [line.record for line in found]
    assert [None, "no checksum at its beginning", None, None] == [line.fault for line in found]


def test_a_torn_last_line() -> None:
    """What has no newline is not a record yet, though it may look whole: its writer was not done with it."""
    *_, last = read_lines(to_line(["step", 0]) + to_line(["step", 1])[:-1])
    assert (None, "torn: no newline at its end") == (last.record, last.fault)


def test_an_empty_file() -> None:
    """It has no lines."""
    assert [] == list(read_lines(b""))
