"""The manifest of a variant's run: all that is known before its first record."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle, islice
from typing import TYPE_CHECKING

from vreason.clock import unix_ms
from vreason_tracking.journal import Manifest, new_run_id
from vreason_tracking.presentation import COLOURS
from vreason_tracking.record import CALL_TAG, IDENTITY_PREFIX
from vreason_tracking.running.inputs import config_text
from vreason_tracking.running.plan import Plan, Task
from vreason_tracking.settings import RunSettings
from vreason_tracking.stores import portable_uri

if TYPE_CHECKING:
    from vreason.benchmarks import Sample


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
