"""The record that the first version left, tests/data/record_v1.tar.xz: it can be listed, verified, compared, delivered and continued.

Five runs of the demo: config "first" with a baseline and V-Reason, delivered; "second" with a baseline whose delivery had only begun, and
V-Reason, killed after three of six samples; "third" with V-Reason, recorded offline.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import commands, old_records, readback
from tests.helpers.old_records import OldRecord
from vreason.events import SampleRecord, StepRecord
from vreason_tracking.delivery.checkpoint import read_delivered
from vreason_tracking.journal.folder import RunFolder, run_folders
from vreason_tracking.journal.lines import from_line
from vreason_tracking.journal.reader import last_end
from vreason_tracking.records.schema import columns_of
from vreason_tracking.telemetry import DeviceRecord

FIRST = {"baseline": "df07632738574593b08767dfebc6cedf", "v-reason": "67ac1ab4b09e44f6babf14c14f72ea6b"}
JOURNAL = {"baseline": "20261126T003036-266576", "v-reason": "20261126T003037-205d36"}
"""The runs of config "first" by variant, as MLflow and as the journal call them."""
SECOND_BASE, KILLED, OFFLINE = "20261126T003047-7f9d8a", "20261126T003048-ded25c", "20261126T003105-751b35"
SAMPLES = ["demo-test-000-direction", "demo-test-000-order", "demo-test-000-counting", "demo-test-000-distance"]
REPLY = (
    "<think>I watch who enters: the yellow square, the blue square, the red square. The second is blue. blue A.</think><answer>A</answer>"
)
SEQUENTIAL = "the variants ran one after another (schedule: sequential), so that each met other conditions"


@pytest.fixture(autouse=True)
def own_environment(monkeypatch, tmp_path) -> None:
    commands.own_environment(monkeypatch)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def looked_at(tmp_path_factory) -> OldRecord:
    """The record, for tests that only look."""
    return old_records.unpack(tmp_path_factory.mktemp("old"))


@pytest.fixture
def old(tmp_path) -> OldRecord:
    """The record, for tests that write to it."""
    return old_records.unpack(tmp_path / "old")


def sides(record: OldRecord, empty: Path) -> dict[str, list[str]]:
    """Options that lead a command to both sides of the record, or to one of them."""
    nothing = f"sqlite:///{empty}/none.db"
    both = ["--tracking-uri", record.uri, "--journal", str(record.journal)]
    return {"both": both, "journal": ["--tracking-uri", nothing, *both[2:]], "store": [*both[:2], "--journal", str(empty)]}


@pytest.fixture
def ask(program, looked_at, tmp_path):
    """The JSON document of a command that looks at the record, at both sides of it or at one."""

    def run(*arguments: str, side: str = "both") -> Any:
        outcome = program(*arguments, *sides(looked_at, tmp_path)[side], "--json")
        assert 0 == outcome.code, outcome.err
        return json.loads(outcome.out)

    return run


def records_in(journal: Path) -> Iterator[list[Any]]:
    """Every line of a journal, as it is written."""
    for path in sorted(journal.glob("*/*.journal")):
        yield from map(from_line, path.read_bytes().splitlines())


def test_it_is_the_first_version(looked_at) -> None:
    """It has no schedule and none of the columns that came with version 4; its other columns are those of the schema, in its order."""
    heads = [record[1] for record in records_in(looked_at.journal) if record[0] == "head"]
    for kind, record in (("step", StepRecord), ("device", DeviceRecord)):
        assert {tuple(column.name for column in columns_of(record) if column.since < 4)} == {tuple(head["columns"][kind]) for head in heads}
    samples = [record[1] for record in records_in(looked_at.journal) if record[0] == "sample"]
    assert {tuple(column.name for column in columns_of(SampleRecord) if column.since < 4)} == {tuple(sample) for sample in samples}
    assert 20 == len(samples)
    assert not any("schedule" in folder.manifest.tags for folder in run_folders(looked_at.journal))


def test_listing(ask) -> None:
    """All five runs with their states: newest first, the delivered ones with their accuracy."""
    found = [
        (run["config"], run["variant"], run["status"], run["samples_done"], run["samples_expected"], run["accuracy"], run["waiting_points"])
        for run in ask("runs", "list")["runs"]
    ]
    assert [
        ("third", "v-reason", "FINISHED", 3, 3, 1.0, 903),
        ("second", "v-reason", "KILLED", 3, 6, None, 902),
        ("second", "baseline", "FINISHED", 6, 6, 1.0, 1_225),
        ("first", "v-reason", "FINISHED", 4, 4, 1.0, 0),
        ("first", "baseline", "FINISHED", 4, 4, 1.0, 0),
    ] == found


def test_listing_a_side(ask) -> None:
    """The journal alone knows all five, the store the three that reached it."""
    names = {side: [(run["config"], run["variant"]) for run in ask("runs", "list", side=side)["runs"]] for side in ("journal", "store")}
    store = [("second", "baseline"), ("first", "v-reason"), ("first", "baseline")]
    assert {"journal": [("third", "v-reason"), ("second", "v-reason"), *store], "store": store} == names


@pytest.mark.parametrize("side", ["both", "journal", "store"])
@pytest.mark.parametrize("variant", FIRST)
def test_showing(ask, variant, side) -> None:
    """A run with its figures by the names that they have now, its settings, digests and call, from either side."""
    found = ask("runs", "show", JOURNAL[variant] if side == "journal" else FIRST[variant], side=side)
    assert ("first", variant, "FINISHED", "158eaabfed29") == (
        *(found["run"][name] for name in ("config", "variant", "status")),
        found["call_id"],
    )
    figures = found["summary"]
    assert (1.0, 1.0, 4, 0) == tuple(figures[name] for name in ("accuracy", "accuracy/mean_mra", "samples/answered", "samples/failed"))
    assert 34.25 == figures["tokens/mean"]
    assert {"446f885f40d1fbf1", "64", "deec796a86362b33a0ca23c48a2ecb7581215e30"} == {
        found["tags"]["model.revision"].removeprefix("sha256:"),
        str(found["params"]["generation.max_new_tokens"]),
        found["tags"]["git.commit"],
    }
    assert {"baseline": "19737d3842d4c8e6", "v-reason": "a4ca6eabd31781e9"}[variant] == found["identity"]["run"]


def test_verifying(program, looked_at) -> None:
    """Every line has its checksum and every fragment its end: nothing is damaged."""
    outcome = program("journal", "verify", "--journal", looked_at.journal, "--json")
    assert 0 == outcome.code
    runs = json.loads(outcome.out)["runs"]
    assert [144, 144, 209, 110, 111] == [run["records"] for run in runs]
    assert [4, 4, 6, 3, 3] == [run["samples"] for run in runs]
    assert {(True, 0)} == {(run["intact"], len(run["damages"])) for run in runs}


def test_what_waits(program, looked_at) -> None:
    """The points of each run, recorded and delivered: of config "first" all 2,016."""
    outcome = program("journal", "status", "--journal", looked_at.journal, "--json")
    assert 0 == outcome.code
    runs = {run["journal_id"]: (run["recorded"], run["delivered"], run["state"]) for run in json.loads(outcome.out)["runs"]}
    assert {
        JOURNAL["baseline"]: (839, 839, "delivered"),
        JOURNAL["v-reason"]: (1_177, 1_177, "delivered"),
        SECOND_BASE: (1_225, 0, "waiting"),
        KILLED: (902, 0, "waiting"),
        OFFLINE: (903, 0, "waiting"),
    } == runs
    assert 2_016 == sum(delivered for _, delivered, _ in runs.values())


@pytest.mark.parametrize("side", ["both", "journal", "store"])
def test_samples(ask, side) -> None:
    """Its four samples, all answered rightly, from either side."""
    found = ask("samples", JOURNAL["v-reason"] if side == "journal" else FIRST["v-reason"], side=side)["samples"]
    assert [*zip(SAMPLES, ("D", "A", "3", "2"), (31, 41, 33, 32), strict=True)] == [
        (each["id"], each["predicted"], each["output_tokens"]) for each in found
    ]
    assert {("right", 1.0, "demo")} == {(each["status"], each["score"], each["benchmark"]) for each in found}


def test_samples_of_a_killed_run(ask) -> None:
    """Those that it had finished."""
    assert SAMPLES[:3] == [each["id"] for each in ask("samples", KILLED)["samples"]]


@pytest.mark.parametrize("side", ["journal", "store"])
def test_steps(ask, side) -> None:
    """Every step of a sample, from either side: an update every four tokens."""
    found = ask("runs", "steps", JOURNAL["v-reason"] if side == "journal" else FIRST["v-reason"], SAMPLES[1], side=side)
    assert ([*range(41)], [*range(4, 41, 4)]) == (
        [step["token_index"] for step in found["steps"]],
        [step["token_index"] for step in found["steps"] if step["updated"]],
    )
    assert 1.1089515686035156 == pytest.approx(found["steps"][1]["entropy"])


def test_a_sample_on_the_terminal(program, looked_at) -> None:
    """Question, reasoning, answer and curve, as MLflow has them."""
    outcome = program("sample", FIRST["v-reason"], SAMPLES[1], "--tracking-uri", looked_at.uri)
    assert 0 == outcome.code, outcome.err
    assert "EMA peak 0.037 nats at token 22; 10 update(s) of dV over 41 tokens" in outcome.out
    assert "answer  A   expected A   right" in outcome.out


def test_comparing(program, looked_at, tmp_path) -> None:
    """Old runs with each other: the same document from both sides and from each; times of two sequential variants do not compare."""
    made = {}
    for side, options in sides(looked_at, tmp_path).items():
        names = JOURNAL if side == "journal" else FIRST
        outcome = program("compare", *names.values(), *options, "--no-log", "--json", f"{side}.json", "--html", f"{side}.html")
        assert 0 == outcome.code, outcome.err
        made[side] = json.loads(Path(f"{side}.json").read_text())
    assert made["store"] == made["both"] == made["journal"]
    assert (4, "baseline") == (made["both"]["questions"], made["both"]["baseline"])
    assert ["baseline", "v-reason"] == [run["name"] for run in made["both"]["runs"]]
    assert [None, SEQUENTIAL] == [run["timing_issue"] for run in made["both"]["runs"]]
    results = made["both"]["groups"][0]["results"]
    assert [1.0, 1.0] == [results[name]["accuracy"]["estimate"]["value"] for name in FIRST]
    assert Path("store.html").read_text() == Path("both.html").read_text()


def config_of(journal: Path, run: str, name: str) -> Path:
    """The config of an old run, as a file, under another name."""
    (text,) = [folder.manifest.config for folder in run_folders(journal) if folder.run_id == run]
    path = Path(f"{name}.yaml")
    path.write_text(text.replace(text.splitlines()[0], f"name: {name}", 1))
    return path


def replies(folder: RunFolder) -> dict[str, tuple[str, list[int]]]:
    """Text and tokens of every reply."""
    return {
        each.sample.sample_id: (each.sample.output, [step.token_id for step in each.steps]) for each in readback.finished_samples(folder)
    }


def test_comparing_with_a_run_of_today(program, old, tmp_path, monkeypatch) -> None:
    """An old run and one recorded now, on a machine of the same name, are alike: they say the same, and are compared without force."""
    monkeypatch.setattr(platform, "node", lambda: "vm")
    config = config_of(old.journal, JOURNAL["v-reason"], "today")
    outcome = program("run", "-c", config, "--variant", "v-reason", "--offline", "--journal", old.journal)
    assert 0 == outcome.code, outcome.err
    (today,) = [folder for folder in run_folders(old.journal) if folder.manifest.config_name == "today"]
    (then,) = [folder for folder in run_folders(old.journal) if folder.run_id == JOURNAL["v-reason"]]
    assert then.manifest.identity == today.manifest.identity
    assert replies(then) == replies(today)
    assert REPLY == replies(today)[SAMPLES[1]][0]
    for name, side in ((JOURNAL["v-reason"], "journal"), (FIRST["v-reason"], "both")):
        options = sides(old, tmp_path)[side]
        outcome = program("compare", name, today.run_id, *options, "--no-log", "--json", "found.json", "--md", "found.md")
        assert 0 == outcome.code, outcome.err
        found = json.loads(Path("found.json").read_text())
        assert (4, []) == (found["questions"], found["unlike"])
        assert [None, "measured at different times, in different calls of `run`"] == [run["timing_issue"] for run in found["runs"]]
        assert {(1.0, 34.25)} == {
            (each["accuracy"]["estimate"]["value"], each["costs"]["output_tokens"]["mean"])
            for each in found["groups"][0]["results"].values()
        }


def test_delivering(program, old) -> None:
    """What waits goes to the record's own store, which then has all five runs, each point once."""
    outcome = program("journal", "deliver", "--journal", old.journal, "--tracking-uri", old.uri)
    assert 0 == outcome.code, outcome.err
    assert "5,046 points recorded, 5,046 delivered, 0 waiting" in outcome.out
    marks = {folder.run_id: read_delivered(folder.delivery_log) for folder in run_folders(old.journal)}
    assert {"FINISHED": 4, "KILLED": 1} == {
        status: [each.status for each in marks.values()].count(status) for status in ("FINISHED", "KILLED")
    }
    database = Path(old.uri.removeprefix("sqlite:///"))
    (experiment,) = {each.experiment_id for each in marks.values()}
    stored = readback.content(database, experiment)
    assert [2, 3] == [len(stored[name]) for name in ("baseline", "v-reason")]
    assert 20 == sum(len([each for each in runs if each["parent"]]) for runs in stored.values())
    listed = json.loads(program("runs", "list", "--tracking-uri", old.uri, "--journal", old.journal, "--json").out)["runs"]
    assert [0] * 5 == [run["waiting_points"] for run in listed]
    assert [True] * 5 == [run["in_store"] for run in listed]
    again = program("journal", "deliver", "--journal", old.journal, "--tracking-uri", old.uri)
    assert (0, "5,046 points recorded, 5,046 delivered, 0 waiting") == (again.code, again.out.strip())


def test_continuing(program, old) -> None:
    """The killed run goes on to its end by what its manifest says, keeps its three samples, and says what a run in one go says; the variant
    that was finished is kept.
    """
    folder = RunFolder(old.journal / KILLED)
    before = readback.finished_samples(folder)
    outcome = program("run", "--resume", KILLED, "--offline", "--journal", old.journal)
    assert 0 == outcome.code, outcome.err
    assert "baseline: FINISHED, as an earlier call left it, accuracy 100.0%" in outcome.out
    assert f"v-reason: run {KILLED}, 3 sample(s) done before" in outcome.out
    after = readback.finished_samples(folder)
    assert before == after[:3]
    assert ([1, 2], "FINISHED", 6) == (readback.sessions(folder), last_end(folder).status, len(after))
    config = config_of(old.journal, KILLED, "whole")
    assert 0 == program("run", "-c", config, "--variant", "v-reason", "--offline", "--journal", "fresh").code
    (whole,) = run_folders(Path("fresh"))
    assert folder.manifest.identity == whole.manifest.identity
    assert replies(whole) == replies(folder)
    assert readback.outcome(whole)[3:] == readback.outcome(folder)[3:]
    verified = program("journal", "verify", "--journal", old.journal)
    assert (0, True) == (verified.code, "nothing is damaged" in verified.out)


@pytest.mark.slow
def test_continuing_beside_its_store(program, old) -> None:
    """Continued online, the whole of the run is in the record's own store at the end, and what waited beside it as well."""
    outcome = program("run", "--resume", KILLED, "--set", f"tracking.uri={old.uri}", "--journal", old.journal)
    assert 0 == outcome.code, outcome.err
    assert ", 0 waiting" in outcome.out
    listed = json.loads(program("runs", "list", "--tracking-uri", old.uri, "--journal", old.journal, "--json").out)["runs"]
    found = {
        (run["config"], run["variant"]): (run["status"], run["samples_done"], run["accuracy"], run["waiting_points"]) for run in listed
    }
    assert ("FINISHED", 6, 1.0, 0) == found["second", "v-reason"] == found["second", "baseline"]
    assert ("FINISHED", 3, 1.0, 903) == found["third", "v-reason"]
