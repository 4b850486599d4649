"""Small real runs: a config that asks a few demo questions, a database to record them in, and somebody who watches."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from vreason.events import PrefillRecord, SampleRecord, StepRecord
from vreason.listeners import Listener, RunStarted, VariantFinished, VariantStarted

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
    from vreason_tracking.records.summary import RunSummary
    from vreason_tracking.running.results import VariantResult

    folder = RunFolder(Path("vreason-journal") / "20261120T094512-3f2a9c")
    made = VariantResult(name, folder, status, 10, summary=RunSummary.of(samples), delivered=10, run_id=run_id, experiment_id="1")
    return replace(made, **changes)


class Watcher(Listener):
    """Remembers what it is told.

    Attributes:
        told: name of the method and what it was told, in order.
    """

    def __init__(self) -> None:
        self.told: list[tuple[str, Any]] = []

    def of(self, *methods: str) -> list[Any]:
        """What these methods were told."""
        return [event for method, event in self.told if method in methods]

    @property
    def variants(self) -> list[tuple[str, str, int]]:
        """Variant, run and samples done before, of each that began or went on."""
        begun = self.of("on_variant_started", "on_variant_resumed")
        return [(each.variant, each.run_id, each.done) for each in begun]

    @property
    def samples(self) -> list[SampleRecord]:
        """Samples that have ended."""
        return self.of("on_sample")

    @property
    def answers(self) -> list[tuple[str, str]]:
        """The variant whose turn it was, and the id, of each of them."""
        found, turn = [], ""
        for method, event in self.told:
            turn = event if method == "on_turn" else turn
            found += [(turn, event.sample_id)] if method == "on_sample" else []
        return found

    @property
    def ended(self) -> list[tuple[str, str]]:
        """Name and status of each variant that has ended."""
        return [(each.variant, each.status) for each in self.of("on_variant_finished", "on_variant_failed")]

    @property
    def notices(self) -> list[str]:
        """Sentences."""
        return self.of("on_notice")

    @property
    def steps(self) -> int:
        """Number of steps."""
        return sum(map(len, self.of("on_steps")))

    def on_run_started(self, run: RunStarted) -> None:
        """Model and data are there."""
        self.told.append(("on_run_started", run))

    def on_variant_started(self, variant: VariantStarted) -> None:
        """A variant begins."""
        self.told.append(("on_variant_started", variant))

    def on_variant_resumed(self, variant: VariantStarted) -> None:
        """A variant goes on."""
        self.told.append(("on_variant_resumed", variant))

    def on_turn(self, variant: str) -> None:
        """Another variant answers."""
        self.told.append(("on_turn", variant))

    def on_prefill(self, prefill: PrefillRecord) -> None:
        """A prompt was read."""
        self.told.append(("on_prefill", prefill))

    def on_steps(self, steps: Sequence[StepRecord]) -> None:
        """Tokens were drawn."""
        self.told.append(("on_steps", tuple(steps)))

    def on_sample(self, sample: SampleRecord) -> None:
        """A sample has ended."""
        self.told.append(("on_sample", sample))

    def on_variant_finished(self, variant: VariantFinished) -> None:
        """A variant has ended as it should."""
        self.told.append(("on_variant_finished", variant))

    def on_variant_failed(self, variant: VariantFinished) -> None:
        """A variant has ended early."""
        self.told.append(("on_variant_failed", variant))

    def on_notice(self, text: str) -> None:
        """Something to know."""
        self.told.append(("on_notice", text))


class Stopping(Watcher):
    """Does something when it is told of the n-th event of a kind: presses Ctrl-C, unless told otherwise.

    Args:
        kind: "variant", "turn", "steps" or "sample"; of any other nothing happens.
        number: from 1.
        act: what to do.
    """

    def __init__(self, kind: str = "", number: int = 1, act: Callable[[], object] | None = None) -> None:
        super().__init__()
        self.kind, self.left, self.act = kind, number, act

    def _count(self, kind: str) -> None:
        if kind == self.kind:
            self.left -= 1
            if self.left == 0:
                self._stop()

    def _stop(self) -> None:
        if self.act is None:
            raise KeyboardInterrupt
        self.act()

    def on_variant_started(self, variant: VariantStarted) -> None:
        super().on_variant_started(variant)
        self._count("variant")

    def on_turn(self, variant: str) -> None:
        super().on_turn(variant)
        self._count("turn")

    def on_steps(self, steps: Sequence[StepRecord]) -> None:
        super().on_steps(steps)
        self._count("steps")

    def on_sample(self, sample: SampleRecord) -> None:
        super().on_sample(sample)
        self._count("sample")
