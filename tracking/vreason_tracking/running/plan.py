"""What a call of `run` has still to do: everything, or what an earlier call left undone.

A run is continued only by what it was begun with: its identity decides, and what differs is named.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vreason.errors import TrackingError
from vreason_tracking.catalog import LocalRun, local_runs, require
from vreason_tracking.journal import RunFolder, SampleAssembly, asked_again, last_end, read_events, readable_runs
from vreason_tracking.settings import WHOLE, RunSettings, Variant, differing_parts

AUTO = "auto"
_SHOWN = 12  # differences named


@dataclass(frozen=True)
class VariantRequest:
    """What a variant is asked now.

    Attributes:
        variant: its name and method.
        params: every resolved setting, flattened.
        identity: see `vreason_tracking.settings.fingerprint`.
    """

    variant: Variant
    params: Mapping[str, Any]
    identity: Mapping[str, str]


@dataclass(frozen=True)
class Task:
    """A variant's part of a call.

    Attributes:
        request: what it is asked.
        position: among the call's variants, from 0.
        folder: the run to continue or, when `finished`, to keep; None begins a new one.
        done: ids of the samples that need not be asked again.
        finished: nothing is left to do.
        retry_failed: whether samples that failed are asked again.
        failed: ids of the samples that failed: of `done`, or, where they are asked again, not of it.
    """

    request: VariantRequest
    position: int
    folder: RunFolder | None = None
    done: frozenset[str] = frozenset()
    finished: bool = False
    retry_failed: bool = False
    failed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """The tasks of a call, the id under which its runs belong together, and what a user has to know of them."""

    call_id: str
    tasks: Sequence[Task]
    notes: Sequence[str] = ()


def plan(settings: RunSettings, request: Sequence[VariantRequest], root: Path, resume: str | None, retry_failed: bool = False) -> Plan:
    """What is to be done.

    Args:
        settings: of the call.
        request: its variants.
        root: the journal.
        resume: None begins anew; "auto" continues the newest call of the same config, if it was not finished; else the id, the beginning
            of one, or the variant of a run whose call is continued.
        retry_failed: whether samples that failed before are asked again; else they stay as they are.

    Raises:
        TrackingError: there is no such run, or it was begun with something else; the message shows the difference.
    """
    unreadable = [] if resume is None else [run for run in local_runs(root) if run.fault]
    call = None if resume is None else _newest_call(root, settings) if resume == AUTO else require(root, resume).manifest.call_id
    runs = {folder.manifest.variant: folder for folder in readable_runs(root) if call and folder.manifest.call_id == call}
    unlike = [each for each in request if each.variant.name in runs and not _same(runs[each.variant.name], each)]
    if unlike and resume == AUTO and _is_whole(list(runs.values())):
        call, runs, unlike = None, {}, []  # nothing was left undone: a changed config is simply a new call
    if unlike:
        raise TrackingError(_difference(runs[unlike[0].variant.name], unlike[0]))
    notes = _notes_on(unreadable, list(runs.values()), root)
    tasks = [_task(each, position, runs.get(each.variant.name), retry_failed) for position, each in enumerate(request)]
    notes += [_note_on_failed(task) for task in tasks if task.failed]
    return Plan(call or secrets.token_hex(6), tasks, notes)


def _notes_on(unreadable: Sequence[LocalRun], runs: Sequence[RunFolder], root: Path) -> list[str]:
    """What to say of runs that cannot be read, which may be what is to be continued: none is begun anew without a word."""
    if not unreadable:
        return []
    named = ", ".join(run.run_id for run in unreadable[:3]) + (f" and {len(unreadable) - 3} more" if len(unreadable) > 3 else "")
    what = f"run {named} of {root} cannot be read ({unreadable[0].fault})"
    if not runs:
        return [f"{what}: if it is what was to be continued, stop, and repair it first"]
    if len(runs) < max(folder.manifest.call_variants for folder in runs):
        return [f"{what}: it may be the variant of this call that is missing, and is now begun anew; if so, stop, and restore it first"]
    return []


def _newest_call(root: Path, settings: RunSettings) -> str | None:
    """The call that last ran this config into this experiment."""
    same = [
        folder.manifest
        for folder in readable_runs(root)
        if (folder.manifest.config_name, folder.manifest.experiment) == (settings.name, settings.tracking.experiment)
    ]
    return max(same, key=lambda manifest: manifest.created_ms).call_id if same else None


def _same(folder: RunFolder, request: VariantRequest) -> bool:
    return folder.manifest.identity.get(WHOLE) == request.identity[WHOLE]


def _is_finished(folder: RunFolder) -> bool:
    end = last_end(folder)
    return end is not None and end.status == "FINISHED"


def _is_whole(runs: Sequence[RunFolder]) -> bool:
    """Whether every variant that the call had was begun and is finished."""
    return all(map(_is_finished, runs)) and len(runs) >= max((folder.manifest.call_variants for folder in runs), default=0)


def refresh(task: Task) -> Task:
    """The task as it stands now: what a plan says may be old when its turn comes."""
    return _task(task.request, task.position, task.folder, task.retry_failed)


def _task(request: VariantRequest, position: int, folder: RunFolder | None, retry_failed: bool) -> Task:
    if folder is None:
        return Task(request, position, retry_failed=retry_failed)
    assembly = SampleAssembly(asked_again(folder))
    failed = tuple(finished.sample.sample_id for finished in assembly.feed(read_events(folder)) if finished.sample.error is not None)
    done = frozenset(assembly.done).difference(failed if retry_failed else ())
    whole = _is_finished(folder) and not assembly.incomplete and len(done) == len(assembly.done)
    return Task(request, position, folder, done, whole, retry_failed, failed)


def _note_on_failed(task: Task) -> str:
    named = ", ".join(task.failed[:3]) + (f" and {len(task.failed) - 3} more" if len(task.failed) > 3 else "")
    what = f"{task.request.variant.name}: {len(task.failed)} sample(s) failed before ({named})"
    return f"{what} and are asked again" if task.retry_failed else f"{what} and stay so; --retry-failed asks them again"


def _difference(folder: RunFolder, request: VariantRequest) -> str:
    """Why a run cannot be continued: setting by setting, and what differs without being a setting."""
    manifest = folder.manifest
    lines = []
    for name in sorted({*manifest.params, *request.params}):
        before, now = manifest.params.get(name, "not set"), request.params.get(name, "not set")
        if str(before) != str(now):
            lines.append(f"  {name}: {before} when it was begun, {now} now")
    cut = [f"  and {len(lines) - _SHOWN} more"] if len(lines) > _SHOWN else []
    parts = differing_parts(manifest.identity, request.identity)
    changed = f"  parts of its identity that differ: {', '.join(parts)}"
    explained = [] if lines else ["  no setting differs: the weights, the data file, its videos or the prompt file were changed"]
    head = f"run {folder.run_id} ({manifest.variant}) cannot be continued: it was begun with something else"
    last = "Give it what it was begun with, or leave --resume out to begin a new run"
    return "\n".join([head, *lines[:_SHOWN], *cut, *explained, changed, last])
