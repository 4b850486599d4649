"""The schema of the record: the one list of its columns, derived from the fields of the records themselves.

A column has a type, says whether it may be empty, and in which version of the record it came (`vreason.events.Since`). A record of an
earlier version lacks the columns that came later; they are read as their defaults. A column that came later therefore has a default: a
class that breaks this rule cannot be described, and nothing can be written with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin, get_type_hints

from vreason.events import Since

_Record = TypeVar("_Record")


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        name: of the field.
        kind: type of one value: str, int, float or bool; of a list's items where `many`.
        many: a list of values.
        optional: may be empty (None).
        since: version of the record in which it came; 1 is the first.
        default: what it is in a record that lacks it; `MISSING` for a column that every version has and that may not be empty.
    """

    name: str
    kind: type
    many: bool
    optional: bool
    since: int
    default: Any


def columns_of(record: type[Any]) -> tuple[Column, ...]:
    """The columns of a record's class, in the order of its fields.

    Raises:
        TypeError: a field is of a type that the record cannot hold, or came later and has no default.
    """
    return _described(record)  # type: ignore[arg-type]  # a class can be hashed


@cache
def _described(record: type[Any]) -> tuple[Column, ...]:
    hints = get_type_hints(record, include_extras=True)
    return tuple(_column(record, field.name, hints[field.name], field.default) for field in fields(record))


def column_names(record: type[Any]) -> tuple[str, ...]:
    """Names of a record's columns, in the order of its fields."""
    return tuple(column.name for column in columns_of(record))


def _column(record: type[Any], name: str, hint: Any, default: Any) -> Column:
    since = 1
    if get_origin(hint) is Annotated:
        hint, *notes = get_args(hint)
        since = next((note.version for note in notes if isinstance(note, Since)), 1)
    choices = [each for each in get_args(hint) if each is not NoneType] if get_origin(hint) in (Union, UnionType) else [hint]
    optional = NoneType in get_args(hint)
    kind, many = choices[0], get_origin(choices[0]) is tuple
    if many:
        kind = get_args(kind)[0]
    if len(choices) != 1 or kind not in (str, int, float, bool):
        raise TypeError(f"{record.__name__}.{name}: the record cannot hold {hint}")
    if default is MISSING and optional:
        default = None
    if since > 1 and default is MISSING:
        raise TypeError(f"{record.__name__}.{name}: came in version {since} of the record, and needs a default for those before")
    return Column(name, kind, many, optional, since, default)


def missing_columns(record: type[Any], present: Sequence[str], version: int | None) -> list[str]:
    """Columns that a record should have and has not.

    Args:
        record: the class.
        present: names of the columns that are there.
        version: of the record that is read; None where it does not say, as before version 4: then whatever came later may be missing.
    """
    return [column.name for column in columns_of(record) if column.name not in present and column.since <= (version or 1)]


def make_record(record: type[_Record], values: Mapping[str, Any]) -> _Record:
    """A record out of what was read: columns of later versions are passed over, those that an earlier one lacks get their defaults.

    Raises:
        TypeError: the values are no mapping.
        ValueError: a column that every version has is missing.
    """
    if not isinstance(values, Mapping):
        raise TypeError(f"columns by name were expected, not {values!r:.40}")
    given: dict[str, Any] = {}
    for column in columns_of(record):
        value = values.get(column.name, column.default)
        if value is MISSING:
            raise ValueError(f"no column {column.name}")
        given[column.name] = tuple(value) if column.many and value is not None else value
    return record(**given)
