"""The record that the first version wrote, tests/data/record_v1.tar.xz: what later versions must still read."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any

ARCHIVE = Path(__file__).parents[1] / "data" / "record_v1.tar.xz"


def first_manifests() -> list[dict[str, Any]]:
    """The manifests (run.json) of its journal, as they are on disk."""
    with tarfile.open(ARCHIVE) as archive:
        files = [archive.extractfile(member) for member in archive if member.name.endswith("/run.json")]
        return [json.load(file) for file in files if file is not None]
