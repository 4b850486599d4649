"""A record as a line of text: eight hexadecimal digits of CRC-32, a space, JSON, a newline.

Lines, because a reader finds its footing again at the next newline after any damage, and because `cut -c10- | jq` reads them. CRC-32
because it finds every single flipped bit, every burst up to 32 bits, and all but one in four thousand million other faults.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from zlib import crc32

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False).encode
_CHECKSUM = re.compile(rb"[0-9a-f]{8} ")


@dataclass(frozen=True)
class Line:
    """One line of a file.

    Attributes:
        number: from 1.
        offset: of its first byte.
        record: what it holds; None when it is damaged.
        fault: what is wrong with it; None when nothing is.
    """

    number: int
    offset: int
    record: list[Any] | None
    fault: str | None = None


def to_line(record: list[Any]) -> bytes:
    """The record's line, newline included. Floats keep every bit; NaN and the infinities are written as JSON's usual extension.

    Raises:
        TypeError: the record holds something that JSON does not know.
    """
    body = _encode(record).encode("utf-8", "surrogatepass")
    return b"%08x %s\n" % (crc32(body), body)


def is_intact(line: bytes) -> bool:
    """Whether a line, without its newline, is what `to_line` wrote, by its checksum alone."""
    return line[:9] == b"%08x " % crc32(line[9:])  # digit by digit: as a number, "A1", " a1" and "0a1" would be the same as "a1"


def from_line(line: bytes) -> list[Any]:
    """The record of a line without its newline.

    Raises:
        ValueError: the line is not what `to_line` wrote; says how.
    """
    body = line[9:]
    if not _CHECKSUM.match(line):
        raise ValueError("no checksum at its beginning")
    if not is_intact(line):
        raise ValueError(f"checksum {line[:8].decode('ascii', 'replace')} stands, {crc32(body):08x} was found")
    record = json.loads(body.decode("utf-8", "surrogatepass"))
    if not isinstance(record, list) or not record or not isinstance(record[0], str):
        raise ValueError("not a record")
    return record


def read_lines(data: bytes) -> Iterator[Line]:
    """Every line of a file's bytes. A last line without its newline is damaged, whatever it holds: its writer was not done with it."""
    offset, number = 0, 0
    while offset < len(data):
        number += 1
        end = data.find(b"\n", offset)
        if end < 0:
            yield Line(number, offset, None, "torn: no newline at its end")
            return
        try:
            yield Line(number, offset, from_line(data[offset:end]))
        except ValueError as error:
            yield Line(number, offset, None, str(error))
        offset = end + 1
