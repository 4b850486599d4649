"""Relative paths of a config file's inputs: they start from the folder of the file that names them, wherever the program is started."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from vreason.benchmarks import DEMO_BENCHMARK, may_be_benchmark
from vreason.models import DEMO_MODEL


def from_folder(data: dict[str, Any], folder: Path) -> None:
    """Let the data file, the videos' folder, the prompt's file and a model's folder start from `folder`, in place.

    A `model.id` is a path where it is written as one ("./", "../") or where such a folder is there; anything else is a name of the hub.
    What a run writes (`tracking`) starts from the current folder, and values that are no text are left for the checks.
    """
    if folder in (Path(), Path.cwd()):
        return
    for section, field in (("data", "source"), ("data", "video_root"), ("prompt", "file"), ("model", "id")):
        values = data.get(section)
        if not isinstance(values, dict):
            continue
        value = values.get(field)
        if isinstance(value, str) and value.strip() and _is_path(section, field, value, folder):
            values[field] = os.path.normpath(folder / value)


def _is_path(section: str, field: str, value: str, folder: Path) -> bool:
    if value.startswith(("~", "$")):  # not replaced, and told so
        return False
    if field == "source":
        return value != DEMO_BENCHMARK and not may_be_benchmark(value)
    if section == "model":
        return value != DEMO_MODEL and (value.startswith(("./", "../")) or (folder / value).is_dir())
    return True
