"""Changes from the command line: `--set a.b=c` lays one value over a configuration."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vreason.config_checks import shown
from vreason.errors import ConfigError, ConfigIssue
from vreason_tracking.settings.yaml_files import read_value

FLAG = "--set"


def apply_overrides(data: dict[str, Any], overrides: Sequence[str]) -> list[ConfigIssue]:
    """Lay every override over `data`, in order; the issues of those that could not be.

    Args:
        data: a configuration's mapping; changed in place.
        overrides: texts of the form ``path=value``. The path is dotted, list items by their index from 0; the value is YAML. What
            the path leads through is made where it is missing.
    """
    issues: list[ConfigIssue] = []
    for override in overrides:
        path, equals, text = override.partition("=")
        keys = _keys(path.strip())
        if not equals or not all(keys):
            issues.append(ConfigIssue(FLAG, f"{shown(override)} is not of the form path=value; write for example {FLAG} data.limit=10"))
            continue
        try:
            _assign(data, keys, read_value(text))
        except ConfigError as error:
            issues += [ConfigIssue(f"{FLAG} {path}", str(issue)) for issue in error.issues]
    return issues


def _keys(path: str) -> list[str]:
    """The steps of a path. A matrix's keys are dotted themselves: "matrix.controller.k" is two steps."""
    first, _, rest = path.partition(".")
    return [first, rest] if first == "matrix" and rest else path.split(".")


def _assign(data: dict[str, Any], keys: list[str], value: Any) -> None:
    """Put `value` at a path.

    Raises:
        ConfigError: a step of the path is no index of its list, or leads into a single value.
    """
    index: Any = data
    for depth, key in enumerate(keys):
        if not isinstance(index, dict | list):
            raise ConfigError(
                [ConfigIssue("", f"{'.'.join(keys[:depth])} is {shown(index)}, which has no parts; give the whole of it instead")]
            )
        step: Any = _index(index, keys[:depth], key) if isinstance(index, list) else key
        if depth == len(keys) - 1:
            index[step] = value
        elif isinstance(index, dict) and index.get(step) is None:
            index[step] = {}
        index = index[step]


def _index(items: list[Any], above: list[str], key: str) -> int:
    path = ".".join(above)
    if not (key.isascii() and key.isdigit() and len(key) < 10):
        raise ConfigError([ConfigIssue("", f"{path} is a list and {shown(key)} is no index; write {path}.0 for its first item")])
    if int(key) >= len(items):
        numbers = f"has {len(items)} item(s), numbered from 0" if items else "is empty"
        raise ConfigError([ConfigIssue("", f"there is no {path}.{key}; {path} {numbers}")])
    return int(key)
