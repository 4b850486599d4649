"""The rows of a data file: JSON, JSON lines, CSV, TSV or Parquet, packed with gzip or not."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vreason.errors import DataError

FORMS = "JSON, JSONL, CSV, TSV or Parquet"
_GZIP, _PARQUET = b"\x1f\x8b", b"PAR1"
_LISTS = ("data", "questions", "samples", "rows", "items")  # under which files keep the rows of an object


@dataclass(frozen=True)
class Row:
    """A row.

    Attributes:
        place: where it stands, for messages: "row 3", "line 7".
        values: by column; something else than a dict where the file holds something else.
        fault: why there are no values; None where there are.
    """

    place: str
    values: Any = None
    fault: str | None = None


def read_rows(path: Path) -> list[Row]:
    """All rows, in order; of a JSONL file also the lines that are no JSON, with what is wrong with them.

    Raises:
        DataError: the file cannot be read at all.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise DataError(f"{path}: no such file; check data.source (it was looked for at {path.absolute()})") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error}); give a {FORMS} file") from None
    if data.startswith(_GZIP):
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError, zlib.error) as error:
            raise DataError(f"{path}: is packed with gzip, and damaged ({error}); copy it again") from None
    if data.startswith(_PARQUET):
        return _parquet(path, data)
    text = _text(path, data)
    kind = Path(path.name.removesuffix(".gz")).suffix.lower()
    if kind in (".csv", ".tsv"):
        return list(_table(path, text, "\t" if kind == ".tsv" else ","))
    if text.lstrip().startswith("["):
        return _list(path, text)
    if kind != ".jsonl" and (rows := _object(text)) is not None:
        return [Row(f"row {number}", row) for number, row in enumerate(rows, 1)]
    return list(_lines(text))


def _text(path: Path, data: bytes) -> str:
    """UTF-8, with or without a byte order mark; UTF-16 with one."""
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") and len(data) % 2 == 0 else "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise DataError(f"{path}: line {line} is no UTF-8 text ({error.reason} at byte {error.start}); give a {FORMS} file") from None


def _parquet(path: Path, data: bytes) -> list[Row]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(io.BytesIO(data))
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path}: is a Parquet file that cannot be read ({str(error).splitlines()[0]}); copy it again") from None
    return [Row(f"row {number}", row) for number, row in enumerate(table.to_pylist(), 1)]


def _table(path: Path, text: str, mark: str) -> Iterator[Row]:
    """Rows of a table with a head; a cell that is a JSON list or object is one, and an empty one is left out."""
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=mark, strict=True)
    try:
        for row in reader:
            place = f"line {reader.line_num}"
            if None in row or None in row.values():
                yield Row(place, fault=f"has another number of cells than the head ({len(reader.fieldnames or ())})")
            else:
                yield Row(place, {name: _cell(cell) for name, cell in row.items() if cell.strip()})
    except csv.Error as error:
        raise DataError(f"{path}: line {reader.line_num} is not valid CSV ({error}); one row of cells a line, after a head") from None


def _cell(cell: str) -> Any:
    if cell.lstrip()[:1] in ("[", "{"):
        try:
            return json.loads(cell)
        except json.JSONDecodeError:
            return cell
    return cell


def _list(path: Path, text: str) -> list[Row]:
    """A JSON list; each row with the line on which it begins."""
    try:
        rows = json.loads(text)
    except json.JSONDecodeError as error:
        raise DataError(f"{path}: not valid JSON at line {error.lineno}, column {error.colno}: {error.msg}") from None
    decoder, at, found, line, counted = json.JSONDecoder(), text.index("[") + 1, list[Row](), 1, 0
    for number, row in enumerate(rows, 1):
        while text[at] in " \t\r\n,":
            at += 1
        line, counted = line + text.count("\n", counted, at), at
        found.append(Row(f"row {number} (line {line})", row))
        at = decoder.raw_decode(text, at)[1]
    return found


def _object(text: str) -> list[Any] | None:
    """The rows of one object that keeps them in a list: {"data": [...]}; None where the text is something else."""
    try:
        whole = json.loads(text)
    except json.JSONDecodeError:
        return None
    lists = [whole[name] for name in _LISTS if isinstance(whole, dict) and isinstance(whole.get(name), list)]
    return lists[0] if len(lists) == 1 else None


def _lines(text: str) -> Iterator[Row]:
    for number, line in enumerate(text.split("\n"), 1):  # not splitlines: a JSON text may hold U+2028 and its like
        if line.strip():
            try:
                yield Row(f"line {number}", json.loads(line))
            except json.JSONDecodeError as error:
                yield Row(f"line {number}", fault=f"is not valid JSON ({error.msg}); one object a line")
