"""The run that a bundle is made of: found, read, and looked at for what speaks against it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow.compute as pc

from vreason.errors import TrackingError
from vreason.events import SampleRecord, StepRecord
from vreason_tracking.catalog import Catalog, Run, check, check_delivered, described_run, recorded_runs
from vreason_tracking.comparison import named_runs
from vreason_tracking.records import (
    CALL_TAG,
    DATA_DIGEST_TAG,
    DONE_TAG,
    DTYPE_TAG,
    MODEL_REVISION_TAG,
    OWN_LOOP_SOURCE,
    SERVED_SOURCE,
    SOURCE_TAG,
    RunSummary,
    column_names,
    make_record,
    record_file,
)
from vreason_tracking.settings import RunSettings, Variant, differing_parts, fingerprint_of, parse_settings
from vreason_tracking.stores import MlflowStore, fetch_artifact

CONFIG = "config.yaml"


@dataclass(frozen=True)
class SourceRun:
    """A run with everything that a bundle takes from it.

    Attributes:
        run: from both sides of the record where both are here.
        store: that holds it.
        mlflow_id, experiment_id: MLflow's.
        settings: of its call.
        variant: its method.
        summary: over its samples.
        samples: its finished samples, in the order of its table.
        steps: the Parquet file of its steps.
    """

    run: Run
    store: MlflowStore
    mlflow_id: str
    experiment_id: str
    settings: RunSettings
    variant: Variant
    summary: RunSummary
    samples: Sequence[SampleRecord]
    steps: Path

    @property
    def expected_samples(self) -> int | None:
        """How many the run was begun to ask; None where nobody says."""
        return described_run(self.run).expected_samples

    def token_ids(self, sample_id: str) -> tuple[int, ...]:
        """The tokens of one sample's reply, in order."""
        with record_file(self.steps, StepRecord, "steps") as file:
            rows = file.read(["sample_id", "token_index", "token_id"], pc.field("sample_id") == sample_id).sort_by("token_index")
        found: list[int] = rows.column("token_id").to_pylist()
        return tuple(found)


def find_source(catalog: Catalog, name: str, variant: str | None = None) -> tuple[Run, MlflowStore]:
    """The run that is meant, and the store that holds it.

    Args:
        catalog: where runs are looked for.
        name: of a run; or of any run of the call, where `variant` names one of that call's.
        variant: of the run; None takes the run's own.

    Raises:
        TrackingError: there is no such run, or the store does not hold it.
    """
    found = named_runs(catalog, [name])
    index = catalog.read_store(found.index)
    if index.store is None:
        raise index.store_error or TrackingError(f"{index.address}: cannot be read; name the store with --tracking-uri")
    run = found.runs[0]
    run = next((each for each in index.runs if run.journal_id is not None and each.journal_id == run.journal_id), run)
    if variant is not None and run.variant != variant:
        run = _sibling(run, variant, index.runs)
    if run.stored is None:
        hint = f"deliver it first: `vreason-track journal deliver {run.journal_id}`"
        raise TrackingError(f"run {run.shown_id} ({run.variant}) is not in {index.address}, where models are registered; {hint}")
    return run, index.store


def _sibling(run: Run, variant: str, runs: Sequence[Run]) -> Run:
    """The variant of this name that the same call ran."""
    call = run.tags.get(CALL_TAG)
    siblings = [each for each in runs if each.tags.get(CALL_TAG) == call] if call else [run]
    for each in siblings:
        if each.variant == variant:
            return each
    names = ", ".join(dict.fromkeys(each.variant for each in siblings))
    raise TrackingError(f"--variant: the call of run {run.shown_id} has no variant {variant!r}; it has {names}")


@contextmanager
def read_source(run: Run, store: MlflowStore) -> Iterator[SourceRun]:
    """The run's settings and record; its files are there until the end of the block.

    Raises:
        TrackingError: it was not made by `vreason-track run`, its record cannot be read, or its settings are no longer what was run.
    """
    assert run.stored is not None, "only a run of the store is registered"
    if run.tags.get(SOURCE_TAG) == SERVED_SOURCE:
        raise TrackingError(f"run {run.shown_id} is what a server recorded of {run.variant}; register the run that that was made of")
    if run.tags.get(SOURCE_TAG) == OWN_LOOP_SOURCE:
        raise TrackingError(
            f"run {run.shown_id} was recorded by a loop of your own: it names no model and no prompt that could be registered"
        )
    with TemporaryDirectory(prefix="vreason-register-") as folder, recorded_runs([run]) as (recorded,):
        text = run.local.manifest.config if run.local else _stored_config(run, store, Path(folder))
        settings, variant = _settings(run, text)
        samples = _read_samples(recorded.samples)
        summary, stored = RunSummary.of(samples), run.stored
        yield SourceRun(run, store, stored.run_id, stored.experiment_id, settings, variant, summary, samples, recorded.steps)


def _stored_config(run: Run, store: MlflowStore, folder: Path) -> str:
    assert run.stored is not None, "only a run of the store is registered"
    return fetch_artifact(store, run.stored.run, CONFIG, folder).read_text(encoding="utf-8")


def _settings(run: Run, text: str) -> tuple[RunSettings, Variant]:
    """The settings, and that they still mean what was run: a prompt's file may have changed since.

    Raises:
        TrackingError: they do not.
    """
    settings = parse_settings(text, f"the configuration of run {run.shown_id}")
    variant = next((each for each in settings.resolved_variants() if each.name == run.variant), None)
    if variant is None:
        raise TrackingError(f"run {run.shown_id}: its configuration has no variant {run.variant!r}; it is damaged, run it again")
    tags = run.tags
    now = fingerprint_of(settings, variant, tags.get(MODEL_REVISION_TAG, ""), tags.get(DTYPE_TAG, ""), tags.get(DATA_DIGEST_TAG, ""))
    if run.identity and (changed := differing_parts(dict(run.identity), now)):
        hint = "restore the file that prompt.file names, or run it again" if "prompt" in changed else "run it again with this version"
        raise TrackingError(
            f"run {run.shown_id}: its {' and '.join(changed)} settings no longer are what was run (their digest differs); {hint}"
        )
    return settings, variant


def _read_samples(path: Path) -> list[SampleRecord]:
    names = column_names(SampleRecord)
    with record_file(path, SampleRecord, "samples") as file:
        rows: list[dict[str, Any]] = file.read(names).to_pylist()
        return [make_record(SampleRecord, row) for row in rows]


def objections(source: SourceRun) -> list[str]:
    """What speaks against registering the run, a sentence each; none where nothing does.

    Reads the journal again, and the store, and holds one against the other.
    """
    run, found = source.run, []
    if run.status != "FINISHED":
        found.append(f"its status is {run.status}: it did not come to its end")
    expected = source.expected_samples
    if expected is not None and len(source.samples) < expected:
        found.append(f"it is partial: {len(source.samples)} of {expected} samples are recorded")
    if not source.summary.answered:
        found.append("none of its samples was answered")
    return [*found, *_record_faults(source)]


def _record_faults(source: SourceRun) -> list[str]:
    run = source.run
    if run.local is None:
        told = run.tags.get(DONE_TAG, "")
        if told.isdecimal() and int(told) != len(source.samples):
            return [f"its record does not verify: its table has {len(source.samples)} samples, and it says that it finished {told}"]
        return []
    damages = check(run.local.folder).damages
    if damages:
        return [f"its record does not verify: {damages[0]}{f' and {len(damages) - 1} more' if len(damages) > 1 else ''}"]
    if not run.local.is_delivered:
        return ["it is not delivered to its end: `vreason-track journal deliver` finishes that"]
    differences = check_delivered(run.local, source.store).differences
    if differences:
        more = f" and {len(differences) - 1} more" if len(differences) > 1 else ""
        return [f"its record does not verify against the store: {differences[0]}{more}"]
    return []
