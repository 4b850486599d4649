"""Small real runs: a config that asks a few demo questions, a database to record them in, and somebody who watches."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from vreason.events import SampleRecord, StepRecord

if TYPE_CHECKING:
    from vreason_tracking.runs import VariantResult

VARIANTS = ("baseline", "v-reason", "v-reason-lite")
TWO = [{"name": name, "preset": name} for name in VARIANTS[:2]]
ONE = TWO[1:]
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


def result(name: str, *samples: SampleRecord, status: str = "FINISHED", run_id: str = "0123456789abcdef") -> VariantResult:
    """What became of a variant with these samples."""
    from vreason_tracking.curves import EntropyCurve
    from vreason_tracking.runs import VariantResult
    from vreason_tracking.summary import RunSummary

    return VariantResult(
        name=name,
        run_id=run_id,
        experiment_id="1",
        status=status,
        summary=RunSummary.of(samples),
        curve=EntropyCurve(),
        points=10,
        notes=(),
    )


class Watcher:
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.loaded: list[tuple[str, str, int]] = []
        self.variants: list[tuple[str, str]] = []
        self.samples: list[SampleRecord] = []
        self.results: list[VariantResult] = []
        self.steps = 0

    def on_loaded(self, model: str, device: str, samples: int) -> None:
        """Model and data are there."""
        self.loaded.append((model, device, samples))

    def on_variant(self, name: str, run_id: str) -> None:
        """A variant begins."""
        self.variants.append((name, run_id))

    def on_steps(self, steps: Sequence[StepRecord]) -> None:
        """Tokens were drawn."""
        self.steps += len(steps)

    def on_sample(self, sample: SampleRecord) -> None:
        """A sample has ended."""
        self.samples.append(sample)

    def on_result(self, result: VariantResult) -> None:
        """A variant has ended."""
        self.results.append(result)
