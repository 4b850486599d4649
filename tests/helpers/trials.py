"""Small real runs: a config that asks a few demo questions, a database to record them in, and somebody who watches."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from vreason.events import SampleRecord, StepRecord

if TYPE_CHECKING:
    from vreason_tracking.running.results import VariantResult

VARIANTS = ("baseline", "v-reason", "v-reason-lite")
TWO = [{"name": name, "preset": name} for name in VARIANTS[:2]]
ONE = TWO[1:]
TOKENS = 10  # of every reply: random weights hardly ever draw an end token


def copy_store(template: Path, folder: Path) -> str:
    """The tracking URI of a copy of a migrated database."""
    return f"sqlite:///{shutil.copy(template, folder / 'mlflow.db')}"


def trial(model: Path | str | dict[str, Any], uri: str | None = None, **sections: Any) -> str:
    """A config as YAML: three demo questions for each of the paper's variants, ten tokens a reply. `sections` replace whole sections."""
    config: dict[str, Any] = {
        "name": "trial",
        "model": model if isinstance(model, dict) else {"id": str(model)},
        "variants": [{"name": name, "preset": name} for name in VARIANTS],
        "data": {"source": "demo", "limit": 3},
        "video": {"nframes": 8},
        "prompt": {"template": "short"},
        "generation": {"max_new_tokens": TOKENS, "min_new_tokens": TOKENS},
        "tracking": {"uri": uri},
    }
    return str(yaml.safe_dump(config | sections, sort_keys=False))


def result(name: str, *samples: SampleRecord, status: str = "FINISHED", run_id: str = "0123456789abcdef", **changes: Any) -> VariantResult:
    """What became of a variant with these samples: ten points, all of them delivered. `changes` are fields."""
    from vreason_tracking.journal.folder import RunFolder
    from vreason_tracking.record.summary import RunSummary
    from vreason_tracking.running.results import VariantResult

    folder = RunFolder(Path("vreason-journal") / "20261120T094512-3f2a9c")
    made = VariantResult(name, folder, status, 10, summary=RunSummary.of(samples), delivered=10, run_id=run_id, experiment_id="1")
    return replace(made, **changes)


class Watcher:
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.loaded: list[tuple[str, str, int]] = []
        self.notices: list[str] = []
        self.variants: list[tuple[str, str, int]] = []
        self.samples: list[SampleRecord] = []
        self.results: list[VariantResult] = []
        self.delivered: list[VariantResult] = []
        self.steps = 0

    def on_loaded(self, model: str, device: str, samples: int) -> None:
        """Model and data are there."""
        self.loaded.append((model, device, samples))

    def on_notice(self, text: str) -> None:
        """Something to know."""
        self.notices.append(text)

    def on_variant(self, name: str, run_id: str, done: int) -> None:
        """A variant begins, or goes on."""
        self.variants.append((name, run_id, done))

    def on_steps(self, steps: Sequence[StepRecord]) -> None:
        """Tokens were drawn."""
        self.steps += len(steps)

    def on_sample(self, sample: SampleRecord) -> None:
        """A sample has ended."""
        self.samples.append(sample)

    def on_result(self, result: VariantResult) -> None:
        """A variant has ended."""
        self.results.append(result)

    def on_delivered(self, results: Sequence[VariantResult]) -> None:
        """Delivery is over."""
        self.delivered = list(results)
