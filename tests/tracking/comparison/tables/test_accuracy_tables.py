"""vreason_tracking.comparison.tables.accuracy_tables: the figures of the comparison, in words."""

from __future__ import annotations

from vreason_tracking.comparison.tables.accuracy_tables import accuracy_by, accuracy_table


def cells(accuracy):
    """What a row must say of an accuracy, from the comparison's numbers."""
    own, each = accuracy.estimate, accuracy.difference
    mark = " †" if accuracy.sparse else ""
    told = [f"{100 * own.value:.1f} %", f"{100 * own.low:.1f} to {100 * own.high:.1f}{mark}"]
    if each is None:
        return [*told, *["–"] * 7]
    signed = [f"{100 * value:+.1f}".replace("-", "−") for value in (each.estimate.value, each.estimate.low, each.estimate.high)]
    few = " †" if each.sparse else ""
    told += [signed[0] if float(signed[0].replace("−", "-")) else "0.0", f"{signed[1]} to {signed[2]}{few}"]
    for p in (each.p, each.p_holm):
        told.append("< 0.001" if p < 0.001 else f"{p:.3f}" if p < 0.1 else f"{p:.2f}")
    return [*told, f"{100 * each.smallest_detectable:.1f}", str(each.won), str(each.lost)]


def test_all_questions(trio) -> None:
    """A row a run; every cell is the comparison's number."""
    table = accuracy_table(trio)
    assert ["run", "answered", "failed", "accuracy"] == list(table.columns[:4])
    for row, name, result in zip(table.rows, trio.names, trio.groups[0].results, strict=True):
        assert [name, "48", "0", *cells(result.accuracy)] == row
    assert {len(table.columns)} == {len(row) for row in table.rows}


def test_the_note_names_baseline_test_and_adjustment(trio) -> None:
    """What the figures are of stands below them."""
    note = accuracy_table(trio).note
    assert note.startswith("Difference to baseline, question by question. Questions about one video count as one cluster. ")
    assert "p by wild cluster bootstrap, Holm over the runs." in note


def test_failures_are_counted(forced) -> None:
    """Answered and failed ones of those compared."""
    assert [["36", "0"], ["33", "3"]] == [row[1:3] for row in accuracy_table(forced).rows]


def test_by_group(trio) -> None:
    """A row a group and run, with the group's own numbers."""
    table = accuracy_by(trio, "problem type")
    groups = [group for group in trio.groups if group.grouping == "problem type"]
    wanted = [
        [group.name, name, str(group.questions), str(group.videos), *cells(result.accuracy)]
        for group in groups
        for name, result in zip(trio.names, group.results, strict=True)
    ]
    assert wanted == table.rows
    assert (["problem type", "run", "questions", "videos"], 2) == (list(table.columns[:4]), table.texts)
