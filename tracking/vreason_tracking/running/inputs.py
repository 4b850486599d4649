"""What an experiment's settings ask for, in the words of those who do it: samples, the method's configuration, parameters and tags."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vreason.plugins import BENCHMARKS, GROUPS, LISTENERS, MODELS, OBJECTIVES, plugins
from vreason_tracking.records import (
    CONFIG_NAME_TAG,
    DATA_DIGEST_TAG,
    DEVICE_TAG,
    DTYPE_TAG,
    MODEL_REVISION_TAG,
    PLUGINS_TAG,
    SCHEDULE_TAG,
    SCORING_TAG,
    SEED_TAG,
    provenance,
)
from vreason_tracking.settings import RunSettings, TrackingSettings, Variant
from vreason_tracking.telemetry import MemorySampler

if TYPE_CHECKING:
    from vreason.benchmarks import Sample
    from vreason.evaluation import EvaluationConfig
    from vreason.models import LoadedModel


def load_samples(settings: RunSettings) -> Sequence[Sample]:
    """The samples that the settings name, cut to the limit.

    Raises:
        DataError: the data cannot be used.
        PluginError: the benchmark cannot be loaded.
    """
    from vreason.benchmarks import load_samples as load

    data = settings.data
    return load(data.source, data.split, data.video_root, data.limit)


def require_plugins(settings: RunSettings) -> None:
    """Load the functions and plug-ins that the settings name, so that one that cannot be loaded is found before the model is.

    Raises:
        PluginError: one cannot be loaded.
    """
    from vreason.method import make_objective
    from vreason.scoring import load_scorer

    load_scorer(settings.data.scoring)
    for variant in settings.resolved_variants():
        if variant.method.controller is not None:
            make_objective(variant.method.controller.objective, variant.method.controller.seed)


def plugin_names(settings: RunSettings, family: str) -> list[str]:
    """What of installed packages a run uses: "name = package version" of each.

    Args:
        settings: of the run.
        family: the model's ``model_type``.
    """
    objectives = [variant.method.controller.objective for variant in settings.resolved_variants() if variant.method.controller]
    named = [(MODELS, family), (BENCHMARKS, settings.data.source), *((OBJECTIVES, name) for name in objectives)]
    named += [(LISTENERS, name) for name in settings.listeners]
    offered = {(plugin.group, plugin.name): plugin for group in GROUPS for plugin in plugins(group)}
    found = [offered[each] for each in dict.fromkeys(named) if each in offered]
    return [f"{plugin.name} = {plugin.distribution}" for plugin in found]


def variant_params(settings: RunSettings, variant: Variant) -> dict[str, Any]:
    """Every resolved setting that this variant ran with, flattened; the other variants' are not its own."""
    shared = {name: value for name, value in settings.flattened().items() if not name.startswith("variants.")}
    return {**shared, "variant": variant.name, **{f"method.{name}": value for name, value in variant.flattened().items()}}


def evaluation_config(settings: RunSettings, variant: Variant) -> EvaluationConfig:
    """The method's side of the settings."""
    from vreason.evaluation import EvaluationConfig

    generation = {name: value for name, value in settings.generation.model_dump().items() if value is not None}
    if not settings.generation.do_sample:
        generation |= {"temperature": None, "top_p": None, "top_k": None}  # else the model's own, unused, are warned about
    return EvaluationConfig(
        method=variant.method,
        prompt=settings.prompt_template(),
        video=settings.video,
        generation=generation,
        scoring=settings.data.scoring,
        batch_size=settings.batch_size,
        seed=settings.seed,
    )


def config_text(settings: RunSettings) -> str:
    """The resolved configuration as YAML, without where it was recorded: that may hold a password, and is no part of what was run."""
    return settings.model_copy(update={"tracking": TrackingSettings(experiment=settings.tracking.experiment)}).to_yaml()


def run_tags(settings: RunSettings, loaded: LoadedModel, meter: MemorySampler, digest: str) -> dict[str, str]:
    """What a run was made with, and how it was measured."""
    devices = ", ".join(meter.device_names())
    used = plugin_names(settings, str(getattr(loaded.model.config, "model_type", "")))
    return {
        **({PLUGINS_TAG: ", ".join(used)} if used else {}),
        SCHEDULE_TAG: settings.schedule,
        **(provenance.git_tags(Path.cwd()) or provenance.git_tags(Path(__file__).parent)),
        **(provenance.croissant_tags(Path(settings.data.source)) if Path(settings.data.source).is_file() else {}),
        **provenance.version_tags(),
        **provenance.machine_tags(),
        CONFIG_NAME_TAG: settings.name,
        DATA_DIGEST_TAG: digest,
        DEVICE_TAG: f"{loaded.device} ({devices})" if devices else loaded.device,
        DTYPE_TAG: loaded.dtype,
        MODEL_REVISION_TAG: loaded.revision,
        SCORING_TAG: settings.data.scoring,
        SEED_TAG: str(settings.seed),
    }
