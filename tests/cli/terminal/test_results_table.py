"""vreason_cli.terminal.results_table: the table at the end of a run."""

from __future__ import annotations

import pytest

from tests.helpers import records
from tests.helpers.trials import result
from vreason_cli.terminal.results_table import result_table, show, timing_lines
from vreason_tracking.comparison import RunEffects
from vreason_tracking.statistics import Estimate


def timed(sample_id="a", **changes):
    """100 ms to the first token, 10 ms for each of the 20 that follow, 30 ms of them control, 100 MiB."""
    whole = {"output_tokens": 21, "time_to_first_token_ms": 100.0, "generation_ms": 300.0, "control_ms": 30.0}
    return records.sample(sample_id, **(whole | {"peak_memory_bytes": 100 * 2**20} | changes))


def cells(table) -> list[dict[str, str]]:
    """The table's rows by heading."""
    columns = {str(column.header): [str(cell) for cell in column.cells] for column in table.columns}
    return [{name: values[row] for name, values in columns.items()} for row in range(table.row_count)]


def estimate(value, low, high) -> Estimate:
    return Estimate(value, low, high, None, 20, 20)


def test_figures_and_what_is_sure_of_them() -> None:
    """A difference to the baseline stands beside its figure with its interval; a quantity that has none shows the figure alone."""
    base = result("baseline", timed("a"), timed("b", score=0.0))
    changed = {"output_tokens": 11, "time_to_first_token_ms": 110.0, "generation_ms": 150.0, "control_ms": 15.0}
    other = result("v-reason", timed("a", **changed), timed("b", **changed, peak_memory_bytes=150 * 2**20))
    effects = RunEffects(estimate(0.5, 0.2, 0.8), {"output_tokens": estimate(0.524, 0.5, 0.55), "ms_per_token": estimate(0.4, 0.3, 0.5)})
    first, second = cells(result_table([base, other], 0, [RunEffects(), effects]))
    plain = {"variant": "baseline", "samples": "2", "accuracy": "50.0%", "tokens": "21", "latency": "300 ms", "first token": "100 ms"}
    assert plain | {"per token": "10.00 ms", "control": "10.0%", "peak memory": "100 MiB"} == first
    assert {
        "variant": "v-reason",
        "samples": "2",
        "accuracy": "100.0% (+50.0 pt, +20.0 to +80.0)",
        "tokens": "11 (× 0.52, 0.50 to 0.55)",
        "latency": "150 ms",
        "first token": "110 ms",
        "per token": "4.00 ms (× 0.40, 0.30 to 0.50)",
        "control": "10.0%",
        "peak memory": "150 MiB",
    } == second


def test_medians_are_shown() -> None:
    """One slow sample of three moves no time."""
    (row,) = cells(result_table([result("baseline", timed("a"), timed("b"), timed("c", generation_ms=9000.0))]))
    assert ("300 ms", "10.00 ms") == (row["latency"], row["per token"])


def test_without_effects_there_are_figures() -> None:
    """Where nothing can be said of the differences, no figure has one beside it."""
    _, row = cells(result_table([result("baseline", timed()), result("v-reason", timed(generation_ms=600.0))]))
    assert ("100.0%", "600 ms") == (row["accuracy"], row["latency"])


@pytest.mark.parametrize(("baseline", "name"), [(0, "one"), (1, "two")])
def test_the_title_names_the_baseline(baseline, name) -> None:
    """What the differences are to is named, wherever it stands; a single variant has no differences."""
    title = str(result_table([result("one", timed()), result("two", timed())], baseline).title)
    assert f"medians; differences are to {name}, with 95 % intervals" == title
    assert "medians" == str(result_table([result("one", timed())]).title)


def test_why_times_are_not_compared() -> None:
    """A line a reason, naming the variants that it is true of; none where times compare."""
    results = [result(name, timed()) for name in ("baseline", "one", "two", "three")]
    effects = [RunEffects(), RunEffects(timing_issue="in blocks"), RunEffects(), RunEffects(timing_issue="in blocks")]
    assert ["latency not comparable (one, three): in blocks"] == timing_lines(results, effects)
    assert [] == timing_lines(results, [RunEffects()] * 4)


def test_a_variant_without_an_answer() -> None:
    """Figures that are not there are dashes, and the failures are counted."""
    _, row = cells(result_table([result("baseline", timed()), result("v-reason", records.failed("a"), records.failed("b"))]))
    assert "0 (+2 failed)" == row["samples"]
    assert {"-"} == {text for name, text in row.items() if name not in ("variant", "samples")}


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
    assert "1234" in line


def test_a_kept_variant_is_a_line_like_any_other() -> None:
    """What an earlier call finished stands in the table with its figures."""
    rows = cells(result_table([result("baseline", timed(), kept=True), result("v-reason", timed(score=0.0))]))
    assert [("baseline", "100.0%"), ("v-reason", "0.0%")] == [(row["variant"], row["accuracy"]) for row in rows]
