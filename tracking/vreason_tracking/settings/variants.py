"""The methods that a run compares: each a name and its settings, listed one by one or spread out by a matrix.

variants:
  - {name: v-reason, preset: v-reason}
matrix:
  controller.k: [2, 4]          # "v-reason k=2" and "v-reason k=4"
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from vreason.config import PARTS, PRESETS, VReasonConfig
from vreason.config_checks import check_choice, shown, suggestion, unknown_key
from vreason.errors import ConfigError, ConfigIssue
from vreason_tracking.settings.issues import NAME_RULE, is_name

METHOD_FIELDS = tuple(f"{part}.{field.name}" for part, kind in PARTS.items() for field in fields(kind))
BASELINE = "baseline"
START = "v-reason"  # of a variant without a preset
MOST = 1000  # variants of one run; more is a slip in a matrix
_KEYS = ("name", "preset", *PARTS)


@dataclass(frozen=True)
class Variant:
    """One method under its name.

    Attributes:
        name: unique within a run.
        method: the settings, whole.
        listed_as: the name in the file from which a matrix made this one; not part of what it is.
    """

    name: str
    method: VReasonConfig
    listed_as: str = field(default="", compare=False, repr=False)

    def to_dict(self) -> dict[str, Any]:
        """An item of a configuration's `variants`, every field written out."""
        return {"name": self.name, **self.method.to_dict()}

    def flattened(self) -> dict[str, str | int | float | bool]:
        """The method's settings under dotted keys ("controller.k"); a part that is off is "null"."""
        flat: dict[str, str | int | float | bool] = {}
        for part, values in self.method.to_dict().items():
            flat |= {part: "null"} if values is None else {f"{part}.{name}": value for name, value in values.items()}
        return flat


def expand(listed: Any, matrix: Any) -> tuple[list[Variant], list[ConfigIssue]]:
    """The variants of a configuration.

    Args:
        listed: the value of `variants`, unchecked.
        matrix: the value of `matrix`, unchecked; None without one.

    Returns:
        The variants that could be made, in the file's order, and every issue.
    """
    if not isinstance(listed, list) or not listed:
        wrong = "is missing" if listed is None else f"{shown(listed)} is not a list of at least one variant"
        return [], [ConfigIssue("variants", f"{wrong}; give a list, for example [{{name: v-reason, preset: v-reason}}]"), *_axes(matrix)[1]]
    methods: list[tuple[int, Variant]] = []
    issues: list[ConfigIssue] = []
    for index, entry in enumerate(listed):
        variant, found = _listed(entry, f"variants.{index}")
        issues += found
        methods += [(index, variant)] if variant else []
    axes, found = _axes(matrix)
    issues += found
    if not issues:
        issues += [
            ConfigIssue(f"matrix.{path}", f"no listed variant has a {path.split('.')[0]}; add one that has, or leave this line out")
            for path in axes
            if not any(_has(variant, path) for _, variant in methods)
        ]
    count = sum(math.prod(len(values) for path, values in axes.items() if _has(variant, path)) for _, variant in methods)
    if count > MOST:
        return [], [*issues, ConfigIssue("matrix", f"makes {count} variants; give fewer values, for at most {MOST}")]
    made = [(index, each) for index, variant in methods for each in _spread(variant, axes)]
    return [variant for _, variant in made], [*issues, *_repeated_names(made)]


def chosen(variants: Sequence[Variant], names: Sequence[str]) -> tuple[list[Variant], list[ConfigIssue]]:
    """Only the variants of these names; the name of a listed variant stands for all that a matrix made of it. All, without names."""
    if not names:
        return list(variants), []
    known = list(dict.fromkeys([*(variant.name for variant in variants), *(variant.listed_as for variant in variants)]))
    issues = [
        ConfigIssue(
            "--variant",
            f"{shown(name)} is not a variant of this configuration{suggestion(name, known) or '.'} There are {', '.join(known)}",
        )
        for name in names
        if name not in known
    ]
    return [variant for variant in variants if variant.name in names or variant.listed_as in names], issues


def _listed(entry: Any, path: str) -> tuple[Variant | None, list[ConfigIssue]]:
    """One item of the list, or None and its issues."""
    if not isinstance(entry, dict):
        return None, [ConfigIssue(path, f"{shown(entry)} is not a mapping; give name and, as needed, preset, controller, pruning")]
    issues = [unknown_key(f"{path}.{key}", key, _KEYS) for key in entry if key not in _KEYS]
    name, preset = entry.get("name"), entry.get("preset")
    if "name" not in entry:
        issues.append(ConfigIssue(f"{path}.name", f"is missing; give {NAME_RULE}"))
    elif not is_name(name):
        issues.append(
            ConfigIssue(f"{path}.name", f"{shown(name)} is not {NAME_RULE}{'' if isinstance(name, str) else '; put it in quotes'}")
        )
    if preset is not None and (wrong := check_choice(f"{path}.preset", preset, PRESETS)):
        issues += wrong
        preset = None
    method, found = _method(entry, VReasonConfig.preset(preset or START), path)
    issues += found
    if preset == BASELINE and method is not None and method.controller is not None and method.controller.objective != "none":
        why = "a baseline is not steered; add objective: none to observe only, or take another preset"
        issues.append(ConfigIssue(f"{path}.controller", why))
    return (None, issues) if issues or method is None else (Variant(str(name), method, str(name)), [])


def _method(entry: Mapping[str, Any], start: VReasonConfig, path: str) -> tuple[VReasonConfig | None, list[ConfigIssue]]:
    """The start's settings with the entry's laid over them. A part that the entry sets to null is off."""
    values = start.to_dict()
    for part in PARTS:
        if part in entry:
            given = entry[part]
            values[part] = (values[part] or {}) | given if isinstance(given, dict) else given
    try:
        return VReasonConfig.from_mapping(values, path), []
    except ConfigError as error:
        return None, list(error.issues)


def _axes(matrix: Any) -> tuple[dict[str, list[Any]], list[ConfigIssue]]:
    """The matrix's lines that are right, and the issues of the others."""
    if matrix is None:
        return {}, []
    if not isinstance(matrix, dict):
        return {}, [ConfigIssue("matrix", f"{shown(matrix)} is not a mapping; give for example {{controller.k: [2, 4]}}")]
    axes: dict[str, list[Any]] = {}
    issues: list[ConfigIssue] = []
    for path, values in matrix.items():
        found = _axis_issues(path, values)
        issues += found
        if not found:
            axes[path] = values
    return axes, issues


def _axis_issues(path: str, values: Any) -> list[ConfigIssue]:
    where = f"matrix.{path}"
    if path not in METHOD_FIELDS:
        return [unknown_key(where, path, METHOD_FIELDS)]
    if not isinstance(values, list) or not values:
        example = "fill it" if isinstance(values, list) else f"write [{shown(values)}]"
        return [ConfigIssue(where, f"{shown(values)} is not a list of at least one value; {example}")]
    part, name = path.split(".")
    issues: list[ConfigIssue] = []
    for index, value in enumerate(values):
        try:
            VReasonConfig.from_mapping({part: {name: value}})
        except ConfigError as error:
            issues += [ConfigIssue(f"{where}.{index}", issue.message) for issue in error.issues]
        if any(value == other for other in values[:index]):
            issues.append(ConfigIssue(f"{where}.{index}", f"{shown(value)} is in the list twice; keep one"))
    return issues


def _has(variant: Variant, path: str) -> bool:
    return getattr(variant.method, path.split(".")[0]) is not None


def _spread(variant: Variant, axes: Mapping[str, list[Any]]) -> Iterable[Variant]:
    """The variant at every point of the axes that it has; itself where it has none."""
    own = [path for path in axes if _has(variant, path)]
    short = [path.split(".")[1] for path in own]
    labels = [name if short.count(name) == 1 else path for path, name in zip(own, short, strict=True)]
    for point in itertools.product(*(axes[path] for path in own)):
        method = variant.method
        for path, value in zip(own, point, strict=True):
            part, name = path.split(".")
            method = replace(method, **{part: replace(getattr(method, part), **{name: value})})
        name = " ".join([variant.name, *(f"{label}={value}" for label, value in zip(labels, point, strict=True))])
        yield Variant(name, method, variant.name)


def _repeated_names(made: Iterable[tuple[int, Variant]]) -> list[ConfigIssue]:
    """One issue for every listed variant whose name, or a name made of it, an earlier one has."""
    owners: dict[str, int] = {}
    issues: dict[int, ConfigIssue] = {}
    for index, variant in made:
        owner = owners.setdefault(variant.name, index)
        if owner != index:
            wrong = f"{variant.name!r} is the name of variants.{owner} too; names must differ"
            issues.setdefault(index, ConfigIssue(f"variants.{index}.name", wrong))
    return list(issues.values())
