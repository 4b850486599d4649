"""Runs an experiment: every variant over every sample, each variant recorded as one MLflow run."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from vreason_tracking import provenance
from vreason_tracking.curves import EntropyCurve
from vreason_tracking.mlflow_store import MlflowStore
from vreason_tracking.plots import COLOURS, draw_entropy
from vreason_tracking.recorder import RunRecorder
from vreason_tracking.settings import RunSettings, Variant
from vreason_tracking.summary import RunSummary
from vreason_tracking.telemetry import MemorySampler

if TYPE_CHECKING:
    from vreason.benchmarks import Sample
    from vreason.evaluation import EvaluationConfig
    from vreason.loading import LoadedModel


@dataclass(frozen=True)
class VariantResult:
    """What became of one variant.

    Attributes:
        name: of the variant.
        run_id: its MLflow run.
        experiment_id: the MLflow experiment it stands in.
        status: FINISHED, FAILED or KILLED.
        summary: its figures.
        points: metric points written.
        notes: what a reader of the result must know: samples not written, listeners that failed.
        curve: its entropy by token index.
    """

    name: str
    run_id: str
    experiment_id: str
    status: str
    summary: RunSummary
    points: int
    notes: tuple[str, ...]
    curve: EntropyCurve = field(default_factory=EntropyCurve)


class RunWatcher(Protocol):
    """Whoever shows progress. Also told of every step and sample (see `vreason.DecodeObserver`)."""

    def on_loaded(self, model: str, device: str, samples: int) -> None:
        """Model and data are there."""

    def on_variant(self, name: str, run_id: str) -> None:
        """A variant begins."""

    def on_result(self, result: VariantResult) -> None:
        """A variant has ended, one way or another; its record is closed."""


def run_experiment(settings: RunSettings, watcher: RunWatcher) -> list[VariantResult]:
    """Run all variants in order.

    On an exception, Ctrl-C included, the variant's run is closed as FAILED or KILLED with the samples that were finished, and the exception
    goes on.

    Raises:
        VReasonError: model, data or tracking database cannot be used.
    """
    from vreason.benchmarks import data_digest
    from vreason.loading import ModelSpec, load_model

    samples = load_samples(settings)
    store = MlflowStore(settings.tracking.resolved_uri(), settings.tracking.experiment)
    loaded = load_model(ModelSpec(**settings.model.model_dump()))
    watcher.on_loaded(f"{settings.model.id} ({loaded.dtype})", loaded.device, len(samples))
    results: list[VariantResult] = []
    with MemorySampler() as meter:
        tags = {**_tags(settings, loaded, meter), "data.digest": data_digest(samples)}
        for variant, colour in zip(settings.resolved_variants(), cycle(COLOURS), strict=False):
            recorder = RunRecorder(store, variant.name, variant_params(settings, variant), tags, _without_address(settings), colour)
            with _closing(recorder, results, watcher, meter) as notes:
                watcher.on_variant(variant.name, recorder.run_id)
                notes += _run_variant(settings, variant, loaded, samples, [recorder, watcher], meter)
    _draw_together(store, settings.name, results)
    return results


def _draw_together(store: MlflowStore, name: str, results: Sequence[VariantResult]) -> None:
    """One plot of all variants' curves, among the artifacts of each."""
    if len(results) < 2:
        return
    with tempfile.TemporaryDirectory(prefix="vreason-") as folder:
        curves = {result.name: result.curve for result in results}
        files = draw_entropy(curves, Path(folder) / "entropy_of_all_variants", f"Entropy while answering: {name}")
        for result in results:
            store.log_files(result.run_id, files)


def load_samples(settings: RunSettings) -> Sequence[Sample]:
    """The samples that the settings name, cut to the limit.

    Raises:
        DataError: the data file is wrong.
    """
    from vreason.benchmarks import DemoBenchmark, JsonBenchmark

    data = settings.data
    if data.source == "demo":
        return DemoBenchmark(data.split or "test", data.limit).samples()
    return JsonBenchmark(data.source, data.video_root).samples()[: data.limit]


def variant_params(settings: RunSettings, variant: Variant) -> dict[str, Any]:
    """Every resolved setting that this variant ran with, flattened; the other variants' are not its own."""
    shared = {name: value for name, value in settings.flattened().items() if not name.startswith("variants.")}
    return {**shared, "variant": variant.name, **{f"method.{name}": value for name, value in variant.flattened().items()}}


def evaluation_config(settings: RunSettings, variant: Variant) -> EvaluationConfig:
    """The method's side of the settings."""
    from vreason.evaluation import EvaluationConfig
    from vreason.video import VideoConfig

    generation = {name: value for name, value in settings.generation.model_dump().items() if value is not None}
    if not settings.generation.do_sample:
        generation |= {"temperature": None, "top_p": None, "top_k": None}  # else the model's own, unused, are warned about
    return EvaluationConfig(
        method=variant.method,
        prompt=settings.prompt_template(),
        video=VideoConfig(**settings.video.model_dump()),
        generation=generation,
        scoring=settings.data.scoring,
        batch_size=settings.batch_size,
        seed=settings.seed,
    )


def _without_address(settings: RunSettings) -> str:
    """The resolved configuration as YAML, without where it was recorded: that may hold a password, and is no part of what was run."""
    return settings.model_copy(update={"tracking": settings.tracking.model_copy(update={"uri": None})}).to_yaml()


def _run_variant(
    settings: RunSettings, variant: Variant, loaded: LoadedModel, samples: Sequence[Sample], observers: Sequence[Any], meter: MemorySampler
) -> list[str]:
    """Answer every sample; returns what a reader must know of listeners that failed."""
    from vreason.evaluation import Evaluation

    evaluation = Evaluation(loaded, evaluation_config(settings, variant), observers, meter)
    for _ in evaluation.run(samples):
        pass
    return [f"listener {name} failed {count} time(s)" for name, count in evaluation.guard.failures.items()]


@contextmanager
def _closing(recorder: RunRecorder, results: list[VariantResult], watcher: RunWatcher, meter: MemorySampler) -> Iterator[list[str]]:
    """Close the variant's run with the status that is true, and report it."""
    status, error = "FINISHED", None
    notes: list[str] = []
    try:
        yield notes
    except KeyboardInterrupt:
        status, error = "KILLED", "interrupted from the keyboard"
        raise
    except BaseException as fault:
        status, error = "FAILED", f"{type(fault).__name__}: {fault}"
        raise
    finally:
        recorder.finish(status, error)
        notes += [f"{count} sample(s) not written to MLflow: {reason}" for reason, count in recorder.lost.items()]
        if meter.errors:
            notes.append(f"memory sampling failed {meter.errors} time(s): {meter.last_error}")
        result = VariantResult(
            recorder.name,
            recorder.run_id,
            recorder.store.experiment_id,
            status,
            recorder.summary,
            recorder.points,
            tuple(notes),
            recorder.curve,
        )
        results.append(result)
        watcher.on_result(result)


def _tags(settings: RunSettings, loaded: LoadedModel, meter: MemorySampler) -> dict[str, str]:
    devices = ", ".join(meter.device_names())
    return {
        **(provenance.git_tags(Path.cwd()) or provenance.git_tags(Path(__file__).parent)),
        **provenance.version_tags(),
        **provenance.machine_tags(),
        "config.name": settings.name,
        "device": f"{loaded.device} ({devices})" if devices else loaded.device,
        "dtype": loaded.dtype,
        "model.revision": loaded.revision,
        "scoring": settings.data.scoring,
        "seed": str(settings.seed),
    }

