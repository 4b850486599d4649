"""vreason_cli.commands.compare: questions grouped by a column of the data file's own."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tests.helpers import readback, records, scored_runs
from tests.helpers.like_runs import IDENTITY, PARAMS, TAGS
from vreason.config import PRESETS
from vreason_tracking.settings.variants import Variant

LEVELS = ("easy", "hard", "easy", "hard", "easy", "hard")


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """Two runs of six questions, each with a level; the second is right in the hard ones only."""
    monkeypatch.chdir(tmp_path)
    for position, name in enumerate(("baseline", "v-reason")):
        params = PARAMS | {f"method.{key}": value for key, value in Variant(name, PRESETS[name]).flattened().items()}
        ids = tuple(f"q-{number}" for number in range(len(LEVELS)))
        about = {"call_position": position, "identity": IDENTITY, "tags": TAGS, "params": params, "sample_ids": ids}
        recorder = readback.recorder_of(tmp_path / "vreason-journal", name, **about)
        for number, (each, level) in enumerate(zip(ids, LEVELS, strict=True)):
            score = float((level == "hard") == bool(position))
            made = scored_runs.scored_sample(each, score, number)
            recorder.on_steps(records.steps(each, made.output_tokens, start_ms=made.started_ms))
            recorder.on_sample(replace(made, metadata=json.dumps({"level": level, "number": number})))
        recorder.finish("FINISHED")


def test_in_every_output(runs, compare, tmp_path) -> None:
    """On the terminal, in the page, in Markdown, and as rows of CSV and JSON."""
    files = {kind: tmp_path / f"report.{kind}" for kind in ("html", "md", "csv", "json")}
    options = [part for kind, file in files.items() for part in (f"--{kind}", file)]
    outcome = compare("baseline", "v-reason", "--no-log", "--group-by", "level", *options)
    assert 0 == outcome.code, outcome.err
    (table,) = [part for part in outcome.out.split("\n\n") if "metadata level" in part]
    lines = [line.split() for line in table.splitlines() if line.startswith((" easy", " hard", "easy", "hard")) or " v-reason " in line]
    assert any("easy" in line for line in lines)
    for kind in ("html", "md", "csv"):
        assert "metadata level" in files[kind].read_text(), kind
    groups = [group for group in json.loads(files["json"].read_text())["groups"] if group["grouping"] == "metadata level"]
    assert {"easy": 3, "hard": 3} == {group["group"]: group["questions"] for group in groups}


def test_a_column_that_is_not_there(runs, compare) -> None:
    """Exit code 6, with the columns that are."""
    outcome = compare("baseline", "v-reason", "--no-log", "--group-by", "leval")
    assert (6, "") == (outcome.code, outcome.out)
    assert "no question has 'leval' among its metadata; there are level, number" in outcome.err
