"""YAML in and out, strictly: the one dialect that run configurations are read and written in.

Differs from PyYAML's defaults where those surprise: `3e-4` is a number (not text), `yes`, `no`, `on`, `off` and dates are text, a key given
twice is an error instead of the last one winning.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from vreason.errors import ConfigError, ConfigIssue

_DEPTH = 20  # deeper than any configuration; also ends an alias that contains itself
_LARGEST = 2**63  # beyond it no setting makes sense, and a float conversion could overflow

_MERGE = "tag:yaml.org,2002:merge"
_RESOLVERS = (
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
    ("int", r"^(?:[-+]?(?:0|[1-9][0-9_]*)|0x[0-9a-fA-F_]+)$", "-+0123456789"),
    (
        "float",
        r"^[-+]?(?:(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|[0-9][0-9_]*[eE][-+]?[0-9]+|\.(?:inf|Inf|INF))$|^\.(?:nan|NaN|NAN)$",
        "-+0123456789.",
    ),
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("merge", r"^<<$", "<"),
)


class _Loader(yaml.SafeLoader):
    """The safe loader with the resolvers above."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012  (PyYAML's own class attribute)


class _Dumper(yaml.SafeDumper):
    """The safe dumper with the same resolvers, so that it quotes exactly what would be read as something else."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012

    def ignore_aliases(self, data: Any) -> bool:
        """Write every value out, never `*id001`."""
        return True

    def represent_str(self, data: str) -> yaml.ScalarNode:
        """Text with line ends and other signs that do not print in double quotes: PyYAML loses some of them (U+0085) in any other style."""
        return self.represent_scalar("tag:yaml.org,2002:str", data, style=None if data.isprintable() else '"')


_Dumper.add_representer(str, _Dumper.represent_str)


for _kind in (_Loader, _Dumper):
    for _tag, _pattern, _first in _RESOLVERS:
        _kind.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), list(_first))


def read_text(path: Path) -> str:
    """A configuration file's text.

    Raises:
        ConfigError: there is no such file, it is a folder, it cannot be read, or it is not UTF-8.
    """
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        reason = f"no such file ({path.absolute()}); write one with `vreason-track init FILE`"
    except IsADirectoryError:
        reason = "this is a folder; name the YAML file in it"
    except UnicodeDecodeError as error:
        reason = f"byte {error.start} is not UTF-8; save the file as UTF-8"
    except (OSError, ValueError) as error:  # ValueError: a path that no file can have
        reason = f"cannot be read ({getattr(error, 'strerror', None) or error}); check the path and its permissions"
    raise ConfigError([ConfigIssue("", reason)], source=str(path))


def dump(data: Mapping[str, Any]) -> str:
    """`data` as YAML that `read_mapping` reads back to the same values."""
    return yaml.dump(dict(data), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)


def read_value(text: str) -> Any:
    """One YAML value, as on a command line.

    Raises:
        ConfigError: a syntax error, a key given twice, a number out of all bounds.
    """
    value, issues = _parse(text)
    if issues:
        raise ConfigError(issues)
    return value


def read_mapping(text: str) -> tuple[dict[str, Any], list[ConfigIssue]]:
    """A configuration's top level, and the issues that leave the rest of it readable (keys given twice).

    Raises:
        ConfigError: the text is empty, is not YAML, or its top level is not a mapping.
    """
    value, issues = _parse(text)
    if value is None:
        raise ConfigError([ConfigIssue("", "is empty; `vreason-track init FILE` writes a commented start")])
    if not isinstance(value, dict):
        raise ConfigError([ConfigIssue("", f"the top level is {_kind_of(value)}, not a mapping; write lines of the form `key: value`")])
    return value, issues


def _kind_of(value: object) -> str:
    return "a list" if isinstance(value, list) else f"the single value {str(value)[:60]!r}"


def _parse(text: str) -> tuple[Any, list[ConfigIssue]]:
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None:
            return None, []
        issues = _checked_keys(node, "", set())
        return _plain(loader.construct_document(node), "", 0, issues), issues
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        reason = f"{where}{error.problem or error.context}; correct the YAML there"
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        column = error.position - (text.rfind("\n", 0, error.position) + 1) + 1
        reason = f"line {line}, column {column}: the character U+{error.character:04X} is not allowed in YAML; remove it"
    except RecursionError:
        reason = f"is nested deeper than {_DEPTH} levels; write it flat"
    except ValueError as error:  # a number of thousands of digits, an impossible !!timestamp
        reason = f"holds a value that cannot be read ({error}); correct it"
    raise ConfigError([ConfigIssue("", reason)])


def _below(path: str, key: object) -> str:
    return f"{path}.{key}" if path else str(key)


def _checked_keys(node: yaml.Node, path: str, seen: set[int]) -> list[ConfigIssue]:
    """One issue for every key that its own mapping already has, with both lines. Makes every key the text that is written there.

    (As values, `1` and `true` would be one key.)
    """
    if id(node) in seen:  # an alias: checked where its anchor stands
        return []
    seen.add(id(node))
    issues: list[ConfigIssue] = []
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            issues += _checked_keys(item, _below(path, index), seen)
    if isinstance(node, yaml.MappingNode):
        lines: dict[str, int] = {}
        for key, value in node.value:
            name, line = str(key.value), key.start_mark.line + 1
            below = _below(path, name)
            if name in lines:
                issues.append(ConfigIssue(below, f"is given twice, in lines {lines[name]} and {line}; keep one of them"))
            lines.setdefault(name, line)
            if isinstance(key, yaml.ScalarNode) and key.tag != _MERGE:
                key.tag = "tag:yaml.org,2002:str"
            issues += _checked_keys(value, below, seen)
    return issues


def _plain(value: Any, path: str, depth: int, issues: list[ConfigIssue]) -> Any:
    """A copy in which aliases are values of their own. Numbers too large to reckon with become issues."""
    if depth > _DEPTH:
        raise RecursionError
    if isinstance(value, dict):
        return {key: _plain(item, _below(path, key), depth + 1, issues) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item, _below(path, index), depth + 1, issues) for index, item in enumerate(value)]
    if isinstance(value, int) and abs(value) >= _LARGEST:
        issues.append(ConfigIssue(path, f"{str(value)[:20]}... is too large a number; give one below 2^63"))
        return 0
    return value
