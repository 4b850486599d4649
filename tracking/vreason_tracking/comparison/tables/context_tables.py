"""What stands around the figures, in tables: the runs, their methods, what else differs, failures, the paper's numbers."""

from __future__ import annotations

from collections.abc import Iterator

from vreason.evaluation import ADVICE
from vreason_tracking.comparison.comparison import Comparison
from vreason_tracking.comparison.paper import COLUMNS, PaperRow
from vreason_tracking.comparison.tables.result_rows import of_all, of_grouping
from vreason_tracking.presentation import Table, formatting, slug
from vreason_tracking.records import DEVICE_TAG, GIT_COMMIT_TAG, GIT_DIRTY_TAG, HOST_TAG, USER_TAG


def run_table(comparison: Comparison) -> Table:
    """What was run, by whom, on what."""
    heads = ("run", "id", "config", "model", "device", "user", "commit", "asked", "recorded", "status")
    rows = []
    for run, whole in zip(comparison.runs, comparison.completeness, strict=True):
        tags = run.tags
        commit = tags.get(GIT_COMMIT_TAG, "")[:10] + (" and changes" if tags.get(GIT_DIRTY_TAG) == "true" else "")
        facts = (run.params.get("model.id", ""), tags.get(DEVICE_TAG, ""), f"{tags.get(USER_TAG, '?')}@{tags.get(HOST_TAG, '?')}", commit)
        told = [each or formatting.NONE for each in facts]
        counts = formatting.count(whole.expected_samples), formatting.count(whole.recorded)
        rows.append([run.name, run.run_id, run.config or formatting.NONE, *told, *counts, run.status])
    return Table("runs", "Runs", list(heads), rows, 7)


def method_table(comparison: Comparison) -> Table:
    """The method's settings of every run: those that differ, along the shorter side; the others stand below."""
    names = sorted({name for run in comparison.runs for name in run.params if name.startswith("method.")})
    values = {name.removeprefix("method."): [run.params.get(name, formatting.NONE) for run in comparison.runs] for name in names}
    differing = {name: each for name, each in values.items() if len(set(each)) > 1}
    same = ", ".join(f"{name} {each[0]}" for name, each in values.items() if name not in differing)
    note = f"The same in all runs: {same or 'nothing'}."
    if len(differing) > len(comparison.names):
        heads, rows = ["setting", *comparison.names], [[name, *each] for name, each in differing.items()]
    else:
        heads = ["run", *differing]
        rows = [[run, *(each[index] for each in differing.values())] for index, run in enumerate(comparison.names)]
    return Table("method", "The methods' settings", heads, rows, len(heads), note)


def difference_table(comparison: Comparison) -> Table | None:
    """In what else the runs differ; None where it is nothing."""
    if not comparison.differences:
        return None
    rows = [[name, *(each.values[name] for each in comparison.differences)] for name in comparison.names]
    heads = ["run", *(each.what for each in comparison.differences)]
    return Table("differences", "What else differs", heads, rows, len(heads), "None of this forbids the comparison; know it all the same.")


def failure_table(comparison: Comparison) -> Table:
    """Questions without an answer, and failure signatures of those with one."""
    rows = []
    for (name, result), whole in zip(of_all(comparison), comparison.completeness, strict=True):
        reasons = "; ".join(f"{text} ({count})" for text, count in whole.errors)
        signatures = [f"{result.signatures.get(each, 0):,}" for each in ADVICE]
        wrong = formatting.percent(result.accuracy.with_failures_wrong)
        rows.append(
            [name, reasons or formatting.NONE, f"{whole.failed:,}", f"{whole.missing:,}", f"{whole.excluded:,}", wrong, *signatures]
        )
    heads = ["run", "errors", "failed", "missing", "left out", "accuracy if failures are wrong", *ADVICE]
    note = "Under a signature's name: samples that show it; docs/method.md says what each means."
    return Table("failures", "Failures and failure signatures", heads, rows, 2, note)


def failures_by(comparison: Comparison, grouping: str) -> Table:
    """Failed samples and signatures on every group of a grouping; groups and runs without any are left out."""
    rows = [
        [group.name, name, f"{result.accuracy.failed:,}", *(f"{result.signatures.get(each, 0):,}" for each in ADVICE)]
        for group, name, result in of_grouping(comparison, grouping)
        if result.accuracy.failed or any(result.signatures.values())
    ]
    return Table(slug(f"failures by {grouping}"), f"Failures by {grouping}", [grouping, "run", "failed", *ADVICE], rows, 2)


def paper_table(comparison: Comparison) -> Table | None:
    """The paper's numbers beside the measured ones; None where no run is one of the paper's."""
    paper = comparison.paper
    if not paper.rows and not paper.excluded:
        return None
    rows = [cells for row in paper.rows for cells in (*_paper_accuracy(row), *_paper_tokens(row))]
    note = " ".join([f"The paper's numbers are the paper's, not measured here: {paper.source}.", paper.arithmetic, *paper.excluded])
    heads = ["run", "the paper's name", "column", "measured here", "95 % interval", "PAPER'S", "gap"]
    return Table("paper", "Beside the paper", heads, rows, 3, note)


def _paper_accuracy(row: PaperRow) -> Iterator[list[str]]:
    for label, (measured, theirs) in [*((column, row.columns[column]) for column in COLUMNS), *row.means.items()]:
        own = row.measured.get(label)
        interval = formatting.NONE if own is None or own.low is None else f"{100 * own.low:.1f} to {100 * (own.high or 0):.1f}"
        gap = formatting.NONE if measured is None else f"{formatting.points(measured - theirs)} points"
        yield [row.name, row.paper_name, label, formatting.percent(measured), interval, formatting.percent(theirs), gap]


def _paper_tokens(row: PaperRow) -> Iterator[list[str]]:
    for benchmark, (measured, theirs) in row.output_tokens.items():
        ratio = formatting.NONE if measured is None else formatting.ratio(measured / theirs)
        tokens = [formatting.amount(measured), formatting.NONE, formatting.amount(theirs), ratio]
        yield [row.name, row.paper_name, f"output tokens, {benchmark}", *tokens]
