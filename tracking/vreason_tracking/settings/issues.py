"""pydantic's findings about a run configuration in the words of `vreason.config_checks`: the bad value, what is allowed, and for a misspelt
key the nearest right one.

What is allowed is read off the fields themselves (their types, bounds and descriptions), so that it cannot drift from what is checked, and
pydantic's own wording never reaches a reader.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from vreason.config_checks import shown, suggestion, unknown_key
from vreason.errors import ConfigIssue

NAME_RULE = "printable text on one line, not blank"


def is_name(value: object) -> bool:
    """Whether `value` can name a run or a variant: printable text on one line, not blank."""
    return isinstance(value, str) and bool(value.strip()) and value.isprintable()


def plain_issues(error: ValidationError, model: type[BaseModel], also_known: Iterable[str] = ()) -> list[ConfigIssue]:
    """pydantic's findings about `model`, one issue each.

    Args:
        error: what validation raised.
        model: the model that was validated.
        also_known: keys of the top level that are read elsewhere.
    """
    known = tuple(also_known)
    return [_plain_issue(found["type"], tuple(map(str, found["loc"])), found["input"], model, known) for found in error.errors()]


def setting_paths(model: type[BaseModel]) -> Iterator[str]:
    """Every dotted path of a configuration, sections and their fields, whatever the section is made of."""
    for name, field in model.model_fields.items():
        yield name
        yield from (f"{name}.{key}" for key in section_fields(field.annotation))


def section_fields(kind: Any) -> list[str]:
    """The fields of a section's type, a pydantic model or a dataclass; none of any other type."""
    if not isinstance(kind, type):
        return []
    if issubclass(kind, BaseModel):
        return list(kind.model_fields)
    return [field.name for field in fields(kind)] if is_dataclass(kind) else []


def _plain_issue(kind: str, index: tuple[str, ...], value: Any, model: type[BaseModel], also_known: tuple[str, ...]) -> ConfigIssue:
    if index[-1] == "[key]":
        index, kind = index[:-1], "extra_forbidden"
    path = ".".join(index)
    if kind == "extra_forbidden":
        known = [*_keys(model, index[:-1]), *(also_known if len(index) == 1 else ())]
        return unknown_key(path, index[-1], known, setting_paths(model))
    annotation, allowed = _allowed(model, index)
    if kind == "missing":
        return ConfigIssue(path, f"is missing; give {allowed}")
    ending = suggestion(value, _literals(annotation)) if isinstance(value, str) else ""
    if str in _choices(annotation) and isinstance(value, int | float):
        ending = "; put it in quotes"
    return ConfigIssue(path, f"{shown(value)} is not {allowed}{ending}")


def _field(model: type[BaseModel], index: tuple[str, ...]) -> tuple[FieldInfo, tuple[str, ...]]:
    """The field at a path and what is left of the path: nothing, or the key of an entry where the field is a mapping."""
    field = model.model_fields[index[0]]
    inner = field.annotation
    if len(index) > 1 and isinstance(inner, type) and issubclass(inner, BaseModel):
        return _field(inner, index[1:])
    return field, index[1:]


def _keys(model: type[BaseModel], index: tuple[str, ...]) -> list[str]:
    """The keys that the mapping at a path may have."""
    if not index:
        return list(model.model_fields)
    inner = _field(model, index)[0].annotation
    return section_fields(inner) or _literals(get_args(inner)[0])


def _allowed(model: type[BaseModel], index: tuple[str, ...]) -> tuple[Any, str]:
    """The annotation at a path, and what it allows in words."""
    field, entry = _field(model, index)
    if entry:
        inner = get_args(field.annotation)[1]
        return inner, _in_words(inner, ())
    return field.annotation, field.description or _in_words(field.annotation, field.metadata)


def _choices(annotation: Any) -> tuple[Any, ...]:
    """The members of a union, or the one type."""
    return get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)


def _literals(annotation: Any) -> list[str]:
    return [word for kind in _choices(annotation) if get_origin(kind) is Literal for word in get_args(kind)]


def _in_words(annotation: Any, bounds: Iterable[Any]) -> str:
    words = [_type_in_words(kind) for kind in _choices(annotation) if kind is not NoneType]
    text = " or ".join(words) + _bounds_in_words(bounds)
    return f"{text} or null" if NoneType in _choices(annotation) else text


def _type_in_words(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return f"one of {', '.join(get_args(kind))}"
    if get_origin(kind) is dict:
        return f"a mapping with any of {', '.join(_literals(get_args(kind)[0]))}"
    if issubclass(kind, BaseModel):
        return f"a mapping with any of {', '.join(kind.model_fields)}"
    return {bool: "true or false", int: "a whole number", float: "a number", str: "text"}[kind]


def _bounds_in_words(bounds: Iterable[Any]) -> str:
    """ " of at least 1", " above 0 and at most 1": from the constraint objects of a field."""
    spoken = {"ge": "of at least", "gt": "above", "le": "at most", "lt": "below"}
    said = [f"{words} {getattr(bound, name)}" for bound in bounds for name, words in spoken.items() if hasattr(bound, name)]
    return " " + " and ".join(said) if said else ""
