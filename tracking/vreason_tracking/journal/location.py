"""Where the journal is: the folder that is named, else the environment's, else one beside the default database."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

DEFAULT_JOURNAL = "vreason-journal"


def journal_folder(folder: str | None, environment: Mapping[str, str] = os.environ) -> Path:
    """`folder`, else VREASON_JOURNAL, else a folder beside the default database."""
    return Path(folder or environment.get("VREASON_JOURNAL") or DEFAULT_JOURNAL).absolute()
