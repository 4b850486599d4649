"""vreason_cli.commands.compare: `vreason-track compare`, its options and its files."""

from __future__ import annotations

import csv
import io
import json
import re

import click
import pandas as pd
import pytest

from tests.helpers import like_runs
from tests.helpers.report_files import KINDS, left, outputs, refused


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "name RUNs, or --experiment NAME, or --config-run NAME: one of the three"),
        (["baseline", "v-reason", "--experiment", "trial"], "one of the three"),
        (["--experiment", "trial", "--config-run", "trial"], "one of the three"),
        (["baseline", "v-reason", "--open"], "--open opens the page that --html FILE writes; give both"),
        (["baseline", "v-reason", "--html", "nowhere/out.html"], "Invalid value for --html: there is no folder"),
        (["baseline", "v-reason", "--csv", "."], "Invalid value for '--csv': File '.' is a directory."),
        (["baseline", "v-reason", "--html", "out", "--md", "out"], "two outputs have the same file"),
        (["baseline", "v-reason", "--html", "out", "--md", "vreason-journal/../out"], "two outputs have the same file"),
        (["baseline", "v-reason", "--pages", "-1"], "Invalid value for '--pages'"),
        (["baseline", "v-reason", "--by", "weather"], "Invalid value for '--by': 'weather' is not one of"),
        (["baseline", "v-reason", "--journal", "nowhere"], "nowhere is not there"),
    ],
)
def test_wrong_options(compare, journal, tmp_path, arguments, told) -> None:
    """Exit code 2, said at once; nothing is written."""
    outcome = compare(*arguments)
    refused(outcome, 2, told)
    assert ("", []) == (outcome.out, left(tmp_path))


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["baseline"], "a comparison needs two runs at least, and there is only 'baseline'"),
        (["baseline", "baseline"], "a comparison needs two runs at least, and there is only 'baseline'"),
        (["baseline", "nope"], "no run 'nope' in the journal"),
        (["baseline", ""], "no run '' in the journal"),
        (["baseline", "v-reason", "--baseline", "nope"], "no run 'nope' in the journal"),
        (["--config-run", "trial", "--baseline", "nope"], "--baseline: 'nope' is not one of these runs; name one of: baseline, v-reason"),
        (["baseline", "v-reason", "--sample", "q-99"], "--sample: q-99: not among the samples compared, such as q-00, q-01"),
        (["--experiment", "nope"], "no finished run in experiment 'nope'"),
        (["--experiment", ""], "no finished run in experiment ''"),
        (["--config-run", "nope"], "no run of a config named 'nope'; there are runs of: trial"),
    ],
)
def test_what_is_not_there(compare, journal, tmp_path, arguments, told) -> None:
    """Exit code 5, with what there is instead; nothing is printed as a result, nothing is written."""
    outcome = compare(*arguments, *outputs(tmp_path))
    refused(outcome, 5, told)
    assert ("", []) == (outcome.out, left(tmp_path))


def test_the_same_run_by_two_names(compare, tmp_path, monkeypatch) -> None:
    """Its id and its variant: that is one run."""
    monkeypatch.chdir(tmp_path)
    baseline, _ = like_runs.pair(tmp_path / "vreason-journal")
    refused(compare("baseline", baseline.run_id), 5, "a comparison needs two runs at least, and there is only 'baseline'")


def test_neither_store_nor_journal(compare, tmp_path, monkeypatch) -> None:
    """Both are named, with the options that lead to them."""
    monkeypatch.chdir(tmp_path)
    refused(compare("--experiment", "trial"), 5, "there is no such database", "there is no journal in", "--journal")
    refused(compare("a", "b"), 5, "no run 'a' in the journal", "the newest are: none yet")


def test_a_file_that_cannot_be_written(compare, journal, tmp_path) -> None:
    """Named, with exit code 5; nothing is logged, nothing half-written is left."""
    (tmp_path / "out.md.new").mkdir()  # where the file would be made before it takes its name
    outcome = compare("baseline", "v-reason", "--md", tmp_path / "out.md")
    refused(outcome, 5, f"{tmp_path / 'out.md'}: cannot be written (Is a directory); name another file")
    assert "logged to MLflow: run" not in outcome.err
    assert [] == left(tmp_path)


def test_unlike_runs_are_refused(compare, unlike, tmp_path) -> None:
    """Exit code 6 with each difference; nothing is printed as a result, nothing is written."""
    outcome = compare("v-reason", "baseline", *outputs(tmp_path))
    refused(outcome, 6, "these runs are not alike", "\n  sample set: 7 samples, ", "or compare what is common", "--force")
    assert ("", []) == (outcome.out, left(tmp_path))


def test_every_difference_is_named(compare, tmp_path, monkeypatch) -> None:
    """Data, prompt, frames, decoding, scoring, device, each with both values."""
    monkeypatch.chdir(tmp_path)
    root = tmp_path / "vreason-journal"
    like_runs.one(root, "baseline", like_runs.BASE)
    tags = like_runs.TAGS | {"data.digest": "e" * 32, "scoring": "video-r1", "device": "cuda:0 (a card)"}
    params = like_runs.PARAMS | {"video.nframes": 16, "generation.max_new_tokens": 1024, "prompt.template": "long"}
    like_runs.one(root, "other", like_runs.OWN, 1, tags=tags, params=params)
    outcome = compare("baseline", "other")
    listed = [line.strip() for line in outcome.err.splitlines() if line.startswith("  ")]
    assert [
        f"data digest: {'d' * 32} (baseline); {'e' * 32} (other)",
        "prompt, prompt.template: not recorded (baseline); long (other)",
        "frames, video.nframes: 8 (baseline); 16 (other)",
        "decoding, generation.max_new_tokens: 96 (baseline); 1024 (other)",
        "scoring profile: robust (baseline); video-r1 (other)",
        "device: cpu of here (baseline); cuda (a card) (other)",
    ] == listed
    refused(outcome, 6)


def test_every_output_of_a_forced_comparison_begins_with_the_warnings(compare, unlike, tmp_path) -> None:
    """On the terminal, in the page above its heading, in Markdown, CSV and JSON."""
    outcome = compare("v-reason", "baseline", "--force", *outputs(tmp_path))
    assert 0 == outcome.code, outcome.err
    html, md, table, document = ((tmp_path / f"out.{kind}").read_text(encoding="utf-8") for kind in KINDS)
    warnings = json.loads(document)["warnings"]
    assert warnings[0].startswith("UNLIKE RUNS, compared because --force was given")
    assert len(warnings) > 4
    assert [f"WARNING  {each}" for each in warnings] == outcome.out.splitlines()[: len(warnings)]
    assert all(each.replace("&", "&amp;") in html.split("<h1>")[0].replace("&#39;", "'") for each in warnings)
    assert [line for line in md.splitlines() if line][1].startswith("> **WARNING** UNLIKE RUNS")
    assert [f"# WARNING: {each}" for each in warnings] == table.splitlines()[: len(warnings)]
    assert 14 < len(pd.read_csv(io.StringIO(table), comment="#"))


def test_outputs_are_what_they_should_be(compare, journal, tmp_path) -> None:
    """Each of its format, whole, and told on stderr."""
    outcome = compare("baseline", "v-reason", *outputs(tmp_path), "--no-log")
    assert 0 == outcome.code, outcome.err
    assert [f"written: {tmp_path / f'out.{kind}'}" for kind in KINDS] == re.findall("written: .*", outcome.err)
    assert (tmp_path / "out.html").read_text().startswith("<!DOCTYPE html>")
    assert (tmp_path / "out.html").read_text().rstrip().endswith("</html>")
    assert (tmp_path / "out.md").read_text().startswith("# v-reason against baseline\n")
    assert {"baseline", "v-reason"} == {row["run"] for row in csv.DictReader(io.StringIO((tmp_path / "out.csv").read_text()))}
    assert ["baseline", "v-reason"] == [run["name"] for run in json.loads((tmp_path / "out.json").read_text())["runs"]]


TABLES = """
from vreason_tracking.presentation import Table


def scores(comparison):
    rows = [[name, str(int(total))] for name, total in zip(comparison.names, comparison.frame.scores.sum(0), strict=True)]
    return Table("scores", "Sum of scores", ["run", "sum"], rows, note=f"of {len(comparison.frame.ids)} questions")


def more(comparison):
    return Table("more", "More", ["run"], [[name] for name in comparison.names])


def wrong(comparison):
    return 3
"""


def test_tables_of_ones_own_stand_in_every_output_but_csv(compare, journal, tmp_path) -> None:
    """On the terminal behind all others, in the page, in Markdown, in JSON; they are made anew of what is compared."""
    (tmp_path / "compare_tables.py").write_text(TABLES)
    own = ["--table", "compare_tables:scores", "--table", "compare_tables:more"]
    outcome = compare("baseline", "v-reason", "--by", "benchmark", *own, *outputs(tmp_path), "--no-log")
    assert 0 == outcome.code, outcome.err
    told = outcome.out[outcome.out.index("Accuracy by benchmark") :].splitlines()
    place = told.index("Sum of scores")
    shown = [["run", "sum"], ["baseline", "7"], ["v-reason", "13"], ["of", "14", "questions"], [], ["More"], ["run"], ["baseline"]]
    assert [*shown, ["v-reason"]] == [line.split() for line in told[place + 1 :]]
    html, md, table, document = ((tmp_path / f"out.{kind}").read_text(encoding="utf-8") for kind in KINDS)
    assert "Sum of scores" in html
    assert "| v-reason | 13 |" in md
    assert ["scores", "more"] == [each["name"] for each in json.loads(document)["added_tables"]]
    assert "Sum of scores" not in table


@pytest.mark.parametrize(
    ("reference", "told"),
    [
        ("compare_tables", "--table: 'compare_tables' is not written module:function"),
        ("compare_nothing:make", "--table: there is no module 'compare_nothing'"),
        ("compare_tables:nothing", "--table: module 'compare_tables' has no 'nothing'"),
        ("compare_tables:wrong", "--table: compare_tables:wrong returned a int; return a vreason_tracking.presentation.Table"),
    ],
)
def test_a_table_that_cannot_be_made(compare, journal, tmp_path, reference, told) -> None:
    """Exit code 2, by its name; nothing is printed as a result, nothing is written."""
    (tmp_path / "compare_tables.py").write_text(TABLES)
    outcome = compare("baseline", "v-reason", "--table", reference, "--md", tmp_path / "out.md")
    refused(outcome, 2, told)
    assert ("", ["compare_tables.py"]) == (outcome.out, left(tmp_path))


def test_the_baseline_can_be_named(compare, journal, tmp_path) -> None:
    """By variant or id."""
    ids = sorted(each.name for each in journal.iterdir() if each.is_dir())
    told = [compare("baseline", "v-reason", "--baseline", name, "--no-log").out.splitlines()[0] for name in ("v-reason", *ids)]
    assert told[0].endswith("; baseline: v-reason.")
    assert {"v-reason.", "baseline."} == {each.split()[-1] for each in told[1:]}


def test_pages(compare, journal, tmp_path) -> None:
    """None, or as many as asked, with those asked for."""
    for options, count in ((["--pages", 0], 0), (["--pages", 2], 2), (["--pages", 0, "--sample", "q-07"], 1)):
        assert 0 == compare("baseline", "v-reason", "--html", tmp_path / "out.html", "--no-log", *options).code
        assert count == (tmp_path / "out.html").read_text().count('<section class="sample"')


def test_a_page_that_is_full(compare, journal, tmp_path, monkeypatch) -> None:
    """Samples without room are named."""
    from vreason_tracking.comparison.export import html_page

    monkeypatch.setattr(html_page, "LARGEST", 1_000)
    outcome = compare("baseline", "v-reason", "--html", tmp_path / "out.html", "--pages", 2, "--no-log")
    assert 0 == outcome.code
    assert re.search(r"note: the page has no room for 2 sample\(s\): q-\d\d, q-\d\d\n", outcome.err)


def test_open(compare, journal, tmp_path, monkeypatch) -> None:
    """The page goes to the browser by its whole address."""
    opened = []
    monkeypatch.setattr(click, "launch", opened.append)
    assert 0 == compare("baseline", "v-reason", "--html", "my page.html", "--open", "--no-log").code
    assert [(tmp_path / "my page.html").as_uri()] == opened
