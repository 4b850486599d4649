"""vreason_cli.commands.runs.list: `vreason-track runs list`."""

from __future__ import annotations

import json
import re
from datetime import datetime

import pytest

from tests.helpers import run_states
from tests.helpers.recorded_world import NEWEST_FIRST
from vreason_cli.commands.runs.list import STATUSES
from vreason_tracking.catalog import run_list


def rows(out):
    """The lines of the table, by variant."""
    return {line.split()[1]: line for line in out.splitlines()[1:-1]}


def test_the_statuses_are_those_of_the_record() -> None:
    """The command names them without loading the record."""
    assert run_list.STATUSES == STATUSES


def test_a_line_a_run(look) -> None:
    """Newest first, under a heading, with the number of runs at the end; that one run cannot be read is said beside it."""
    outcome = look("runs", "list")
    assert 0 == outcome.code, outcome.err
    heading, *lines, last = outcome.out.splitlines()
    columns = ["id", "variant", "config", "status", "samples", "accuracy", "started", "duration", "identity", "waiting", "by"]
    assert columns == heading.split()
    assert list(NEWEST_FIRST) == [line.split()[1] for line in lines]
    assert f"{len(NEWEST_FIRST)} run(s)" == last
    first, *notes = outcome.err.splitlines()
    assert "note: 1 run(s) of the journal cannot be read: `vreason-track journal status` says why" == first
    assert re.fullmatch(r"note: 1 run\(s\) are damaged: `vreason-track runs show \S+`", notes.pop(0))
    assert re.fullmatch(r"note: 2 run\(s\) ended before they were done: `vreason-track run --resume \S+` and so on", notes[0])
    assert ["note: 1 run(s) are refused by the store: `vreason-track journal status`"] == notes[1:]


def test_failed_samples(program, journal) -> None:
    """They are counted beside those that are done, and a note says how they are shown."""
    from tests.helpers import readback, records

    recorder = readback.recorder_of(journal, "half")
    recorder.on_sample(records.failed("s-1"))
    recorder.finish("FINISHED")
    outcome = program("runs", "list", "--variant", "half", "--all-experiments")
    assert "1/3 (1 failed)" in rows(outcome.out)["half"]
    assert re.search(r"note: 1 run\(s\) have failed samples: `vreason-track samples \S+ --failed`\n", outcome.err)
    shown = program("runs", "show", "half").out
    assert re.search(r"1 of 3 done \(0 answered, 1 failed\)\n +vreason-track samples \S+ --failed says why\n", shown)


def test_damage_is_shown(program, journal) -> None:
    """Which record of which file, and what asks the sample again."""
    from tests.helpers import run_states

    folder = run_states.interrupted(journal, {"s-1": 12, "s-2": 7}, "hurt")
    run_states.flip_a_bit(folder)
    outcome = program("runs", "list", "--variant", "hurt", "--all-experiments")
    assert re.search(r"note: 1 run\(s\) are damaged: `vreason-track runs show \S+`\n", outcome.err)
    shown = program("runs", "show", "hurt").out
    assert re.search(r" damage  \d+\.journal, record \d+ \(byte \d+\): ", shown)
    assert "asks those samples again" in shown


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("live", ["RUNNING", "2/5", "ada@far"]),
        ("running", ["RUNNING", "1/3", "104"]),
        ("silent", ["SILENT 7", "0/?"]),
        ("killed", ["KILLED", "2/3", "166", "ada@here"]),
        ("offline", ["FINISHED", "3/3", "46.7%", "183"]),
        ("refused", ["183 (refused)"]),
        ("v-reason", ["FINISHED", "46.7%", "abcdef01", "trial"]),
    ],
)
def test_a_line(look, name, parts) -> None:
    """Status, samples, accuracy, identity, what waits, and by whom."""
    line = rows(look("runs", "list").out)[name]
    assert [] == [part for part in parts if part not in line]


def test_nothing_is_cut_when_piped(look, world, monkeypatch) -> None:
    """Whole ids of both kinds, whatever the width."""
    monkeypatch.setenv("COLUMNS", "40")
    out = look("runs", "list").out
    assert world.stored["baseline"] in out
    assert world.local["offline"].run_id in out
    assert "…" not in out


def test_on_a_terminal(look, world, terminal) -> None:
    """MLflow's ids are short enough to read, and long enough for every command."""
    out = look("runs", "list").out
    brief = world.stored["baseline"][:12]
    assert brief in out
    assert world.stored["baseline"] not in out
    assert 0 == look("runs", "show", brief).code


def test_times_are_local(look, look_json, monkeypatch) -> None:
    """The table shows the clock on the wall, JSON UTC."""
    import time

    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        line = rows(look("runs", "list").out)["offline"]
        (row,) = look_json("runs", "list", "--variant", "offline")["runs"]
        moment = datetime.fromisoformat(row["started"])
        assert 0 == moment.utcoffset().total_seconds()
        shown = re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d", line)[0]
        assert 9 * 3600 == (datetime.fromisoformat(shown + "Z") - moment.replace(second=0)).total_seconds()
    finally:
        monkeypatch.undo()
        time.tzset()


def test_as_json(look_json, world) -> None:
    """One document: the rows with every field, how many more there are, and where they are from."""
    document = look_json("runs", "list", "--limit", 3)
    assert {"runs", "more", "store", "store_error", "journal", "damaged"} == set(document)
    assert set(run_list.RunRow.__dataclass_fields__) == set(document["runs"][0])
    assert (list(NEWEST_FIRST[:3]), len(NEWEST_FIRST) - 3) == ([row["variant"] for row in document["runs"]], document["more"])
    assert (world.uri, None, str(world.root)) == (document["store"], document["store_error"], document["journal"])
    assert [world.local["broken"].run_id] == document["damaged"]


def test_the_limit(look) -> None:
    """What is left out is counted, with the number that shows all."""
    whole = len(NEWEST_FIRST)
    assert f"2 run(s), {whole - 2} more: --limit {whole}" == look("runs", "list", "--limit", 2).out.splitlines()[-1]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--status", "running"], ["live", "running"]),
        (["--status", "SILENT", "--status", "killed"], ["killed", "interrupted", "silent"]),
        (["--variant", "offline", "--variant", "baseline"], ["offline", "baseline"]),
        (["--config-name", "trial", "--status", "finished", "--since", "6d"], ["offline"]),
        (["--identity", "ABCD"], ["v-reason"]),
        (["--since", "36h"], ["live"]),
        (["--since", "2020-01-01", "--limit", "1"], ["live"]),
        (["--experiment", "other"], ["far"]),
        (["--all-experiments", "--variant", "far", "--variant", "live"], ["live", "far"]),
    ],
)
def test_filters(look_json, options, expected) -> None:
    """Each narrows the list; repeated ones widen it again."""
    assert expected == [row["variant"] for row in look_json("runs", "list", *options)["runs"]]


def test_all_experiments_are_told_apart(look) -> None:
    """The table has a column for them."""
    out = look("runs", "list", "--all-experiments").out
    assert "experiment" in out.splitlines()[0]
    assert " other " in rows(out)["far"]


def test_none_fits(look, look_json) -> None:
    """What there is instead is said; for machines the list is empty. That is no error."""
    outcome = look("runs", "list", "--variant", "nobody")
    assert 0 == outcome.code
    assert "none of 11 run(s) fits; variants: " in outcome.out
    assert "offline" in outcome.out
    assert [] == look_json("runs", "list", "--variant", "nobody")["runs"]


@pytest.mark.parametrize(
    ("options", "right"),
    [
        (["--status", "done"], "finished"),
        (["--since", "yesterday"], "2d"),
        (["--since", "2026-13-01"], "2026-11-01"),
        (["--identity", "xyz"], "hexadecimal"),
        (["--identity", "0" * 17], "hexadecimal"),
        (["--limit", "0"], "x>=1"),
        (["--limit", "many"], "integer"),
    ],
)
def test_bad_filters(look, options, right) -> None:
    """Exit code 2, the option, and what would be right."""
    outcome = look("runs", "list", *options)
    assert (2, "") == (outcome.code, outcome.out)
    assert options[0] in outcome.err
    assert right in outcome.err


def test_without_a_store(program, world, tmp_path, monkeypatch) -> None:
    """The journal alone is listed, and it is said why; no database is made."""
    monkeypatch.chdir(tmp_path)
    outcome = program("runs", "list", "--journal", world.root)
    assert (0, True) == (outcome.code, "offline" in outcome.out)
    assert f"note: only the journal {world.root} was read: sqlite:///mlflow.db: there is no such database" in outcome.err
    assert [] == list(tmp_path.iterdir())


def test_without_a_store_as_json(program, world, tmp_path, monkeypatch) -> None:
    """The reason is in the document."""
    monkeypatch.chdir(tmp_path)
    document = json.loads(program("runs", "list", "--journal", world.root, "--json").out)
    assert "there is no such database" in document["store_error"]
    assert document["runs"]


def test_without_a_journal(program, world, tmp_path, monkeypatch) -> None:
    """The store alone is listed."""
    monkeypatch.chdir(tmp_path)
    outcome = program("runs", "list", "--tracking-uri", world.uri)
    assert (0, "") == (outcome.code, outcome.err)
    assert set(world.stored) == set(rows(outcome.out))


def test_neither(program, tmp_path, monkeypatch) -> None:
    """Exit code 5, both places, and what to do; nothing is made."""
    monkeypatch.chdir(tmp_path)
    outcome = program("runs", "list")
    assert (5, "") == (outcome.code, outcome.out)
    assert "--tracking-uri" in outcome.err
    assert f"there is no journal in {tmp_path}/vreason-journal (name it with --journal)" in outcome.err
    assert [] == list(tmp_path.iterdir())


def test_an_empty_journal(program, tmp_path, monkeypatch) -> None:
    """No runs yet, with what makes some; no error."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "vreason-journal").mkdir()
    outcome = program("runs", "list")
    assert (0, True) == (outcome.code, "no runs yet: `vreason-track run --config FILE` makes some" in outcome.out)


def test_the_journal_of_the_environment(program, world, tmp_path, monkeypatch) -> None:
    """VREASON_JOURNAL names it, and the option's own variable as well."""
    monkeypatch.chdir(tmp_path)
    for name in ("VREASON_JOURNAL", "VREASON_RUNS_LIST_JOURNAL"):
        with monkeypatch.context() as patch:
            patch.setenv(name, str(world.root))
            assert "offline" in program("runs", "list").out


def test_a_journal_that_is_a_file(program, tmp_path, monkeypatch) -> None:
    """Exit code 5 and its name."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("text")
    outcome = program("runs", "list", "--journal", "file")
    assert (5, "") == (outcome.code, outcome.out)
    assert f"error: {tmp_path}/file: is a file, and a journal is a folder; name it with --journal\n" == outcome.err


def test_names_are_not_markup(program, tmp_path, monkeypatch) -> None:
    """What a user calls a variant is printed as it is."""
    monkeypatch.chdir(tmp_path)
    run_states.finished(tmp_path / "vreason-journal", "[bold]x[/]", experiment="vreason")
    assert "[bold]x[/]" in program("runs", "list").out
