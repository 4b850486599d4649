"""Faults of a run configuration in plain words: the bad value, what is allowed, and for a misspelt key the nearest right one.

What is allowed is read off the fields themselves (their types, bounds and descriptions), so that it cannot drift from what is checked, and
pydantic's own wording never reaches a reader.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from vreason.errors import ConfigIssue

NAME_RULE = "printable text on one line, not blank"
_SHOWN = 80  # characters of a bad value that a message repeats


def is_name(value: object) -> bool:
    """Whether `value` can name a run or a variant: printable text on one line, not blank."""
    return isinstance(value, str) and bool(value.strip()) and value.isprintable()


def shown(value: object) -> str:
    """A bad value as YAML spells it, cut to a line."""
    text = {None: "null", True: "true", False: "false"}[value] if value is None or isinstance(value, bool) else repr(value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."


def suggestion(word: object, known: Iterable[str]) -> str:
    """ "; did you mean X?" for the nearest of `known`, or "" when none is near."""
    spelt = {name.lower(): name for name in known}
    near = difflib.get_close_matches(str(word).lower(), list(spelt), n=1)
    return f"; did you mean {spelt[near[0]]}?" if near else ""


def unknown_key(path: str, key: str, known: Iterable[str]) -> ConfigIssue:
    """The fault of a key that nothing reads: the nearest right one, or else all of them."""
    known = list(known)
    return ConfigIssue(path, "unknown key" + (suggestion(key, known) or f"; known are {', '.join(known)}"))


def plain_faults(error: ValidationError, model: type[BaseModel], also_known: Iterable[str] = ()) -> list[ConfigIssue]:
    """pydantic's findings about `model`, one fault each.

    Args:
        error: what validation raised.
        model: the model that was validated.
        also_known: keys of the top level that are read elsewhere.
    """
    known = tuple(also_known)
    return [_plain_fault(found["type"], tuple(map(str, found["loc"])), found["input"], model, known) for found in error.errors()]


def _plain_fault(kind: str, index: tuple[str, ...], value: Any, model: type[BaseModel], also_known: tuple[str, ...]) -> ConfigIssue:
    if index[-1] == "[key]":
        index, kind = index[:-1], "extra_forbidden"
    path = ".".join(index)
    if kind == "extra_forbidden":
        known = [*_keys(model, index[:-1]), *(also_known if len(index) == 1 else ())]
        elsewhere = [other for other in _paths(model) if other.split(".")[-1] == index[-1]]
        if not suggestion(index[-1], known) and len(elsewhere) == 1:
            return ConfigIssue(path, f"unknown key; did you mean {elsewhere[0]}?")
        return unknown_key(path, index[-1], known)
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
    if isinstance(inner, type) and issubclass(inner, BaseModel):
        return list(inner.model_fields)
    return _literals(get_args(inner)[0])


def _paths(model: type[BaseModel], above: str = "") -> Iterator[str]:
    """Every dotted path of a model."""
    for name, field in model.model_fields.items():
        yield above + name
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _paths(field.annotation, f"{above}{name}.")


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
