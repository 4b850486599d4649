"""A run with its record as two Parquet files: MLflow's artifacts where it has the whole of it, else written from the journal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from vreason.errors import TrackingError
from vreason_tracking.catalog.local_run import LocalRun
from vreason_tracking.catalog.run import Run
from vreason_tracking.catalog.stored_run import StoredRun
from vreason_tracking.journal import RunFolder, SampleAssembly, asked_again, read_events
from vreason_tracking.records import CALL_TAG, MEMORY_SOURCE_TAG, MLFLOW_PREFIX, OWN_PREFIX, RecordTables
from vreason_tracking.stores import fetch_artifact, truncate_values

SAMPLES, STEPS = "samples.parquet", "steps.parquet"
_BOOKKEEPING = (MLFLOW_PREFIX, OWN_PREFIX)  # tags that change with the delivery, and say nothing of what was run
_FIGURES = (MEMORY_SOURCE_TAG,)  # a figure of the samples, which the comparison takes from them


@dataclass(frozen=True)
class RecordedRun:
    """One run as a comparison needs it.

    Attributes:
        name: of the variant, unique in the comparison.
        run_id: what MLflow calls it, else the journal's name for it.
        mlflow_id: None where MLflow does not have it.
        experiment_id: MLflow's.
        variant, config: names as recorded.
        status: FINISHED, or why not.
        expected_samples: how many samples it was begun to ask; None where nobody says.
        started_ms: Unix time, milliseconds.
        params, tags, identity: settings, provenance, digests, all as text, by name in alphabetical order.
        samples, steps: the Parquet files.
        journal_id: the journal's name for it; None where it has none.
        call_id: shared by the variants of one call of `run`; None where nobody says.
    """

    name: str
    run_id: str
    mlflow_id: str | None
    experiment_id: str | None
    variant: str
    config: str
    status: str
    expected_samples: int | None
    started_ms: int
    params: Mapping[str, str]
    tags: Mapping[str, str]
    identity: Mapping[str, str]
    samples: Path
    steps: Path
    journal_id: str | None = None
    call_id: str | None = None

    @property
    def ids(self) -> tuple[str, ...]:
        """All that it may be called by, but for its names."""
        return tuple(dict.fromkeys(each for each in (self.run_id, self.mlflow_id, self.journal_id) if each))


@contextmanager
def recorded_runs(runs: Sequence[Run], steps: bool = True) -> Iterator[list[RecordedRun]]:
    """The runs with their files, which are there until the end of the block.

    Args:
        runs: known from either side.
        steps: False does without the files of steps, which are large; `RecordedRun.steps` is then not there.

    Raises:
        TrackingError: the record of a run can be read from neither side.
    """
    with TemporaryDirectory(prefix="vreason-compare-") as folder:
        found = [_recorded(run, Path(folder) / str(number), steps) for number, run in enumerate(runs)]
        names = unique_names(found)
        yield [replace(run, name=name) for run, name in zip(found, names, strict=True)]


def unique_names(runs: Sequence[RecordedRun]) -> list[str]:
    """A name each: the variant's; with its config, then with its id, where that is not enough."""
    names = [run.variant for run in runs]
    for more in ([f"{run.config}: {run.variant}" for run in runs], [f"{run.variant} {run.run_id}" for run in runs]):
        names = [longer if names.count(name) > 1 else name for name, longer in zip(names, more, strict=True)]
    if len(set(names)) < len(names):  # somebody has called a variant like another one's name and id
        names = [f"{run.variant} {run.run_id}" for run in runs]
    return names


def _recorded(run: Run, folder: Path, with_steps: bool) -> RecordedRun:
    samples, steps = _files(run, folder, with_steps)
    return described_run(run, samples, steps)


def described_run(run: Run, samples: Path = Path(), steps: Path = Path()) -> RecordedRun:
    """What is known of a run beside its samples and steps; their files are named by whoever needs them."""
    params: Mapping[str, Any] = run.local.manifest.params if run.local else run.stored.run.data.params if run.stored else {}
    return RecordedRun(
        name=run.variant,
        run_id=run.shown_id,
        mlflow_id=run.mlflow_id if run.in_store is not False else None,
        experiment_id=run.stored.experiment_id if run.stored else None,
        variant=run.variant,
        config=run.config_name,
        status=run.status,
        expected_samples=run.local.expected_samples if run.local else run.stored.expected_samples if run.stored else None,
        started_ms=run.started_ms,
        params=truncate_values(dict(sorted(params.items()))),
        tags=truncate_values({name: value for name, value in sorted(run.tags.items()) if _is_kept(name)}),
        identity=dict(sorted(run.identity.items())),
        samples=samples,
        steps=steps,
        journal_id=run.journal_id,
        call_id=run.local.manifest.call_id if run.local else run.tags.get(CALL_TAG),
    )


def _is_kept(tag: str) -> bool:
    return not tag.startswith(_BOOKKEEPING) and tag not in _FIGURES


def _files(run: Run, folder: Path, with_steps: bool) -> tuple[Path, Path]:
    """The record's files. A run that MLflow has to its end is read there: its tables are columns already."""
    folder.mkdir(parents=True)
    reason = None
    if run.stored is not None and (run.local is None or run.local.is_delivered):
        try:
            return _downloaded(run.stored, folder, with_steps)
        except TrackingError as error:
            if run.local is None:
                raise
            reason = error
    if run.local is None:
        raise reason or TrackingError(f"{run.shown_id}: neither side of the record has it")
    return _written(run.local, folder)


def _downloaded(stored: StoredRun, folder: Path, with_steps: bool) -> tuple[Path, Path]:
    """The artifacts of the run; on this machine they are read where they lie."""
    found = []
    for name in (SAMPLES, STEPS) if with_steps else (SAMPLES,):
        try:
            found.append(fetch_artifact(stored.store, stored.run, name, folder))
        except TrackingError as error:
            raise type(error)(f"{stored.name} ({stored.run_id}): its record {error}") from error
    return found[0], found[1] if with_steps else folder / STEPS


def _written(local: LocalRun, folder: Path) -> tuple[Path, Path]:
    """The journal's finished samples as the same two files."""
    try:
        write_tables(local.folder, folder)
    except OSError as error:
        hint = f"free space in {folder.parents[1]}, or name another folder in TMPDIR"
        raise TrackingError(f"{local.variant} ({local.run_id}): the tables of its journal cannot be written ({error}); {hint}") from error
    return folder / SAMPLES, folder / STEPS


def write_tables(journal: RunFolder, folder: Path) -> None:
    """Write both Parquet files of a run's journal into `folder`.

    Raises:
        TrackingError: the journal cannot be read.
    """
    tables, assembly = RecordTables(folder), SampleAssembly(asked_again(journal))
    try:
        for finished in assembly.feed(read_events(journal)):
            tables.add(finished.sample, finished.steps)
    finally:
        tables.close()
