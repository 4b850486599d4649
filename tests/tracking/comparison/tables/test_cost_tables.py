"""vreason_tracking.comparison.tables.cost_tables: the comparison's costs, in words."""

from __future__ import annotations

from dataclasses import replace

from vreason_tracking.comparison.costs import QUANTITIES
from vreason_tracking.comparison.tables.cost_tables import cost_summary, cost_tables, costs_by, memory_table, timing_note
from vreason_tracking.presentation import formatting


def test_a_table_a_quantity_then_memory(trio) -> None:
    """Named after the record's metrics, with their units; a share needs none."""
    told = [(table.name, table.title) for table in cost_tables(trio)]
    assert ("output-tokens", "Output tokens") == told[0]
    assert ("latency-ms", "Latency, ms") == told[1]
    assert ("control-share", "Control's share of the time") == told[4]
    assert [*(each.name.replace("_", "-") for each in QUANTITIES), "memory"] == [name for name, _ in told]


def test_a_row_is_the_comparisons_numbers(trio) -> None:
    """Latency of the second run: own figures, ratios of pairs, ratio of totals, number of pairs."""
    cost = trio.groups[0].results[1].costs["latency_ms"]
    row = cost_tables(trio)[1].rows[1]
    own = [formatting.amount(each) for each in (cost.median.value, cost.p95, cost.mean)]
    interval = f"{formatting.amount(cost.median.low)} to {formatting.amount(cost.median.high)}"
    middle, total = cost.ratio.median, cost.ratio.of_totals
    ratios = [f"× {middle.value:.2f}", f"{middle.low:.2f} to {middle.high:.2f}", f"× {cost.ratio.p95:.2f}"]
    totals = [f"× {total.value:.2f}", f"{total.low:.2f} to {total.high:.2f}", "48"]
    assert ["v-reason", "48", own[0], interval, *own[1:], *ratios, *totals] == row
    assert ["–"] * 6 == cost_tables(trio)[1].rows[0][6:]


def test_shares_are_percentages(trio) -> None:
    """Median, interval and the others."""
    cost = trio.groups[0].results[1].costs["control_share"]
    row = cost_tables(trio)[4].rows[1]
    assert f"{100 * cost.median.value:.1f} %" == row[2]
    assert f"{100 * cost.median.low:.1f} % to {100 * cost.median.high:.1f} %" == row[3]


def test_the_summary_has_every_quantity_and_run(trio) -> None:
    """The same figures as in full; peak memory is a greatest value, not a median."""
    table = cost_summary(trio)
    full = cost_tables(trio)
    assert 3 * (len(QUANTITIES) + 1) == len(table.rows)
    for number in range(len(QUANTITIES)):
        for place, name in enumerate(trio.names):
            row, whole = table.rows[3 * number + place], full[number].rows[place]
            assert [name, *whole[2:5], *whole[6:11]] == row[1:]
    peak = trio.groups[0].results[2].memory
    assert ["peak memory", "v-reason-lite", f"max {peak.peak_bytes / 2**30:.2f} GiB"] == table.rows[-1][:3]


def test_memory(trio) -> None:
    """By its source, with what torch's tensors had; a ratio for all but the baseline."""
    table = memory_table(trio)
    assert [["baseline", "rss", "0.00 GiB", "–", "0.00 GiB"], ["v-reason", "rss", "0.00 GiB", "× 1.00", "0.00 GiB"]] == table.rows[:2]
    assert "runs of one call share a process, and their ratio is of torch's tensors" in table.note


def test_memory_that_nobody_measured(trio) -> None:
    """Dashes, no zero."""
    group = trio.groups[0]
    results = [
        replace(each, memory=replace(each.memory, peak_bytes=None, source=None, torch_allocated_bytes=None, ratio=None, ratio_of=None))
        for each in group.results
    ]
    bare = replace(trio, groups=[replace(group, results=results), *trio.groups[1:]])
    assert ["v-reason", "–", "–", "–", "–"] == memory_table(bare).rows[1]


def test_by_group(trio) -> None:
    """In one cell: median, 95th percentile; for others than the baseline the pairs' ratio, its interval and its 95th percentile."""
    table = costs_by(trio, "category")
    group = next(group for group in trio.groups if group.grouping == "category")
    cost = group.results[1].costs["output_tokens"]
    own = f"{formatting.amount(cost.median.value)} ({formatting.amount(cost.p95)})"
    middle = cost.ratio.median
    ratio = f"{formatting.ratio(middle.value)}, {formatting.ratio_interval(middle)}, p95 {formatting.ratio(cost.ratio.p95)}"
    assert [group.name, "v-reason", f"{own}; {ratio}"] == table.rows[1][:3]
    assert ";" not in table.rows[0][2]


def test_a_run_that_answered_nothing_has_dashes(trio) -> None:
    """No figure is made up."""
    group = trio.groups[0]
    costs = {
        name: replace(
            each, n=0, mean=None, median=None, p95=None, ratio=replace(each.ratio, pairs=0, median=None, p95=None, of_totals=None)
        )
        for name, each in group.results[1].costs.items()
    }
    results = [group.results[0], replace(group.results[1], costs=costs), group.results[2]]
    bare = replace(trio, groups=[replace(group, results=results), *trio.groups[1:]])
    assert ["v-reason", "0", *["–"] * 9, "0"] == cost_tables(bare)[0].rows[1]


TIMES = [quantity for quantity in QUANTITIES if quantity.unit == "ms"]


def test_times_that_do_not_compare(trio, elsewhere) -> None:
    """Their own figures and the number of pairs stand there, and no ratio; those of the run beside it stay, and so do tokens and shares."""
    for quantity, whole, table in zip(QUANTITIES, cost_tables(trio), cost_tables(elsewhere), strict=False):
        expected = [list(row) for row in whole.rows]
        if quantity in TIMES:
            expected[1][6:] = ["not comparable", "–", "–", "–", "–", "48"]
        assert expected == [list(row) for row in table.rows]
    assert ["latency_ms", "time_to_first_token_ms", "ms_per_token"] == [quantity.name for quantity in TIMES]


def test_times_that_do_not_compare_in_the_summary(trio, elsewhere) -> None:
    """The same in the narrow table."""
    expected = [list(row) for row in cost_summary(trio).rows]
    for number, quantity in enumerate(QUANTITIES):
        if quantity in TIMES:
            expected[3 * number + 1][5:] = ["not comparable", "–", "–", "–", "–"]
    assert expected == [list(row) for row in cost_summary(elsewhere).rows]


def test_times_that_do_not_compare_by_group(trio, elsewhere) -> None:
    """In a cell of a group too: median and 95th percentile, and no ratio."""
    whole, found = costs_by(trio, "category"), costs_by(elsewhere, "category")
    for before, row in zip(whole.rows, found.rows, strict=True):
        expected = list(before)
        if row[1] == "v-reason":
            for number, quantity in enumerate(QUANTITIES, 2):
                expected[number] = f"{before[number].partition(';')[0]}; not comparable" if quantity in TIMES else before[number]
        assert expected == list(row)


def test_why_times_do_not_compare(elsewhere) -> None:
    """The note stands at every table of times and at the summary, after what it says anyway, and nowhere else."""
    note = "Times not comparable (v-reason): measured at different times, in different calls of `run`."
    tables = dict(zip((quantity.name for quantity in QUANTITIES), cost_tables(elsewhere), strict=False))
    assert {quantity.name for quantity in TIMES} == {name for name, table in tables.items() if note in table.note}
    assert cost_summary(elsewhere).note.endswith(f"what all questions together cost. {note}")
    assert note == tables["latency_ms"].note == timing_note(elsewhere)


def test_times_that_compare_need_no_note(trio) -> None:
    """Nothing is said where nothing is to be known."""
    assert "" == timing_note(trio)
    assert not any("omparable" in table.note for table in (cost_summary(trio), *cost_tables(trio)))


def test_every_reason(unequal, conditions) -> None:
    """Each run with its own, in the order of the runs; a run measured in turn has ratios and no reason."""
    assert " ".join(f"Times not comparable ({name}): {why}." for name, why in conditions.items()) == timing_note(unequal)
    cells = {row[0]: row[6] for row in cost_tables(unequal)[1].rows}
    assert dict.fromkeys(conditions, "not comparable") == {name: cell for name, cell in cells.items() if name in conditions}
    assert cells["in turn"].startswith("× ")


def test_runs_of_one_reason_share_it(elsewhere) -> None:
    """It is said once, with their names."""
    both = replace(elsewhere, timing_issues=[None, "odd", "odd"])
    assert "Times not comparable (v-reason, v-reason-lite): odd." == timing_note(both)
