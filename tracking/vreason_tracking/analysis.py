"""Recorded runs in Python and notebooks: samples and steps as Arrow tables or pandas frames, and comparisons as the command makes them.

run = vreason_tracking.load_run("v-reason")
print(run.accuracy, run.samples(["sample_id", "score", "output_tokens"]).to_pandas())
for table in run.steps(["sample_id", "token_index", "entropy"]):  # some twenty thousand steps at a time, whatever their number
    ...
vreason_tracking.compare(["baseline", "v-reason"])  # shows itself in a notebook
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import finalize

import pyarrow as pa

from vreason.config_checks import suggestion
from vreason.errors import ConfigError, ConfigIssue
from vreason.events import SampleRecord, StepRecord
from vreason_tracking.catalog import Catalog, RecordedRun, recorded_runs
from vreason_tracking.comparison import Comparison, compare as compare_runs, document, make_report, named_runs, tables_of, verdicts
from vreason_tracking.journal import journal_folder
from vreason_tracking.presentation import Figure, Table
from vreason_tracking.records import column_names, record_file

if TYPE_CHECKING:
    import pandas as pd


class LoadedRun:
    """A recorded run. Its files are there as long as this object is.

    Args:
        run: with its files.
        closing: takes them away.

    Attributes:
        id, variant, config, status: of the run.
        params, tags: settings and provenance, as recorded.
        identity: digests of what its result depends on.
    """

    def __init__(self, run: RecordedRun, closing: ExitStack) -> None:
        self._run = run
        self.id, self.variant, self.config, self.status = run.run_id, run.variant, run.config, run.status
        self.params: Mapping[str, str] = run.params
        self.tags: Mapping[str, str] = run.tags
        self.identity: Mapping[str, str] = run.identity
        finalize(self, closing.close)

    def __repr__(self) -> str:
        return f"<run {self.id} of {self.variant}, {self.status}>"

    def samples(self, columns: Sequence[str] | None = None) -> pa.Table:
        """The samples, a row each.

        Args:
            columns: fields of `vreason.SampleRecord`; None takes all.

        Raises:
            ConfigError: there is no such column.
            TrackingError: the record is damaged.
        """
        names = _columns(SampleRecord, columns)
        with record_file(self._run.samples, SampleRecord, "samples") as file:
            return file.read(names)

    def steps(self, columns: Sequence[str] | None = None) -> Steps:
        """The controller's steps, a row a token; nothing is read before it is asked for.

        Args:
            columns: fields of `vreason.StepRecord`; None takes all.

        Raises:
            ConfigError: there is no such column.
        """
        return Steps(self, self._run.steps, _columns(StepRecord, columns))

    @property
    def accuracy(self) -> float | None:
        """Mean score over the answered samples; None without one."""
        scores = [each for each in self.samples(["score"]).column("score").to_pylist() if each is not None]
        return sum(scores) / len(scores) if scores else None

    @property
    def summary(self) -> dict[str, float]:
        """The run's summary metrics, by their names in MLflow (docs/metrics.md)."""
        from vreason_tracking.records import RunSummary, make_record

        return RunSummary.of(make_record(SampleRecord, row) for row in self.samples().to_pylist()).metrics()


class Steps:
    """Steps of a run: iterated, they come a part of the file at a time; `table` and `to_pandas` read all of it.

    Args:
        run: whose they are; kept, for its files.
        path: of the file.
        columns: that are read.
    """

    def __init__(self, run: LoadedRun, path: Path, columns: Sequence[str]) -> None:
        self._run, self._path, self.columns = run, path, tuple(columns)

    def __iter__(self) -> Iterator[pa.Table]:
        with record_file(self._path, StepRecord, "steps") as file:
            for number in range(file.row_groups):
                yield file.read_group(number, self.columns)

    def table(self, sample_id: str | None = None) -> pa.Table:
        """All steps, or those of one sample.

        Raises:
            TrackingError: the record is damaged.
        """
        import pyarrow.compute as pc

        with record_file(self._path, StepRecord, "steps") as file:
            if sample_id is None:
                return file.read(self.columns)
            names = list(dict.fromkeys([*self.columns, "sample_id"]))
            groups = (file.read_group(number, names) for number in range(file.row_groups))
            found = [group.filter(pc.equal(group.column("sample_id"), sample_id)) for group in groups]
        return pa.concat_tables(found).select(list(self.columns)) if found else self._empty()

    def to_pandas(self, sample_id: str | None = None) -> pd.DataFrame:
        """The same as a pandas frame; errors as in `table`."""
        return self.table(sample_id).to_pandas()

    def _empty(self) -> pa.Table:
        from vreason_tracking.records import arrow_schema

        return arrow_schema(StepRecord).empty_table().select(list(self.columns))


class ComparedRuns:
    """A comparison; in a notebook it shows its verdicts and tables.

    Args:
        comparison: of the runs.
        closing: takes their files away.

    Attributes:
        comparison: everything that is known.
    """

    def __init__(self, comparison: Comparison, closing: ExitStack) -> None:
        self.comparison = comparison
        finalize(self, closing.close)

    @property
    def verdicts(self) -> list[str]:
        """A sentence a run, against the baseline."""
        return list(verdicts(self.comparison))

    @property
    def warnings(self) -> list[str]:
        """What a reader must know before anything else."""
        return list(self.comparison.warnings)

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The report's tables over all questions, by title, as they are printed."""
        import pandas as pd

        return {table.title: pd.DataFrame(list(table.rows), columns=list(table.columns)) for table in tables_of(self.comparison)}

    @property
    def figures(self) -> list[Figure]:
        """The report's pictures, each with its SVG and the values that it shows."""
        return list(make_report(self.comparison, pages=0).figures)

    def to_dict(self) -> dict[str, Any]:
        """What `vreason-track compare --json` writes."""
        return document(self.comparison)

    def to_html(self) -> str:
        """The whole report, as `vreason-track compare --html` writes it."""
        return make_report(self.comparison).html().text

    def __repr__(self) -> str:
        return "\n".join([*(f"WARNING: {each}" for each in self.warnings), *self.verdicts])

    def _repr_html_(self) -> str:
        points = "".join(f"<li>{escape(each)}</li>" for each in self.verdicts)
        warned = "".join(f"<li>{escape(each)}</li>" for each in self.warnings)
        tables = "".join(_table(table) for table in tables_of(self.comparison)[:2])
        first = f"<p>Read this first:</p><ul>{warned}</ul>" if warned else ""
        return f"<div>{first}<ul>{points}</ul>{tables}</div>"


def load_run(name: str, *, uri: str | None = None, journal: str | None = None, experiment: str | None = None) -> LoadedRun:
    """A recorded run, from the journal or the store.

    Args:
        name: an id, MLflow's or the journal's, the beginning of one, or a variant's name (then the newest run of it).
        uri: of the store; None takes MLFLOW_TRACKING_URI, else sqlite:///mlflow.db in this folder.
        journal: its folder; None takes VREASON_JOURNAL, else ./vreason-journal.
        experiment: MLflow's; None searches all.

    Raises:
        TrackingError: there is no such run, or its record cannot be read.
    """
    runs, closing = _recorded([name], uri, journal, experiment, None)
    return LoadedRun(runs[0], closing)


def compare(
    names: Sequence[str],
    *,
    baseline: str | None = None,
    force: bool = False,
    uri: str | None = None,
    journal: str | None = None,
    experiment: str | None = None,
) -> ComparedRuns:
    """Compare recorded runs, as `vreason-track compare` does.

    Args:
        names: of at least two runs, each as in `load_run`.
        baseline: the run that the others are compared with; None takes the one without a method.
        force: compare what unlike runs have in common, with warnings.
        uri, journal, experiment: as in `load_run`.

    Raises:
        IncomparableRunsError: the runs are not alike.
        TrackingError: there are fewer than two, or one cannot be found or read.
    """
    runs, closing = _recorded(names, uri, journal, experiment, baseline)
    try:
        return ComparedRuns(compare_runs(runs, baseline, force), closing)
    except BaseException:
        closing.close()
        raise


def _recorded(
    names: Sequence[str], uri: str | None, journal: str | None, experiment: str | None, baseline: str | None
) -> tuple[list[RecordedRun], ExitStack]:
    closing = ExitStack()
    found = named_runs(Catalog(journal_folder(journal), uri, experiment), names, baseline)
    return closing.enter_context(recorded_runs(found.runs)), closing


def _columns(record: type[Any], wanted: Sequence[str] | None) -> Sequence[str]:
    known = column_names(record)
    for name in wanted or ():
        if name not in known:
            raise ConfigError([ConfigIssue("columns", f"{name!r} is no field of {record.__name__}{suggestion(name, known)}")])
    return list(known if wanted is None else wanted)


def _table(table: Table) -> str:
    heads = "".join(f"<th>{escape(head)}</th>" for head in table.columns)
    rows = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in table.rows)
    note = f"<p>{escape(table.note)}</p>" if table.note else ""
    return f"<h4>{escape(table.title)}</h4><table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>{note}"
