"""vreason_cli.terminal.results_table: the table at the end of a run."""

from __future__ import annotations

import pytest

from tests.helpers import records
from tests.helpers.trials import result
from vreason_cli.terminal.results_table import baseline_of, result_table, show


def timed(sample_id="a", **changes):
    """100 ms to the first token, 10 ms for each of the 20 that follow, 30 ms of them control, 100 MiB."""
    whole = {"output_tokens": 21, "time_to_first_token_ms": 100.0, "generation_ms": 300.0, "control_ms": 30.0}
    return records.sample(sample_id, **(whole | {"peak_memory_bytes": 100 * 2**20} | changes))


def cells(table) -> list[dict[str, str]]:
    """The table's rows by heading."""
    columns = {str(column.header): [str(cell) for cell in column.cells] for column in table.columns}
    return [{name: values[row] for name, values in columns.items()} for row in range(table.row_count)]


def test_differences_are_to_the_baseline() -> None:
    """Accuracy differs by points, times, tokens and memory by their ratio; the baseline itself shows plain figures."""
    base = result("baseline", timed("a"), timed("b", score=0.0))
    changed = {"output_tokens": 11, "time_to_first_token_ms": 110.0, "generation_ms": 150.0, "control_ms": 15.0}
    other = result("v-reason", timed("a", **changed), timed("b", **changed, peak_memory_bytes=150 * 2**20))
    first, second = cells(result_table([base, other]))
    assert {
        "variant": "baseline",
        "samples": "2",
        "accuracy": "50.0%",
        "tokens": "21.0",
        "latency": "300 ms",
        "first token": "100 ms",
        "per token": "10.00 ms",
        "control": "10.0%",
        "peak memory": "100 MiB",
    } == first
    assert {
        "variant": "v-reason",
        "samples": "2",
        "accuracy": "100.0% (+50.0 pt)",
        "tokens": "11.0 (-47.6%)",
        "latency": "150 ms (-50.0%)",
        "first token": "110 ms (+10.0%)",
        "per token": "4.00 ms (-60.0%)",
        "control": "10.0%",
        "peak memory": "150 MiB (+50.0%)",
    } == second


def test_no_difference_is_shown_as_none() -> None:
    """Equal figures differ by 0, with a sign."""
    _, second = cells(result_table([result("baseline", timed()), result("v-reason", timed())]))
    assert ("100.0% (+0.0 pt)", "21.0 (+0.0%)") == (second["accuracy"], second["tokens"])


def test_the_baseline_need_not_come_first() -> None:
    """The variant of that name is the reference wherever it stands; without one it is the first."""
    base, one, two = result("baseline", timed()), result("one", timed(score=0.0)), result("two", timed())
    assert base is baseline_of([one, base, two])
    assert one is baseline_of([one, two])
    rows = cells(result_table([one, base]))
    assert ["0.0% (-100.0 pt)", "100.0%"] == [row["accuracy"] for row in rows]


def test_a_variant_without_an_answer() -> None:
    """Figures that are not there are dashes, and the failures are counted."""
    _, row = cells(result_table([result("baseline", timed()), result("v-reason", records.failed("a"), records.failed("b"))]))
    assert "0 (+2 failed)" == row["samples"]
    assert {"-"} == {text for name, text in row.items() if name not in ("variant", "samples")}


def test_a_reference_without_an_answer() -> None:
    """Without a reference there are figures and no differences."""
    _, row = cells(result_table([result("baseline", records.failed("a")), result("v-reason", timed())]))
    assert ("100.0%", "300 ms") == (row["accuracy"], row["latency"])


@pytest.mark.parametrize("status", ["KILLED", "FAILED"])
def test_an_early_end_is_told(status) -> None:
    """A variant that did not finish says so beside its name; the others are bare."""
    rows = cells(result_table([result("baseline", timed()), result("v-reason", timed(), status=status)]))
    assert ["baseline", f"v-reason ({status})"] == [row["variant"] for row in rows]


@pytest.mark.parametrize("name", ["[bold]k", "[/k]"])
def test_a_name_is_no_markup(name) -> None:
    """A name in square brackets is shown as it is written."""
    from rich.console import Console

    console = Console(width=200)
    with console.capture() as capture:
        console.print(result_table([result(name, timed())]))
    assert name in capture.get()


def test_one_line_a_variant_where_nobody_looks(capsys) -> None:
    """Away from a terminal no line is folded, so that a log can be searched."""
    changed = timed("a", output_tokens=1_234, generation_ms=123_456.0, time_to_first_token_ms=98_765.0, peak_memory_bytes=2**37)
    show(result_table([result("baseline", timed()), result("v-reason with a name k=4 lr=0.0003", changed)]))
    lines = capsys.readouterr().out.splitlines()
    (line,) = [line for line in lines if "v-reason with a name k=4 lr=0.0003" in line]
    assert "131,072 MiB" in line
    assert "(+0.0 pt)" in line


def test_a_kept_variant_is_a_line_like_any_other() -> None:
    """What an earlier call finished stands in the table with its figures, and is compared with."""
    rows = cells(result_table([result("baseline", timed(), kept=True), result("v-reason", timed(score=0.0))]))
    assert ["100.0%", "0.0% (-100.0 pt)"] == [row["accuracy"] for row in rows]
    assert ["baseline", "v-reason"] == [row["variant"] for row in rows]
