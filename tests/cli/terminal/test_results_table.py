"""vreason_cli.terminal.results_table: the table at the end of a run."""

from __future__ import annotations

import re

import pytest

from tests.helpers import records
from tests.helpers.trials import result
from vreason_cli.terminal.results_table import result_table, show, timing_lines
from vreason_tracking.comparison.run_effects import RunEffects
from vreason_tracking.statistics import Estimate

SEQUENTIAL = "the variants ran one after another (schedule: sequential), so that each met other conditions"


def timed(sample_id="a", **changes):
    """100 ms to the first token, 10 ms for each of the 20 that follow, 30 ms of them control, 100 MiB."""
    whole = {"output_tokens": 21, "time_to_first_token_ms": 100.0, "generation_ms": 300.0, "control_ms": 30.0}
    return records.sample(sample_id, **(whole | {"peak_memory_bytes": 100 * 2**20} | changes))


def estimate(value, low, high) -> Estimate:
    return Estimate(value, low, high, 0.01, 20, 10)


def cells(table) -> list[dict[str, str]]:
    """The table's rows by heading."""
    columns = {str(column.header): [str(cell) for cell in column.cells] for column in table.columns}
    return [{name: values[row] for name, values in columns.items()} for row in range(table.row_count)]


BASE = result("baseline", timed("a"), timed("b", score=0.0))
OTHER = result(
    "v-reason",
    *(timed(name, output_tokens=11, time_to_first_token_ms=110.0, generation_ms=150.0, control_ms=15.0) for name in ("a", "b")),
)
EFFECTS = RunEffects(
    accuracy=estimate(0.125, 0.02, 0.231),
    ratios={
        "output_tokens": estimate(0.524, 0.5, 0.55),
        "latency_ms": estimate(0.5, 0.48, 0.525),
        "ms_per_token": estimate(0.4, 0.39, 0.41),
    },
)


def test_figures() -> None:
    """Mean accuracy, medians of the others, the control's share of all time, the greatest memory."""
    assert {
        "variant": "baseline",
        "samples": "2",
        "accuracy": "50.0%",
        "tokens": "21",
        "latency": "300 ms",
        "first token": "100 ms",
        "per token": "10.00 ms",
        "control": "10.0%",
        "peak memory": "100 MiB",
    } == cells(result_table([BASE]))[0]


def test_effects_stand_beside_their_figures() -> None:
    """Accuracy in points, the others as ratios, each with its 95 % interval; the baseline has none."""
    first, second = cells(result_table([BASE, OTHER], 0, [RunEffects(), EFFECTS]))
    assert cells(result_table([BASE]))[0] == first
    assert {
        "variant": "v-reason",
        "samples": "2",
        "accuracy": "100.0% (+12.5 pt, +2.0 to +23.1)",
        "tokens": "11 (× 0.52, 0.50 to 0.55)",
        "latency": "150 ms (× 0.50, 0.48 to 0.53)",
        "first token": "110 ms",
        "per token": "4.00 ms (× 0.40, 0.39 to 0.41)",
        "control": "10.0%",
        "peak memory": "100 MiB",
    } == second


def test_no_effect_is_no_difference() -> None:
    """However far apart two figures are: what is not sure is not shown, neither as points nor as a percentage."""
    for effects in ([], [RunEffects(), RunEffects()]):
        _, second = cells(result_table([BASE, OTHER], 0, effects))
        assert ("100.0%", "11", "150 ms", "110 ms", "4.00 ms", "100 MiB") == tuple(
            second[name] for name in ("accuracy", "tokens", "latency", "first token", "per token", "peak memory")
        )
        assert not [text for text in second.values() if "(" in text or "pt" in text or re.search(r"[+−-]\d", text)]


def test_the_baseline_is_named() -> None:
    """Wherever it stands; a variant alone is compared with nothing."""
    assert "mean accuracy, median tokens and times; differences are to baseline, with 95 % intervals" == str(
        result_table([OTHER, BASE], 1).title
    )
    assert "mean accuracy, median tokens and times" == str(result_table([BASE]).title)


def test_the_baseline_need_not_come_first() -> None:
    """Effects go by the places of the results."""
    first, second = cells(result_table([OTHER, BASE], 1, [EFFECTS, RunEffects()]))
    assert ("100.0% (+12.5 pt, +2.0 to +23.1)", "50.0%") == (first["accuracy"], second["accuracy"])


def test_a_variant_without_an_answer() -> None:
    """Figures that are not there are dashes, and the failures are counted."""
    _, row = cells(result_table([BASE, result("v-reason", records.failed("a"), records.failed("b"))], 0, [RunEffects(), EFFECTS]))
    assert "0 (+2 failed)" == row["samples"]
    assert {"-"} == {text for name, text in row.items() if name not in ("variant", "samples")}


@pytest.mark.parametrize("status", ["KILLED", "FAILED"])
def test_an_early_end_is_told(status) -> None:
    """A variant that did not finish says so beside its name; the others are bare."""
    rows = cells(result_table([result("baseline", timed()), result("v-reason", timed(), status=status)]))
    assert ["baseline", f"v-reason ({status})"] == [row["variant"] for row in rows]


@pytest.mark.parametrize("name", ["[bold]k", "[/k]"])
def test_a_name_is_no_markup(name) -> None:
    """A name in square brackets is shown as it is written, in the table and in its title."""
    from rich.console import Console

    console = Console(width=200)
    with console.capture() as capture:
        console.print(result_table([result(name, timed()), result("other", timed())]))
    assert 2 == capture.get().count(name)


def test_one_line_a_variant_where_nobody_looks(capsys) -> None:
    """Away from a terminal no line is folded, so that a log can be searched."""
    changed = timed("a", output_tokens=1_234, generation_ms=123_456.0, time_to_first_token_ms=98_765.0, peak_memory_bytes=2**37)
    show(result_table([BASE, result("v-reason with a name k=4 lr=0.0003", changed)], 0, [RunEffects(), EFFECTS]))
    lines = capsys.readouterr().out.splitlines()
    (line,) = [line for line in lines if "v-reason with a name k=4 lr=0.0003" in line]
    assert "131,072 MiB" in line
    assert "(+12.5 pt, +2.0 to +23.1)" in line


def test_a_kept_variant_is_a_line_like_any_other() -> None:
    """What an earlier call finished stands in the table with its figures, and has its effects."""
    kept = result("v-reason", timed(), kept=True)
    rows = cells(result_table([BASE, kept], 0, [RunEffects(), EFFECTS]))
    assert ["50.0%", "100.0% (+12.5 pt, +2.0 to +23.1)"] == [row["accuracy"] for row in rows]
    assert ["baseline", "v-reason"] == [row["variant"] for row in rows]


def test_why_times_are_not_compared() -> None:
    """A line a reason, with the variants that it holds for; none where times compare."""
    results = [result(name) for name in ("baseline", "one", "two", "three")]
    effects = [RunEffects(), *(RunEffects(timing_issue=why) for why in (SEQUENTIAL, "a busy machine", SEQUENTIAL))]
    assert [
        f"latency not comparable (one, three): {SEQUENTIAL}",
        "latency not comparable (two): a busy machine",
    ] == timing_lines(results, effects)
    assert [] == timing_lines(results, [RunEffects()] * 4)
