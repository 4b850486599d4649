"""From a run to the description of its bundle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from vreason.models import DEMO, DEMO_WEIGHTS, find_model
from vreason_tracking.bundles.bounds import default_bounds, with_changes
from vreason_tracking.bundles.bundle import Bundle, Example, ModelPart, Origin
from vreason_tracking.bundles.source_run import SourceRun
from vreason_tracking.bundles.weights import file_digests, model_folder
from vreason_tracking.records import (
    CALL_TAG,
    DATA_DIGEST_TAG,
    DEVICE_TAG,
    DTYPE_TAG,
    GIT_PREFIX,
    HOST_TAG,
    MODEL_REVISION_TAG,
    PLATFORM_TAG,
    PLUGINS_TAG,
    SCHEDULE_TAG,
    SCORING_TAG,
    SEED_TAG,
    USER_TAG,
    VERSION_PREFIX,
)
from vreason_tracking.running import evaluation_config

_TAGS = (
    CALL_TAG,
    DATA_DIGEST_TAG,
    DEVICE_TAG,
    DTYPE_TAG,
    HOST_TAG,
    MODEL_REVISION_TAG,
    PLATFORM_TAG,
    PLUGINS_TAG,
    SCHEDULE_TAG,
    SCORING_TAG,
    SEED_TAG,
    USER_TAG,
)
_PREFIXES = (GIT_PREFIX, VERSION_PREFIX)


def describe(
    source: SourceRun, example: Example, bounds: Sequence[str], forced: str | None, against: Sequence[str], include: bool
) -> Bundle:
    """The bundle of a run; hashes the model's files.

    Args:
        source: the run.
        example: what it shows itself to work with.
        bounds: changes of what a caller may set (see `with_changes`).
        forced: why it is registered in spite of `against`.
        against: what speaks against it.
        include: whether the weights go into the bundle.

    Raises:
        ConfigError: a bound is wrong.
        UnsupportedModelError: the model's files are not on this machine.
    """
    config = evaluation_config(source.settings, source.variant)
    declared = with_changes(default_bounds(config.method, int(config.generation["max_new_tokens"])), bounds)
    return Bundle(
        model=_model(source, include),
        method=config.method.to_dict(),
        prompt={"text": config.prompt.text, "suffixes": dict(config.prompt.suffixes)},
        video=asdict(config.video),
        generation=config.generation,
        scoring=config.scoring,
        seed=config.seed,
        bounds=declared,
        origin=_origin(source, forced, against),
        example=example,
    )


def _model(source: SourceRun, include: bool) -> ModelPart:
    spec, tags = source.settings.model, source.run.tags
    found = find_model(spec)
    recorded = tags.get(MODEL_REVISION_TAG, "")
    of_hub = spec.id != DEMO and ":" not in recorded  # a folder's weights are named by a digest
    folder = DEMO_WEIGHTS if spec.id == DEMO else model_folder(found.source, recorded if of_hub else None)
    return ModelPart(
        id=spec.id if of_hub or spec.id == DEMO else str(folder.absolute()),
        revision=recorded if of_hub else None,
        dtype=tags.get(DTYPE_TAG) or spec.dtype,
        device=spec.device,
        attention=spec.attention,
        family=found.family,
        weights_revision=recorded,
        included=include,
        files=file_digests(folder),
    )


def _origin(source: SourceRun, forced: str | None, against: Sequence[str]) -> Origin:
    run = source.run
    return Origin(
        mlflow_run_id=source.mlflow_id,
        journal_run_id=run.journal_id,
        experiment=run.experiment,
        config=run.config_name,
        variant=run.variant,
        identity=dict(run.identity),
        tags=_provenance(run.tags),
        samples=run.local.expected_samples if run.local else run.stored.expected_samples if run.stored else None,
        failed=source.summary.failed,
        figures=source.summary.metrics(),
        forced=forced,
        against=tuple(against),
    )


def _provenance(tags: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in sorted(tags.items()) if name in _TAGS or name.startswith(_PREFIXES)}
