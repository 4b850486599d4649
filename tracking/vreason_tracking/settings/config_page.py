"""The page of all config fields, out of the classes that read them: ``python -m vreason_tracking.settings.config_page docs/config.md``."""

from __future__ import annotations

import dataclasses
import inspect
import re
import sys
import types
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel

from vreason.config import ControllerConfig, PruningConfig
from vreason.models import ModelSpec
from vreason.video import VideoConfig
from vreason_tracking.settings.loading import RunSettings
from vreason_tracking.settings.sections import DataSettings, GenerationSettings, PromptSettings, TrackingSettings

_INTRO = """# Config reference

Written by `make docs` from the classes that read a config; a test holds the two together.

`vreason-track init` writes a commented config to start from. `vreason-track run --config FILE --dry-run` prints it with every default
written out, and looks at everything that a run needs: the data file (all of its faults at once, with their lines), every video, the
model's folder or repository and its family, the device, plug-ins, the journal's folder and its disk, and the store. Its exit code is the
one that the run would end with; no weights are read and nothing is recorded.

Unknown keys are refused, with the nearest known one named, and nothing is converted: `"4"` is not `4`. Every fault of a file is told at
once, each with its path. On the command line, `--set data.limit=10` changes a field, `--set variants.1.controller.k=2` one of the second
variant, and `--variant NAME` chooses.

**Relative paths** start from the folder of the file that names them: in a config, from the config's folder; in a data file, from that
file's folder; on the command line, from the current folder. What a run writes (`tracking.uri`, `tracking.journal`) starts from the
current folder.

A field without a default must be given.
"""
_VARIANTS = """## `variants`, `matrix`

`variants` is a list, each item with a `name`, a `preset` to start from (`baseline`, `v-reason`, `v-reason-lite`; default `v-reason`), and
what differs from it under `controller` and `pruning`; `null` switches a part off. `matrix` lists values by dotted field
(`controller.k: [2, 4]`) and makes a variant of each value, and of each combination, of every listed variant that has that part. The first
variant without a controller is the baseline of the tables. What each field means in the method: [method.md](method.md).
"""
_SECTIONS: Mapping[str, type] = {
    "Top level": RunSettings,
    "`model`": ModelSpec,
    "`variants[].controller`": ControllerConfig,
    "`variants[].pruning`": PruningConfig,
    "`data`": DataSettings,
    "`video`": VideoConfig,
    "`prompt`": PromptSettings,
    "`generation`": GenerationSettings,
    "`tracking`": TrackingSettings,
}
_WORDS = {"ge": "at least {}", "gt": "above {}", "le": "at most {}", "lt": "below {}"}


def render() -> str:
    """docs/config.md as Markdown."""
    parts = [_INTRO]
    for title, kind in _SECTIONS.items():
        if kind is ControllerConfig:
            parts.append(_VARIANTS)
        level = "###" if "[]" in title else "##"
        parts.append(f"{level} {title}\n\n{_summary(kind)}\n\n| field | value | default | meaning |\n|---|---|---|---|")
        parts[-1] += "".join(f"\n| {' | '.join(row)} |" for row in _rows(kind)) + "\n"
    return "\n".join(parts)


def _summary(kind: type) -> str:
    """The first paragraph of the class's docstring, but for the whole."""
    if kind is RunSettings:
        return "Beside the sections below."
    return inspect.cleandoc(kind.__doc__ or "").split("\n\n")[0].replace("\n", " ")


def _rows(kind: type) -> Iterator[tuple[str, str, str, str]]:
    meanings, hints = attribute_texts(kind), get_type_hints(kind, include_extras=True)
    for name, default, bounds in _fields(kind):
        if hints[name] in _SECTIONS.values() or name in ("variants", "model", "video"):
            continue  # a section of its own
        words = ", ".join([_type(hints[name]), *bounds])
        yield f"`{name}`", words, default, re.sub(r"\bNone\b", "null", meanings[name]).replace("|", "\\|")


def _fields(kind: type) -> Iterator[tuple[str, str, list[str]]]:
    """Name, default as YAML has it ("" for none), and bounds of each field."""
    if issubclass(kind, BaseModel):
        for name, info in kind.model_fields.items():
            bounds = [word.format(getattr(each, key)) for each in info.metadata for key, word in _WORDS.items() if hasattr(each, key)]
            default = "" if info.is_required() else _yaml(info.get_default(call_default_factory=True))
            yield name, default, [bound.replace(str(2**32 - 1), "2^32 - 1") for bound in bounds]
        return
    assert dataclasses.is_dataclass(kind), "every section is a model or a dataclass"
    for field in dataclasses.fields(kind):
        yield field.name, _yaml(field.default), []


def _yaml(value: Any) -> str:
    if value in ((), {}):
        return "none"
    return f"`{'null' if value is None else str(value).lower() if isinstance(value, bool) else value}`"


def _type(hint: Any) -> str:
    """In words: "whole number or null"."""
    origin = get_origin(hint)
    if origin is Annotated:
        return _type(get_args(hint)[0])
    if origin is Literal:
        return ", ".join(f"`{each}`" for each in get_args(hint))
    if origin in (Union, types.UnionType):
        return " or ".join(_type(each) for each in get_args(hint))
    if origin is dict:
        return f"mapping from {_type(get_args(hint)[0])} to {_type(get_args(hint)[1])}"
    if origin is tuple:
        return f"list of {_type(get_args(hint)[0])}s"
    return {int: "whole number", float: "number", str: "text", bool: "true or false", type(None): "null"}[hint]


def attribute_texts(kind: type) -> dict[str, str]:
    """What a class's docstring says of each field, under "Attributes:"."""
    _, _, listed = inspect.cleandoc(kind.__doc__ or "").partition("Attributes:\n")
    texts: dict[str, str] = {}
    for entry in re.split(r"\n    (?=\S)", "\n" + listed.split("\n\n")[0]):
        names, _, text = entry.partition(": ")
        texts |= dict.fromkeys(names.strip().split(", "), " ".join(text.split()))
    texts.pop("", None)  # what stands before the first
    return texts


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(render(), encoding="utf-8")
