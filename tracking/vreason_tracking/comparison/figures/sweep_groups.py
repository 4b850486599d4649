"""Which runs form a sweep: they differ in one number of their method, and, but for seeds, in nothing else that bears on their answers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vreason_tracking.catalog import RecordedRun
from vreason_tracking.records import DTYPE_TAG, MODEL_REVISION_TAG

_METHOD = "method."
_LEAST = 3
_NAMES = ("name", "variant")
_PLACES = ("data.source", "data.video_root", "model.device", "video.timeout")  # where it lay, and how long one waited for it
_LOADED = {"model.revision": MODEL_REVISION_TAG, "model.dtype": DTYPE_TAG}  # settings, and the tags that say what came of them


@dataclass(frozen=True)
class Sweep:
    """Runs along a parameter.

    Attributes:
        parameter: without "method.": "controller.k".
        points: value and place of each run, smallest value first.
        others: settings of the method that tell this sweep from others along the same parameter, and of the rest those in which any runs
            differ; empty where there are none. The method's are without "method.".
    """

    parameter: str
    points: Sequence[tuple[float, int]]
    others: Mapping[str, str]


def settings_of(run: RecordedRun) -> dict[str, str]:
    """All that a run was made with and that bears on its answers, but for seeds: model, weights, prompt, frames, decoding, method.

    Names of runs and places of files are no part of it. A prompt's file stands here by the digest of its text, where that is recorded.
    """
    kept = {name: value for name, value in run.params.items() if not _is_apart(name)}
    loaded = {name: run.tags[tag] for name, tag in _LOADED.items() if tag in run.tags}
    text = {"prompt": run.identity["prompt"]} if run.identity.get("prompt") else {}
    return {**{name: value for name, value in kept.items() if not (text and name == "prompt.file")}, **loaded, **text}


def _is_apart(name: str) -> bool:
    return name in (*_NAMES, *_PLACES) or name.endswith("seed") or name.startswith("tracking.")


def sweeps(settings: Sequence[Mapping[str, str]]) -> list[Sweep]:
    """Every sweep of at least three values, by parameter and then by its other settings.

    Args:
        settings: of each run, see `settings_of`; those that begin with "method." can be swept.
    """
    differing = {name for each in settings for name in each if any(other.get(name) != each[name] for other in settings)}
    around = {name for name in differing if not name.startswith(_METHOD)}
    found = []
    for parameter in sorted(name for name in differing if name.startswith(_METHOD)):
        groups = _groups(settings, parameter)
        for own, points in groups:
            told = {name for name, value in own.items() if name in around or any(each.get(name) != value for each, _ in groups)}
            others = {name.removeprefix(_METHOD): own[name] for name in sorted(told)}
            found.append(Sweep(parameter.removeprefix(_METHOD), points, others))
    return found


def _groups(settings: Sequence[Mapping[str, str]], parameter: str) -> list[tuple[dict[str, str], list[tuple[float, int]]]]:
    groups: dict[tuple[tuple[str, str], ...], list[tuple[float, int]]] = {}
    for index, own in enumerate(settings):
        value = number(own.get(parameter))
        if value is not None:
            rest = tuple(sorted((name, other) for name, other in own.items() if name != parameter))
            groups.setdefault(rest, []).append((value, index))
    return [(dict(rest), sorted(points)) for rest, points in sorted(groups.items()) if len({value for value, _ in points}) >= _LEAST]


def number(text: str | None) -> float | None:
    """A finite number; None for anything else."""
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None
