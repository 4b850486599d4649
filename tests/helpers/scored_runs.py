"""Two runs of the same questions in a journal, right here and wrong there, with one sample that failed and some that only one has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.helpers import readback, records
from vreason.events import SampleRecord
from vreason_tracking.journal.folder import RunFolder

Scores = dict[str, float | None]

OWN: Scores = {"lost": 0.0, "right": 1.0, "won": 1.0, "failed": None, "partly": 0.4, "nearly": 0.9, "only-here": 1.0}
BASE: Scores = {"lost": 1.0, "right": 1.0, "won": 0.0, "failed": 1.0, "partly": 0.7, "nearly": 1.0, "there": 1.0, "also": 0.0}
KINDS: dict[str, dict[str, Any]] = {
    "won": {"problem_type": "numerical", "options": (), "category": "counting"},
    "partly": {"problem_type": "regression", "options": ()},
}


def scored_sample(name: str, score: float | None, number: int, **changes: Any) -> SampleRecord:
    """A sample with this score, the `number`-th of its run; None failed."""
    started = records.START_MS + 1_000 * number
    if score is None:
        return records.failed(name, started_ms=started, **changes)
    reply = records.steps(name, 4, start_ms=started)
    said = "B" if score == 1 else "A"
    return records.sample(name, reply, **{"score": score, "prediction": said, **KINDS.get(name, {}), **changes})


def record(root: Path, name: str, scores: Scores, status: str = "FINISHED", **changes: dict[str, Any]) -> RunFolder:
    """A run with these scores, in this order; `changes` are fields of single samples, by id with _ for -."""
    recorder = readback.recorder_of(root, name, sample_ids=tuple(scores))
    for number, (each, score) in enumerate(scores.items()):
        made = scored_sample(each, score, number, **changes.get(each.replace("-", "_"), {}))
        recorder.on_steps(records.steps(each, made.output_tokens, start_ms=made.started_ms))
        recorder.on_sample(made)
    recorder.finish(status)
    return recorder.folder


def both(root: Path) -> None:
    """A run "v-reason" and a run "baseline", delivered nowhere."""
    record(root, "v-reason", OWN, lost={"signatures": ("truncated", "unparsed")}, won={"signatures": ("premature-peak",)})
    record(root, "baseline", BASE)
