"""vreason_tracking.comparison.tables.context_tables: runs, methods, failures, the paper's column."""

from __future__ import annotations

from dataclasses import replace

from tests.helpers import compared
from vreason.evaluation.failure_signatures import ADVICE
from vreason_tracking.comparison.comparison import compare
from vreason_tracking.comparison.tables import context_tables


def test_runs(trio) -> None:
    """Who ran what on what; what is not recorded is a dash."""
    table = context_tables.run_table(trio)
    told = ["baseline", "baseline-id", "trial", "demo", "cuda:0 (NVIDIA H200)", "?@here", "4c71d97", "48", "48", "FINISHED"]
    assert told == table.rows[0]
    bare = replace(trio, runs=[replace(trio.runs[0], config="", params={}, tags={}), *trio.runs[1:]])
    assert ["–", "–", "–", "?@?", "–"] == context_tables.run_table(bare).rows[0][2:7]


def test_a_commit_with_changes_says_so(trio) -> None:
    """Ten digits of it, and that the files were not the commit's."""
    tags = {**trio.runs[0].tags, "git.commit": "0123456789abcdef", "git.dirty": "true"}
    dirty = replace(trio, runs=[replace(trio.runs[0], tags=tags), *trio.runs[1:]])
    assert "0123456789 and changes" == context_tables.run_table(dirty).rows[0][6]


def test_methods_with_many_settings_have_a_row_a_setting(trio) -> None:
    """Beside few runs they would not fit on a page otherwise; only what differs is listed, the rest below."""
    table = context_tables.method_table(trio)
    assert ["setting", *trio.names] == list(table.columns)
    rows = {name: values for name, *values in table.rows}
    assert ["–", "4", "4"] == rows["controller.k"]
    assert [] == [name for name, values in rows.items() if len(set(values)) == 1]
    same = [name for name in trio.runs[0].params if name.startswith("method.") and len({run.params.get(name) for run in trio.runs}) == 1]
    for name in same:
        assert f"{name.removeprefix('method.')} {trio.runs[0].params[name]}" in table.note


def test_methods_of_many_runs_have_a_row_a_run(tmp_path) -> None:
    """Where fewer settings than runs differ."""
    samples = compared.make_samples(6, 6)
    names = [f"k-{k}" for k in (2, 4, 8)]
    runs = [compared.recorded(tmp_path, name, samples, "v-reason", params={"method.controller.k": name[2:]}) for name in names]
    table = context_tables.method_table(compare(runs))
    assert (["run", "controller.k"], [["k-2", "2"], ["k-4", "4"], ["k-8", "8"]]) == (list(table.columns), table.rows)


def test_what_else_differs(trio, tmp_path) -> None:
    """A column a difference; no table without one."""
    assert context_tables.difference_table(trio) is None
    samples = compared.make_samples(6, 6)
    runs = [compared.recorded(tmp_path, name, samples, params={"seed": name}) for name in ("one", "two")]
    table = context_tables.difference_table(compare(runs))
    assert (["run", "seed"], [["one", "one"], ["two", "two"]]) == (list(table.columns), table.rows)


def test_failures(forced, hostile) -> None:
    """Errors with their number, what is missing and left out, the accuracy if failures were wrong, every signature."""
    table = context_tables.failure_table(forced)
    wrong = [f"{100 * each.accuracy.with_failures_wrong:.1f} %" for each in forced.groups[0].results]
    assert ["baseline", "–", "0", "0", "4", wrong[0]] == table.rows[0][:6]
    assert [hostile, f"{hostile} (3)", "3", "4", "0", wrong[1]] == table.rows[1][:6]
    assert list(ADVICE) == list(table.columns[6:])


def test_failures_by_group(forced) -> None:
    """Only groups and runs with a failure or a signature, which add up to all."""
    table = context_tables.failures_by(forced, "problem type")
    assert {forced.names[1]} == {row[1] for row in table.rows}
    assert 3 == sum(int(row[2]) for row in table.rows)


def test_beside_the_paper(trio, tmp_path) -> None:
    """None without the paper's models; a run that does not match says why below."""
    assert context_tables.paper_table(trio) is None
    samples = compared.make_samples(6, 6)
    runs = [
        compared.recorded(tmp_path, name, samples, name, params={"model.id": "Qwen/Qwen2.5-VL-7B-Instruct"})
        for name in ("baseline", "v-reason")
    ]
    table = context_tables.paper_table(compare(runs))
    assert [] == table.rows
    assert "The paper's numbers are the paper's, not measured here" in table.note
    assert "v-reason: no column of the paper's (data.scoring is robust, not video-r1" in table.note
