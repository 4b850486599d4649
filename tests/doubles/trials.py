"""Small real runs: a config that asks a few demo questions, and a database to record them in."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import yaml

VARIANTS = ("baseline", "v-reason", "v-reason-lite")
TOKENS = 10  # of every reply: random weights hardly ever draw an end token


def copy_store(template: Path, folder: Path) -> str:
    """The tracking URI of a copy of a migrated database."""
    return f"sqlite:///{shutil.copy(template, folder / 'mlflow.db')}"


def trial(model: Path | str, uri: str | None = None, **sections: Any) -> str:
    """A config as YAML: three demo questions for each of the paper's variants, ten tokens a reply. `sections` replace whole sections."""
    config: dict[str, Any] = {
        "name": "trial",
        "model": {"id": str(model)},
        "variants": [{"name": name, "preset": name} for name in VARIANTS],
        "data": {"source": "demo", "limit": 3},
        "video": {"nframes": 8},
        "prompt": {"template": "short"},
        "generation": {"max_new_tokens": TOKENS, "min_new_tokens": TOKENS},
        "tracking": {"uri": uri},
    }
    return str(yaml.safe_dump(config | sections, sort_keys=False))
