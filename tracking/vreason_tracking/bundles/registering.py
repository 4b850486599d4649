"""Registers a run as a version of a model: looks at the run, packs the bundle, lets it answer its example, and makes the version."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from vreason.errors import ConfigError, ConfigIssue, TrackingError, VReasonError
from vreason.plugins import is_reference
from vreason_tracking.bundles.bundle import Bundle
from vreason_tracking.bundles.describing import describe
from vreason_tracking.bundles.example import make_example
from vreason_tracking.bundles.packing import pack
from vreason_tracking.bundles.registry import (
    Registry,
    Version,
    alias_issue,
)
from vreason_tracking.bundles.signing import files_digest, require_signing_key, sign
from vreason_tracking.bundles.source_run import SourceRun, find_source, objections, read_source
from vreason_tracking.bundles.version_notes import version_notes
from vreason_tracking.bundles.weights import model_folder
from vreason_tracking.catalog import Catalog
from vreason_tracking.records import (
    AGAINST_TAG,
    BUNDLE_KIND,
    EXAMPLE_TAG,
    FILES_TAG,
    FORCED_TAG,
    KIND_TAG,
    REGISTERED_BY_TAG,
    SIGNED_TAG,
    user_name,
)

_log = logging.getLogger(__name__)

EQUAL, DIFFERENT, ANSWERED, SKIPPED = "equal", "different", "answered", "not run"
"""What came of the example: it was answered as the run had it, token by token; otherwise; its answer is not known; nobody ran it."""


class NotRegistrableError(TrackingError):
    """Something speaks against registering a run; `--force REASON` does it all the same."""


@dataclass(frozen=True)
class Registration:
    """What is to be registered, and how.

    Attributes:
        run: name of a run.
        variant: of its call; None takes the run's own.
        name: of the model.
        alias: that points at the new version; None gives none.
        include_weights: whether the weights go into the bundle.
        force: why it is registered whatever speaks against it; None registers only what nothing speaks against.
        bounds: changes of what a caller may set.
        code_paths: modules of the user's own that the method names.
        signing_key: a PEM file; None leaves the bundle unsigned.
        key_password: of that.
        run_example: whether the bundle answers its example before it is registered, which loads the model.
    """

    run: str
    name: str
    variant: str | None = None
    alias: str | None = None
    include_weights: bool = False
    force: str | None = None
    bounds: Sequence[str] = ()
    code_paths: Sequence[Path] = ()
    signing_key: Path | None = None
    key_password: str | None = None
    run_example: bool = True


@dataclass(frozen=True)
class Registered:
    """The new version.

    Attributes:
        version: with its tags.
        bundle: its description.
        example: what came of the example: one of the words above.
        objections: what spoke against it.
    """

    version: Version
    bundle: Bundle
    example: str
    objections: Sequence[str]


def register(catalog: Catalog, wanted: Registration, notice: Callable[[str], None]) -> Registered:
    """Make the version.

    Args:
        catalog: where the run is looked for; its store takes the model.
        wanted: what is to be done.
        notice: told in a sentence what goes on.

    Raises:
        NotRegistrableError: something speaks against the run, and nobody has forced it.
        ConfigError: a bound, the key, or a name is wrong.
        UnsupportedModelError: the model's files are not here.
        TrackingError: the run, its record or the registry cannot be used.
    """
    _check_names(wanted)
    if wanted.signing_key is not None:
        require_signing_key(wanted.signing_key, wanted.key_password)
    run, store = find_source(catalog, wanted.run, wanted.variant)
    with read_source(run, store) as source:
        against = objections(source)
        if against and wanted.force is None:
            what = "; ".join(against)
            raise NotRegistrableError(
                f"run {run.shown_id} ({run.variant}) is not registered: {what}. To do it all the same: --force REASON"
            )
        _require_code(source, wanted)
        record, example = make_example(source)
        notice("hashing the model's files")
        bundle = describe(
            source,
            example,
            wanted.bounds,
            wanted.force if against else None,
            against,
            include=wanted.include_weights,
            code=[path.stem if path.is_file() else path.name for path in wanted.code_paths],
        )
        weights = model_folder(bundle.model.source, bundle.model.revision) if wanted.include_weights else None
        return _made(Registry(store, catalog.root), source, bundle, record, weights, wanted, notice)


def _check_names(wanted: Registration) -> None:
    issues = []
    if not wanted.name.strip() or any(mark in wanted.name for mark in "/:@'\\") or len(wanted.name) > 100:
        issues.append(ConfigIssue("--name", f"{wanted.name!r} is no name of a model; give one of up to 100 characters without / : @ '"))
    if wanted.alias is not None and (issue := alias_issue(wanted.alias)) is not None:
        issues.append(issue)
    if wanted.force is not None and not wanted.force.strip():
        issues.append(ConfigIssue("--force", "is empty; give the reason, which stays on the version"))
    if issues:
        raise ConfigError(issues)


def _require_code(source: SourceRun, wanted: Registration) -> None:
    """An objective that is a function of the user's own is imported where the bundle is loaded."""
    controller = source.variant.method.controller
    if controller is not None and is_reference(controller.objective) and not wanted.code_paths:
        what = f"the objective {controller.objective!r} is a function of your own, which is not there where the bundle is loaded"
        raise ConfigError([ConfigIssue("--code", f"{what}; give its file or package with --code, or offer it as a plug-in")])


def _made(
    registry: Registry,
    source: SourceRun,
    bundle: Bundle,
    record: dict[str, Any],
    weights: Path | None,
    wanted: Registration,
    notice: Callable[[str], None],
) -> Registered:
    with _logged_model(registry, source, bundle) as model_id, TemporaryDirectory(prefix="vreason-pack-") as scratch:
        folder = Path(scratch) / "model"
        pack(bundle, folder, record, weights, wanted.code_paths, model_id)
        outcome = SKIPPED
        if wanted.run_example:
            notice("loading the bundle, to answer its example")
            outcome = run_example(folder, bundle)
        if wanted.signing_key is not None:
            sign(folder, wanted.signing_key, wanted.key_password)
        tags = _tags(bundle, files_digest(folder), wanted, outcome)
        notice("writing the version")
        registry.enter("model.registered", f"model:{wanted.name}", wanted.force, run=source.mlflow_id, files_sha256=tags[FILES_TAG])
        with registry.translated():
            registry.client.log_model_artifacts(model_id, str(folder))
            registry.client.finalize_logged_model(model_id, "READY")
            version = _create(registry, source, model_id, wanted.name, tags, version_notes(bundle, outcome, wanted.signing_key is not None))
    found = registry.find(f"{wanted.name}/{version}")
    if wanted.alias is not None:
        found = registry.set_alias(found, wanted.alias)
    _log.info("run %s registered as %s", source.mlflow_id, found.label)
    return Registered(found, bundle, outcome, bundle.origin.against)


@contextmanager
def _logged_model(registry: Registry, source: SourceRun, bundle: Bundle) -> Iterator[str]:
    """MLflow's id of a new logged model, which is deleted again where the block fails."""
    with registry.translated():
        made = registry.client.create_logged_model(
            source.experiment_id,
            name="".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in bundle.origin.variant),
            source_run_id=source.mlflow_id,
            tags={KIND_TAG: BUNDLE_KIND},
            params={"model.id": bundle.model.id, "variant": bundle.origin.variant},
            model_type="vreason-bundle",
        )
    try:
        yield str(made.model_id)
    except BaseException:
        with registry.translated():
            registry.client.finalize_logged_model(made.model_id, "FAILED")
            registry.client.delete_logged_model(made.model_id)
        raise


def _create(registry: Registry, source: SourceRun, model_id: str, name: str, tags: dict[str, str], notes: str) -> str:
    """The version, of a model that is made with its first one."""
    from mlflow.exceptions import MlflowException

    try:
        registry.client.create_registered_model(name, tags={KIND_TAG: BUNDLE_KIND})
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    made = registry.client.create_model_version(
        name, f"models:/{model_id}", run_id=source.mlflow_id, tags=tags, description=notes, model_id=model_id
    )
    return str(made.version)


def _tags(bundle: Bundle, digest: str, wanted: Registration, outcome: str) -> dict[str, str]:
    forced = {FORCED_TAG: bundle.origin.forced} if bundle.origin.forced else {}
    against = {AGAINST_TAG: "; ".join(bundle.origin.against)[:4000]} if bundle.origin.against else {}
    return {
        KIND_TAG: BUNDLE_KIND,
        FILES_TAG: digest,
        SIGNED_TAG: str(wanted.signing_key is not None).lower(),
        EXAMPLE_TAG: outcome,
        REGISTERED_BY_TAG: user_name(),
        **forced,
        **against,
    }


def run_example(folder: Path, bundle: Bundle) -> str:
    """Load the packed bundle as MLflow does, answer the example, and hold it against the run's answer.

    Raises:
        VReasonError: it cannot be loaded, or does not answer.
    """
    import mlflow

    model = mlflow.pyfunc.load_model(str(folder))
    (found,) = model.predict(model.input_example, params={"trace": "full"})
    if found["error"] is not None:
        raise VReasonError(
            f"the bundle does not answer its own example: {found['error']}; see its requirements.txt, and `vreason-track doctor`"
        )
    if bundle.example.output is None:
        return ANSWERED
    tokens = tuple(found["trace"]["steps"]["token_id"])
    return EQUAL if (found["output"], tokens) == (bundle.example.output, bundle.example.token_ids) else DIFFERENT
