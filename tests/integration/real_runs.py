"""Real runs with a small random model, in real processes: where they run, and what they recorded, apart from what a clock or a memory meter
says.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.helpers import readback, trials
from vreason_tracking.delivery.checkpoint import read_delivered
from vreason_tracking.journal.folder import RunFolder, run_folders
from vreason_tracking.journal.reader import asked_again, read_events
from vreason_tracking.journal.samples import FinishedSample, SampleAssembly

TOKENS = 240
SAMPLES = 10


def make_place(
    folder: Path,
    template: Path,
    model: Path,
    uri: str | None = None,
    samples: int = SAMPLES,
    tokens: int = TOKENS,
    variants: Sequence[dict[str, Any]] = trials.ONE,
) -> Path:
    """A folder with a config and a database: one variant, or several, and sampled replies of so many tokens."""
    folder.mkdir()
    trials.copy_store(template, folder)
    generation = {"max_new_tokens": tokens, "min_new_tokens": tokens, "do_sample": True, "temperature": 1.5}
    data = {"source": "demo", "limit": samples}
    (folder / "trial.yaml").write_text(trials.trial(model, uri, variants=list(variants), data=data, generation=generation))
    return folder


def only_run(folder: Path) -> RunFolder | None:
    """The run in the folder's journal, if there is one."""
    found = list(run_folders(folder / "vreason-journal"))
    assert len(found) <= 1
    return found[0] if found else None


def runs_by_variant(folder: Path) -> dict[str, RunFolder]:
    """The runs in the folder's journal, of which each variant has one at most."""
    found = list(run_folders(folder / "vreason-journal"))
    named = {run.manifest.variant: run for run in found}
    assert len(named) == len(found)
    return named


def finished_samples(folder: RunFolder) -> list[FinishedSample]:
    return list(SampleAssembly(asked_again(folder)).feed(read_events(folder)))


def outcome(folder: RunFolder) -> dict[str, Any]:
    """What the run says, without what a clock or a memory meter says."""
    return {
        finished.sample.sample_id: (
            readback.without_measured(finished.sample),
            [readback.without_measured(step) for step in finished.steps],
        )
        for finished in finished_samples(folder)
    }


def in_mlflow(folder: RunFolder, uri: str | None = None) -> dict[str, Any]:
    """What MLflow holds of the run: points by run, metric and step, statuses, tags that no clock decides."""
    from mlflow import MlflowClient

    marks = read_delivered(folder.delivery_log)
    client = MlflowClient(uri or folder.manifest.tracking_uri)
    run = client.get_run(marks.run_id or "")
    nested = client.search_runs([str(marks.experiment_id)], f"tags.`mlflow.parentRunId` = '{marks.run_id}'", max_results=1000)
    names = [each.info.run_name for each in nested]
    assert len(set(names)) == len(names), "a sample has two runs"
    found: dict[str, Any] = {"status": run.info.status, "metrics": sorted(_timeless(run)), "error": run.data.tags.get("error")}
    for name in ("live/accuracy", "curve/entropy", "curve/ema", "accuracy"):
        found[name] = sorted((point.step, point.value) for point in client.get_metric_history(run.info.run_id, name))
    for each in nested:
        points = client.get_metric_history(each.info.run_id, "entropy")
        tags = (each.data.tags["vreason.number"], each.data.tags.get("prediction"), each.data.tags.get("output"))
        found[each.info.run_name] = (each.info.status, sorted((point.step, point.value) for point in points), tags, sorted(_timeless(each)))
    return found


def _timeless(run: Any) -> dict[str, float]:
    """Metrics by name; those of devices only exist where a run was long enough."""
    return {name: value for name, value in run.data.metrics.items() if not name.startswith(("host/", "gpu/"))}
