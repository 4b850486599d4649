"""vreason_tracking.comparison.export.documents: JSON and CSV."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from pathlib import Path

import pandas as pd
import pytest

from vreason.evaluation.failure_signatures import ADVICE
from vreason_tracking.comparison.export.documents import COLUMNS, FORMAT, document, figure_rows, to_csv, to_json
from vreason_tracking.comparison.tables.verdicts import verdicts


def read(comparison):
    """The CSV file as Python's own reader has it, without the lines of comment."""
    body = "".join(line for line in to_csv(comparison).splitlines(keepends=True) if not line.startswith("# WARNING"))
    return list(csv.DictReader(io.StringIO(body, newline="")))


def figure(comparison, run, metric, statistic):
    """One row of all questions."""
    found = [row for row in figure_rows(comparison) if (row["group"], row["run"]) == ("all questions", run)]
    (one,) = [row for row in found if row["metric"] == metric and row["statistic"].startswith(statistic)]
    return one


def test_json_holds_what_the_comparison_holds(trio) -> None:
    """Field by field, numbers to the last digit."""
    told = json.loads(to_json(trio))
    fields = ["format", "warnings", "verdicts", "baseline", "scoring", "questions", "videos"]
    fields += ["runs", "unlike", "differences", "groups", "paper", "added_tables"]
    assert fields == list(told)
    assert (FORMAT, "baseline", "robust", 48, 12) == (
        told["format"],
        *(told[name] for name in ("baseline", "scoring", "questions", "videos")),
    )
    assert list(verdicts(trio)) == told["verdicts"]
    assert trio.names == [run["name"] for run in told["runs"]]
    for group, theirs in zip(trio.groups, told["groups"], strict=True):
        assert (group.grouping, group.name, group.questions, group.videos) == tuple(
            theirs[name] for name in ("grouping", "group", "questions", "videos")
        )
        for name, result in zip(trio.names, group.results, strict=True):
            own = theirs["results"][name]
            assert result.accuracy.estimate.value == own["accuracy"]["estimate"]["value"]
            assert result.costs["latency_ms"].p95 == own["costs"]["latency_ms"]["p95"]
            assert result.memory.peak_bytes == own["memory"]["peak_bytes"]


def test_json_holds_added_tables(trio, with_added) -> None:
    """Last, as they are; without any the list is empty."""
    first = {"name": "by-shelf", "title": "By shelf", "columns": ["run", "shelf", "books"]}
    first |= {"rows": [["baseline", "upper", "3"]], "texts": 2, "note": "counted by hand"}
    told = json.loads(to_json(with_added))
    assert first == told["added_tables"][0]
    assert with_added.added_tables[1].title == told["added_tables"][1]["title"]
    assert json.loads(to_json(trio)) == told | {"added_tables": []}


def test_json_is_strict_and_names_survive(forced) -> None:
    """No NaN, no infinity; hostile names come back as they are."""

    def refuse(word):
        raise AssertionError(word)

    told = json.loads(to_json(forced), parse_constant=refuse)
    assert forced.names[1] == told["runs"][1]["name"]
    assert list(forced.warnings) == told["warnings"]
    assert "warnings" == list(told)[1]


def test_every_figure_of_the_document_is_finite(trio, many, forced) -> None:
    """Wherever it stands."""

    def numbers(value):
        if isinstance(value, dict):
            value = list(value.values())
        if isinstance(value, (list, tuple)):
            return [each for one in value for each in numbers(one)]
        return [value] if isinstance(value, float) else []

    for comparison in (trio, many, forced):
        found = numbers(document(comparison))
        assert len(found) > 100
        assert all(map(math.isfinite, found))


def test_csv_rows_equal_the_comparison(trio) -> None:
    """Accuracy with its interval, p, a ratio of totals, memory."""
    result = trio.groups[0].results[1]
    accuracy, total = result.accuracy, result.costs["latency_ms"].ratio.of_totals
    one = figure(trio, "v-reason", "accuracy", "mean")
    mean = accuracy.estimate
    assert (mean.value, mean.low, mean.high, mean.standard_error, 48, 12) == tuple(
        one[name] for name in ("value", "low", "high", "standard_error", "n", "clusters")
    )
    assert accuracy.difference.p_holm == figure(trio, "v-reason", "accuracy", "p_holm")["value"]
    assert accuracy.difference.estimate.low == figure(trio, "v-reason", "accuracy", "difference")["low"]
    assert accuracy.difference.won == figure(trio, "v-reason", "accuracy", "won")["value"]
    assert (total.value, total.high) == tuple(figure(trio, "v-reason", "latency_ms", "ratio_of_totals")[name] for name in ("value", "high"))
    assert result.memory.peak_bytes == figure(trio, "v-reason", "peak_memory_bytes", "max")["value"]
    assert [] == [
        row for row in figure_rows(trio) if row["run"] == "baseline" and row["statistic"] in ("difference", "ratio_median", "won")
    ]


def test_csv_is_read_back_by_csv_and_by_pandas(trio) -> None:
    """Every row, every number to the last digit, what is missing empty."""
    wanted = list(figure_rows(trio))
    table = pd.read_csv(io.StringIO(to_csv(trio)), comment="#")
    assert list(COLUMNS) == list(table.columns)
    assert len(wanted) == len(table)
    for row, own, theirs in zip(wanted, read(trio), table.to_dict("records"), strict=True):
        assert row["value"] == theirs["value"] if row.get("value") is not None else math.isnan(theirs["value"])
        assert {name: "" if row.get(name) is None else str(row[name]) for name in COLUMNS} == own


def test_csv_begins_with_the_warnings(forced) -> None:
    """In lines of comment, one a warning, and nothing else before the heads."""
    lines = to_csv(forced).splitlines()
    assert len(forced.warnings) == sum(line.startswith("# WARNING: ") for line in lines)
    assert lines[0].startswith("# WARNING: UNLIKE RUNS")
    assert lines[len(forced.warnings)].startswith('"grouping","group"')


def test_hostile_names_come_back_from_csv(forced) -> None:
    """A # is no comment to pandas, a comma, a quote and a line break end no cell; a formula is made inert by an apostrophe."""
    name = f"'{forced.names[1]}"
    assert {"baseline", name} == {row["run"] for row in read(forced)}
    table = pd.read_csv(io.StringIO(to_csv(forced)), comment="#")
    assert len(list(figure_rows(forced))) == len(table)
    assert {"baseline", name} == set(table["run"])
    assert {"own-id", "baseline-id"} == set(table["run_id"])


def test_no_cell_is_a_formula(forced) -> None:
    """Neither a word of a row nor a part of a warning, as a spreadsheet splits it at commas or semicolons; numbers stay numbers."""
    for row in read(forced):
        words = [row[name] for name in ("grouping", "group", "run", "run_id", "baseline", "metric", "statistic", "unit")]
        assert [] == [word for word in words if word.startswith(("=", "+", "-", "@", "\t", "\r"))]
    for warning in to_csv(forced).splitlines()[: len(forced.warnings)]:
        assert [] == [part for part in warning.replace(";", ",").split(",") if part.startswith(("=", "+", "-", "@"))]
    assert any(float(row["low"]) < 0 for row in read(forced) if row["low"])


@pytest.mark.parametrize("write", [to_csv, to_json])
def test_the_same_comparison_makes_the_same_bytes(trio, write) -> None:
    """Twice."""
    assert write(trio) == write(trio)


def test_statistics_have_names_of_their_own(trio) -> None:
    """What a figure is does not hang on the data: the test and the source of a peak stand in a column of their own."""
    text = (Path(__file__).parents[4] / "docs" / "comparison.md").read_text(encoding="utf-8")
    listed = re.search(r"`statistic` is one of (.*?);", text, re.DOTALL)[1]
    found = list(figure_rows(trio))
    assert {each.strip() for each in listed.replace("\n", " ").split(",")} == {row["statistic"] for row in found}
    assert {"wild cluster bootstrap", "exact McNemar", "rss", "torch's tensors", None} >= {row.get("how") for row in found}
    assert figure(trio, "v-reason", "accuracy", "p_holm")["how"] == trio.groups[0].results[1].accuracy.difference.test


def test_json_tells_why_times_do_not_compare(trio, unequal, conditions) -> None:
    """Of each run; null where they do. The figures stay in the document: it is the reader's to use them."""
    told = json.loads(to_json(unequal))
    assert [None, None, *conditions.values()] == [run["timing_issue"] for run in told["runs"]]
    assert [None] * 3 == [run["timing_issue"] for run in document(trio)["runs"]]
    assert told["groups"][0]["results"]["busy"]["costs"]["latency_ms"]["ratio"]["median"]["value"] > 0


def test_csv_tells_why_times_do_not_compare(unequal, conditions) -> None:
    """At every ratio of times, in each group; at no other figure, and at none of runs whose times compare."""
    marked = [row for row in figure_rows(unequal) if (row.get("how") or "").startswith("not comparable")]
    assert {(name, f"not comparable: {why}") for name, why in conditions.items()} == {(row["run"], row["how"]) for row in marked}
    ratios = {"ratio_median", "ratio_p95", "ratio_of_totals"}
    times = {"latency_ms", "time_to_first_token_ms", "ms_per_token"}
    assert {(metric, statistic) for metric in times for statistic in ratios} == {(row["metric"], row["statistic"]) for row in marked}
    assert len(conditions) * len(unequal.groups) * len(times) * len(ratios) == len(marked)
    assert "not comparable: " in to_csv(unequal)


def test_every_signature_is_counted(trio) -> None:
    """Zero is a count."""
    found = {
        row["metric"]: row["value"] for row in figure_rows(trio) if row["metric"].startswith("signature.") and row["run"] == "v-reason"
    }
    assert {f"signature.{name}" for name in ADVICE} == set(found)
