"""From a run to the description of its bundle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from vreason.errors import UnsupportedModelError
from vreason.models import DEMO_MODEL, DEMO_WEIGHTS, find_model, folder_revision
from vreason_tracking.bundles.bounds import default_bounds, with_changes
from vreason_tracking.bundles.bundle import Bundle, Example, ModelPart, Origin
from vreason_tracking.bundles.source_run import SourceRun
from vreason_tracking.bundles.weights import file_digests, model_folder
from vreason_tracking.catalog import described_run
from vreason_tracking.records import DTYPE_TAG, IDENTITY_PREFIX, MODEL_REVISION_TAG
from vreason_tracking.running import evaluation_config


def describe(
    source: SourceRun,
    example: Example,
    bounds: Sequence[str],
    forced: str | None,
    against: Sequence[str],
    *,
    include: bool,
    code: Sequence[str] = (),
) -> Bundle:
    """The bundle of a run; hashes the model's files.

    Args:
        source: the run.
        example: what it shows itself to work with.
        bounds: changes of what a caller may set (see `with_changes`).
        forced: why it is registered in spite of `against`.
        against: what speaks against it.
        include: whether the weights go into the bundle.
        code: names of the user's own modules and packages that go into it.

    Raises:
        ConfigError: a bound is wrong.
        UnsupportedModelError: the model's files are not on this machine, or no longer those of the run.
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
        code=tuple(code),
        origin=_origin(source, forced, against),
        example=example,
    )


def _model(source: SourceRun, include: bool) -> ModelPart:
    spec, tags = source.settings.model, source.run.tags
    found = find_model(spec)
    recorded = tags.get(MODEL_REVISION_TAG, "")
    of_hub = spec.id != DEMO_MODEL and ":" not in recorded  # a folder's weights are named by a digest
    folder = DEMO_WEIGHTS if spec.id == DEMO_MODEL else model_folder(found.source, recorded if of_hub else None)
    if not of_hub and recorded and (now := folder_revision(folder)) != recorded:
        what = f"model.id {spec.id!r}: its weights are {now}, and the run was made with {recorded}"
        raise UnsupportedModelError(f"{what}; restore those, or run it again and register that")
    return ModelPart(
        id=spec.id if of_hub or spec.id == DEMO_MODEL else str(folder.absolute()),
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
        tags={name: value for name, value in described_run(run).tags.items() if not name.startswith(IDENTITY_PREFIX)},
        samples=source.expected_samples,
        failed=source.summary.failed,
        figures=source.summary.metrics(),
        forced=forced,
        against=tuple(against),
    )
