"""vreason_cli.commands.samples: `vreason-track samples`."""

from __future__ import annotations

import json

import pytest

from tests.helpers import like_runs, readback, scored_runs
from tests.helpers.scored_runs import BASE, OWN
from vreason_tracking.stores.mlflow_store import MlflowStore


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A journal with both runs, in a folder without a database."""
    monkeypatch.chdir(tmp_path)
    scored_runs.both(tmp_path / "vreason-journal")
    return tmp_path / "vreason-journal"


@pytest.fixture
def samples(program, root):
    """The command, for experiment "trial", which the runs belong to."""
    return lambda *arguments: program("samples", *arguments, "--experiment", "trial", "--journal", root)


def plain(line):
    """A line of the table with one space between its words."""
    return " ".join(line.split())


def ids(outcome):
    """First words of the table's lines."""
    return [line.split()[0] for line in outcome.out.splitlines()[1:-1]]


def test_a_line_a_sample(samples) -> None:
    """Id, kind, category, answers, score, tokens, latency and signatures, in the order answered; their number at the end."""
    outcome = samples("v-reason")
    assert (0, "") == (outcome.code, outcome.err)
    heading, first, *_, last = outcome.out.splitlines()
    assert "id type category expected predicted score tokens latency ms signatures" == plain(heading)
    assert "lost multiple choice direction B A 0 4 41 truncated, unparsed" == plain(first)
    assert list(OWN) == ids(outcome)
    assert "7 sample(s)" == last


def test_a_failed_sample(samples) -> None:
    """Its error stands where the prediction would."""
    line = samples("v-reason", "--failed").out.splitlines()[1]
    assert "failed multiple choice direction B (failed) clips/s-9.mp4: is not a video - - - -" == plain(line)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--right"], ["right", "won", "only-here"]),
        (["--wrong"], ["lost", "partly", "nearly"]),
        (["--failed"], ["failed"]),
        (["--failed", "--wrong"], ["lost", "failed", "partly", "nearly"]),
        (["--problem-type", "regression", "--problem-type", "numerical"], ["won", "partly"]),
        (["--category", "counting"], ["won"]),
        (["--signature", "truncated"], ["lost"]),
        (["--flipped-against", "baseline"], ["lost", "won", "nearly"]),
        (["--flipped-against", "baseline", "--won"], ["won"]),
        (["--flipped-against", "baseline", "--lost"], ["lost", "nearly"]),
        (["--flipped-against", "baseline", "--won", "--lost"], ["lost", "won", "nearly"]),
        (["--flipped-against", "baseline", "--wrong"], ["lost", "nearly"]),
    ],
)
def test_filters(samples, options, expected) -> None:
    """What is right, wrong, failed, of a kind, or came out otherwise than in the baseline."""
    outcome = samples("v-reason", *options)
    assert 0 == outcome.code, outcome.err
    assert expected == ids(outcome)


def test_beside_a_baseline(samples) -> None:
    """Both answers and scores; what is left out is told on stderr."""
    outcome = samples("v-reason", "--flipped-against", "baseline")
    heading, first, *_ = outcome.out.splitlines()
    assert "id type category flip expected predicted score predicted there there tokens latency ms signatures" == plain(heading)
    assert "lost multiple choice direction lost B A 0 B 1 4 41 truncated, unparsed" == plain(first)
    notes = outcome.err.splitlines()
    assert 4 == len(notes)
    assert notes[0].startswith("note: 1 sample(s) that only v-reason (")
    assert notes[1].startswith("note: 2 sample(s) that only baseline (")
    assert "note: 1 of 6 sample(s) failed in one run or both: neither won nor lost" == notes[2]
    assert notes[3].startswith("note: the runs are not alike, a flip may come of it: sample set: 7 samples, ")


def test_runs_that_are_not_alike(program, tmp_path, monkeypatch) -> None:
    """What `compare` would refuse them for is a note each, and stands in the document; the flips are listed all the same."""
    monkeypatch.chdir(tmp_path)
    like_runs.one(tmp_path / "vreason-journal", "baseline", like_runs.BASE)
    other = {"params": like_runs.PARAMS | {"video.nframes": 16}, "tags": like_runs.TAGS | {"device": "cuda:0 (NVIDIA H200)"}}
    like_runs.one(tmp_path / "vreason-journal", "v-reason", like_runs.OWN, 1, **other)
    outcome = program("samples", "v-reason", "--flipped-against", "baseline", "--json")
    document = json.loads(outcome.out)
    assert (0, 8) == (outcome.code, len(document["samples"]))
    assert {"what": "frames, video.nframes", "values": {"v-reason": "16", "baseline": "8"}} == document["unlike"][0]
    assert ["frames, video.nframes", "device"] == [each["what"] for each in document["unlike"]]
    told = [line for line in outcome.err.splitlines() if "not alike" in line]
    assert "note: the runs are not alike, a flip may come of it: frames, video.nframes: 16 (v-reason); 8 (baseline)" == told[0]
    assert 2 == len(told)


def test_runs_that_are_alike(program, tmp_path, monkeypatch) -> None:
    """Nothing is noted."""
    monkeypatch.chdir(tmp_path)
    like_runs.pair(tmp_path / "vreason-journal")
    outcome = program("samples", "v-reason", "--flipped-against", "baseline", "--json")
    assert ("", []) == (outcome.err, json.loads(outcome.out)["unlike"])


def test_every_experiment_is_searched(program, tmp_path, tracking_uri) -> None:
    """As by `compare`, unless one is named: runs of several experiments that are in the store alone."""
    for experiment, name in (("one", "v-reason"), ("two", "baseline")):
        readback.deliver(like_runs.one(tmp_path / "unavailable", name, like_runs.BASE), MlflowStore(tracking_uri, experiment))
    command = ["samples", "v-reason", "--tracking-uri", tracking_uri, "--journal", tmp_path / "here"]
    (tmp_path / "here").mkdir()
    outcome = program(*command, "--flipped-against", "baseline")
    assert 0 == outcome.code, outcome.err
    assert "none of 14 sample(s) fits" in outcome.out
    assert 0 == program(*command, "--experiment", "one").code
    missed = program(*command, "--experiment", "two")
    assert (5, True) == (missed.code, "v-reason" in missed.err)


def test_the_limit(samples) -> None:
    """How many more there are, and how to see them."""
    outcome = samples("v-reason", "--limit", 2)
    assert (["lost", "right"], "2 sample(s), 5 more: --limit 7") == (ids(outcome), outcome.out.splitlines()[-1])


def test_none_fits(samples) -> None:
    """No failure; the kinds, categories and signatures that there are are named."""
    outcome = samples("v-reason", "--category", "colour")
    told = "none of 7 sample(s) fits; problem types: multiple choice, numerical, regression; categories: counting, direction; "
    assert (0, told + "signatures: premature-peak, truncated, unparsed\n") == (outcome.code, outcome.out)


def test_json(samples) -> None:
    """One document with everything that the table has, and counts of what is left out."""
    outcome = samples("v-reason", "--flipped-against", "baseline", "--limit", 1, "--json")
    document = json.loads(outcome.out)
    assert ["run", "baseline", "samples", "more", "looked_at", "only_run", "only_baseline", "one_failed", "unlike"] == list(document)
    assert ("v-reason", "baseline") == (document["run"]["variant"], document["baseline"]["variant"])
    assert (2, 6, 1, 2, 1) == tuple(document[name] for name in ("more", "looked_at", "only_run", "only_baseline", "one_failed"))
    [sample] = document["samples"]
    given = {"id": "lost", "expected": "B", "predicted": "A", "status": "wrong", "score": 0.0, "latency_ms": 41.0}
    beside = {"baseline_predicted": "B", "baseline_score": 1.0, "flip": "lost"}
    assert {**given, **beside} == {name: sample[name] for name in (*given, *beside)}


def test_json_of_one_run(samples) -> None:
    """What is not known is null."""
    document = json.loads(samples("baseline", "--json").out)
    assert (None, list(BASE)) == (document["baseline"], [sample["id"] for sample in document["samples"]])
    assert {None} == {sample["flip"] for sample in document["samples"]}


def test_on_a_terminal(program, tmp_path, terminal, monkeypatch) -> None:
    """Long texts are cut there, nowhere else; the least important columns give way, and that is said."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "110")
    scored_runs.record(tmp_path / "vreason-journal", "v-reason", {"q": 0.0}, q={"answer": "x" * 70, "prediction": "word " * 20})
    command = ["samples", "v-reason", "--experiment", "trial"]
    shown = program(*command).out
    assert f"{'x' * 39}…" in shown
    assert "too narrow for: signatures" in shown
    monkeypatch.delenv("TTY_COMPATIBLE")
    piped = program(*command).out
    assert ("x" * 70 in piped, "word " * 19 + "word" in piped, "…" in piped) == (True, True, False)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--won"], "--won needs another run to compare with; add --flipped-against BASELINE"),
        (["--lost", "--right"], "--lost needs another run to compare with; add --flipped-against BASELINE"),
        (["--failed", "--flipped-against", "baseline"], "--failed and --flipped-against exclude each other"),
        (["--limit", "0"], "'--limit'"),
    ],
)
def test_options_that_make_no_sense(samples, options, message) -> None:
    """Refused with code 2, and what to do instead."""
    outcome = samples("v-reason", *options)
    assert (2, "") == (outcome.code, outcome.out)
    assert message in outcome.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nobody"], "nobody"),
        (["v-reason", "--flipped-against", "nobody"], "nobody"),
        (["v-reason", "--flipped-against", "v-reason"], "is its own baseline"),
    ],
)
def test_runs_that_are_not_there(samples, arguments, message) -> None:
    """A message with code 5."""
    outcome = samples(*arguments)
    assert 5 == outcome.code
    assert outcome.err.startswith("error: ")
    assert message in outcome.err


def test_other_questions(program, tmp_path, monkeypatch) -> None:
    """Refused with code 6, and the ids."""
    monkeypatch.chdir(tmp_path)
    root = tmp_path / "vreason-journal"
    scored_runs.record(root, "v-reason", {"q": 1.0})
    scored_runs.record(root, "baseline", {"q": 0.0}, q={"question": "Another?"})
    outcome = program("samples", "v-reason", "--flipped-against", "baseline", "--experiment", "trial")
    assert 6 == outcome.code
    assert "v-reason and baseline do not ask the same under the same id" in outcome.err
    assert ": q; name runs of the same data" in outcome.err
