"""The manifest of a run: all that is known before its first record."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from itertools import cycle, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vreason.clock import unix_ms
from vreason.models import commit_of
from vreason_tracking.journal import Manifest, new_run_id
from vreason_tracking.presentation import COLOURS
from vreason_tracking.records import (
    CALL_TAG,
    CONFIG_NAME_TAG,
    DEVICE_TAG,
    DTYPE_TAG,
    IDENTITY_PREFIX,
    MODEL_REVISION_TAG,
    OWN_LOOP_SOURCE,
    SCORING_TAG,
    SOURCE_TAG,
    provenance,
)
from vreason_tracking.running.inputs import config_text
from vreason_tracking.running.plan import Plan, Task
from vreason_tracking.settings import RunSettings, Variant, dump
from vreason_tracking.stores import portable_uri

if TYPE_CHECKING:
    from vreason.benchmarks import Sample
    from vreason.config import VReasonConfig


def manifest_of(settings: RunSettings, task: Task, todo: Plan, tags: dict[str, str], samples: Sequence[Sample]) -> Manifest:
    """The manifest of a new run.

    Args:
        settings: of the call.
        task: the variant's part of it.
        todo: the call's plan.
        tags: provenance, which all variants share.
        samples: what is asked, in order.
    """
    identity = task.request.identity
    return Manifest(
        run_id=new_run_id(),
        variant=task.request.variant.name,
        call_id=todo.call_id,
        call_position=task.position,
        call_variants=len(todo.tasks),
        config_name=settings.name,
        experiment=settings.tracking.experiment,
        tracking_uri=portable_uri(settings.tracking.resolved_uri()),
        mode=settings.tracking.mode,
        colour=next(islice(cycle(COLOURS), task.position, None)),
        config=config_text(settings),
        created_ms=unix_ms(),
        params=task.request.params,
        tags={**tags, **{f"{IDENTITY_PREFIX}{part}": digest for part, digest in identity.items()}, CALL_TAG: todo.call_id},
        identity=identity,
        sample_ids=tuple(sample.sample_id for sample in samples),
    )


def own_loop_manifest(
    name: str,
    variant: str,
    method: VReasonConfig | None,
    model: Any,
    scoring: str,
    params: dict[str, Any],
    tags: dict[str, str],
    experiment: str,
    address: str,
    *,
    offline: bool,
) -> Manifest:
    """The manifest of a run that a program of the user's own records; see `vreason_tracking.record` for what the arguments mean."""
    call = secrets.token_hex(6)
    settings = {f"method.{key}": value for key, value in Variant(variant, method).flattened().items()} if method is not None else {}
    return Manifest(
        run_id=new_run_id(),
        variant=variant,
        call_id=call,
        call_position=0,
        call_variants=1,
        config_name=name,
        experiment=experiment,
        tracking_uri=portable_uri(address),
        mode="offline" if offline else "online",
        colour=COLOURS[0],
        config=dump({"name": name, "variant": variant, "method": method.to_dict() if method is not None else None, **params}),
        created_ms=unix_ms(),
        params={"variant": variant, "data.scoring": scoring, **settings, **params},
        tags={**_made_with(model), CONFIG_NAME_TAG: name, SCORING_TAG: scoring, SOURCE_TAG: OWN_LOOP_SOURCE, CALL_TAG: call, **tags},
    )


def served_manifest(variant: str, config: str, identity: dict[str, str], tags: dict[str, str], experiment: str, address: str) -> Manifest:
    """The manifest of what a server records: questions of whoever asks, in no order, as many as come.

    Args:
        variant: the version of the model that is served.
        config: its description.
        identity: digests of the run that it was made of.
        tags: provenance.
        experiment: MLflow's.
        address: of the store to which the record is to be delivered.
    """
    return Manifest(
        run_id=new_run_id(),
        variant=variant,
        call_id=secrets.token_hex(6),
        call_position=0,
        call_variants=1,
        config_name=tags[CONFIG_NAME_TAG],
        experiment=experiment,
        tracking_uri=portable_uri(address),
        mode="offline",
        colour=COLOURS[0],
        config=config,
        created_ms=unix_ms(),
        params={"variant": variant},
        tags=tags,
        identity=identity,
    )


def _made_with(model: Any) -> dict[str, str]:
    """Code, versions, machine, and what the model tells of itself."""
    told = provenance.git_tags(Path.cwd()) | provenance.version_tags() | provenance.machine_tags()
    if model is None:
        return told
    config = getattr(model, "config", None)
    known = {
        DEVICE_TAG: str(getattr(model, "device", "")),
        DTYPE_TAG: str(getattr(model, "dtype", "")).removeprefix("torch."),
        MODEL_REVISION_TAG: commit_of(config) or str(getattr(config, "name_or_path", "")),
    }
    return told | {tag: value for tag, value in known.items() if value}
