"""From plain data, as a YAML file has it, to a checked dataclass of settings: the one way for every section of a configuration."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any, ClassVar, Protocol, TypeVar

from vreason.config_checks import shown, unknown_key
from vreason.errors import ConfigIssue


class CheckedConfig(Protocol):
    """A frozen dataclass of settings, each with a plain default, that knows what is wrong with it."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    def issues(self, path: str) -> list[ConfigIssue]:
        """Everything wrong with these settings; `path` is where they stand in the configuration."""
        ...


Config = TypeVar("Config", bound=CheckedConfig)


def config_from_mapping(
    kind: type[Config], values: object, path: str, *, or_null: bool = False, elsewhere: Iterable[str] = ()
) -> tuple[Config | None, list[ConfigIssue]]:
    """The settings that a mapping spells out, or None and everything wrong with it.

    Args:
        kind: the dataclass; what the mapping leaves out is its default.
        values: the mapping, unchecked.
        path: where it stands in the configuration ("variants.0.controller").
        or_null: None may stand for the mapping, and gives None without an issue.
        elsewhere: dotted paths of all settings, from which a key in the wrong section is suggested its right one.
    """
    known = [field.name for field in fields(kind)]
    if values is None and or_null:
        return None, []
    if not isinstance(values, Mapping):
        allowed = f"a mapping with any of {', '.join(known)}{', or null' if or_null else ''}"
        return None, [ConfigIssue(path, f"{shown(values)} is not {allowed}")]
    given = {name: values[name] for name in known if name in values}
    issues = [unknown_key(f"{path}.{key}", key, known, elsewhere) for key in values if key not in known]
    issues += _unchecked(kind, given).issues(path)
    return (None, issues) if issues else (kind(**given), [])


def _unchecked(kind: type[Config], given: Mapping[str, Any]) -> Config:
    """An instance that was never checked, for its own `issues` to look at under another path; it goes no further."""
    instance = object.__new__(kind)
    for field in fields(kind):
        object.__setattr__(instance, field.name, given.get(field.name, field.default))
    return instance
