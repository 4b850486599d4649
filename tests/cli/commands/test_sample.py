"""vreason_cli.commands.sample: `vreason-track sample`."""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import replace

import pytest

from tests.helpers import readback, records, run_states
from vreason_tracking.stores.mlflow_store import MlflowStore


@pytest.fixture
def store(tracking_uri, monkeypatch) -> MlflowStore:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracking_uri)  # MLflow keeps what is behind a relative address, whatever the folder
    return MlflowStore(tracking_uri, "vreason")


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A journal; no database lies beside it, as one may in the folder that the tests are started in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path / "vreason-journal"


@pytest.fixture(params=["journal", "store"])
def recorded(request, root, store) -> str:
    """A delivered variant of four samples: right, wrong, without an answer tag, failed; with its journal here, or only in the store."""
    recorder = readback.recorder_of(root, "v-reason")
    changes = {
        "s-1": {"signatures": ("truncated", "unparsed"), "metadata": '{"scene": "kitchen", "floor": 3}'},
        "s-2": {"score": 0.0, "prediction": "A"},
        "s-3": {"score": 0.0, "prediction": None, "output": "It moves and moves"},
    }
    for number, (name, changed) in enumerate(changes.items()):
        reply = records.steps(name, 13, start_ms=records.START_MS + 1_000 * number)
        recorder.on_steps(reply)
        recorder.on_sample(records.sample(name, reply, **changed))
    recorder.on_sample(records.failed("s-4", started_ms=records.START_MS + 9_000))
    recorder.finish("FINISHED")
    run_id = str(readback.deliver(recorder.folder, store).run_id)
    if request.param == "store":
        shutil.rmtree(root)
    return run_id


def test_the_list(program, recorded) -> None:
    """Without a sample: a line for each, in order, with how it went, and their number."""
    outcome = program("sample", recorded)
    assert 0 == outcome.code, outcome.err
    *lines, last = outcome.out.splitlines()
    assert [["s-1", "right"], ["s-2", "wrong"], ["s-3", "wrong"], ["s-4", "failed"]] == [line.split()[:2] for line in lines]
    assert "answer B, said A" in lines[1]
    assert "is not a video" in lines[3]
    assert "4 sample(s)" == last


def test_what_else_the_data_file_has(program, recorded) -> None:
    """Further fields of the question's row stand below it."""
    lines = program("sample", recorded, "s-1").out.splitlines()
    assert ["scene  kitchen", "floor  3"] == [line.strip() for line in lines if line.strip().startswith(("scene", "floor"))]
    assert "kitchen" not in program("sample", recorded, "s-2").out


def test_the_list_as_json(program, recorded) -> None:
    """A list of one object a sample, with nothing of MLflow's own."""
    rows = json.loads(program("sample", recorded, "--json").out)
    assert ["s-1", "s-2", "s-3", "s-4"] == [row["vreason.sample_id"] for row in rows]
    assert ("A", "false") == (rows[1]["prediction"], rows[1]["correct"])
    assert [] == [name for row in rows for name in row if name.startswith("mlflow.")]


def test_one_sample(program, recorded) -> None:
    """Question, options, reasoning, prediction beside the expected answer, signatures, curve, and what the curve says."""
    outcome = program("sample", recorded, "s-1")
    assert 0 == outcome.code, outcome.err
    reply = records.steps("s-1", 13)
    peak = max(reply, key=lambda step: step.ema)
    parts = [
        "s-1",
        "v-reason",
        "clips/s-1.mp4",
        "Which way does the red circle move?",
        "A. left",
        "B. right",
        "It starts left.",
        "It ends right.",
        "expected B",
        "truncated, unparsed",
        f"EMA peak {peak.ema:.3f} nats at token {peak.token_index}",
        "3 update(s) of dV over 13 tokens",
    ]
    assert [] == [part for part in parts if part not in outcome.out]
    assert "<think>" not in outcome.out


def test_a_sample_without_an_answer(program, recorded) -> None:
    """That nothing could be extracted is said; the reply is there to read."""
    out = program("sample", recorded, "s-3").out
    assert "(none extracted)" in out
    assert "It moves and moves" in out


def test_a_failed_sample(program, recorded) -> None:
    """Its error, and no curve."""
    outcome = program("sample", recorded, "s-4")
    assert (0, True) == (outcome.code, "clips/s-9.mp4: is not a video" in outcome.out)
    assert "EMA" not in outcome.out


def test_one_sample_as_json(program, recorded) -> None:
    """The run, tags, figures and every point of the series."""
    whole = json.loads(program("sample", recorded, "s-2", "--json").out)
    reply = records.steps("s-2", 13)
    assert {"run_id", "tags", "metrics", "series"} == set(whole)
    assert ("s-2", "A") == (whole["tags"]["vreason.sample_id"], whole["tags"]["prediction"])
    assert [[step.token_index, pytest.approx(step.entropy)] for step in reply] == whole["series"]["entropy"]
    assert [4, 8, 12] == [token for token, _ in whole["series"]["loss"]]
    assert 0.0 == whole["metrics"]["score"]


def test_values_that_json_has_no_word_for(program, tmp_path, monkeypatch) -> None:
    """A sample whose entropy is not a number is JSON all the same: null, and what stood there is told by its place."""
    monkeypatch.chdir(tmp_path)
    recorder = readback.recorder_of(tmp_path / "vreason-journal")
    steps = [replace(step, entropy=value) for step, value in zip(records.steps("s-1", 3), (0.5, math.nan, math.inf), strict=True)]
    recorder.on_steps(steps)
    recorder.on_sample(records.sample("s-1", steps))
    recorder.finish("FINISHED")

    def refuse(word):
        raise ValueError(word)

    whole = json.loads(program("sample", "v-reason", "s-1", "--experiment", "trial", "--json").out, parse_constant=refuse)
    assert [[0, 0.5], [1, None], [2, None]] == whole["series"]["entropy"]
    assert {"series.entropy[1][1]": "nan", "series.entropy[2][1]": "inf"} == whole["not_finite"]


def test_a_failed_sample_as_json(program, recorded) -> None:
    """Its error is in the tags, and there are no series."""
    whole = json.loads(program("sample", recorded, "s-4", "--json").out)
    assert ("clips/s-9.mp4: is not a video", {}) == (whole["tags"]["error"], whole["series"])


def test_a_baseline(program, root) -> None:
    """Without a controller the curve is drawn and no update is claimed."""
    recorder = readback.recorder_of(root, "baseline")
    readback.answer(recorder, {"s-1": 6}, controller=False)
    recorder.finish("FINISHED")
    assert "0 update(s) of dV over 6 tokens" in program("sample", "baseline", "s-1", "--journal", root).out


def test_a_reply_of_one_token(program, root) -> None:
    """A curve of a single point is drawn as well."""
    recorder = readback.recorder_of(root)
    readback.answer(recorder, {"s-1": 1})
    recorder.finish("FINISHED")
    outcome = program("sample", "v-reason", "s-1", "--journal", root)
    assert (0, True) == (outcome.code, "over 1 tokens" in outcome.out)


def test_before_it_is_delivered(look) -> None:
    """A run that is only in the journal is read from there; its samples have no run in MLflow yet."""
    assert "3 sample(s)" in look("sample", "offline").out
    outcome = look("sample", "offline", "s-1", "--json")
    assert (0, None) == (outcome.code, json.loads(outcome.out)["run_id"])
    assert "2 update(s) of dV over 12 tokens" in look("sample", "offline", "s-1").out


def test_while_it_is_under_way(look) -> None:
    """Finished samples are there to see."""
    assert "1 sample(s)" in look("sample", "running").out
    assert 0 == look("sample", "running", "s-1").code


def test_a_sample_that_never_ended(look) -> None:
    """Exit code 5, and the command that shows what there is of it."""
    outcome = look("sample", "killed", run_states.OPEN)
    assert (5, "") == (outcome.code, outcome.out)
    assert "`vreason-track runs steps " in outcome.err


def test_damaged_steps(look) -> None:
    """The curve is drawn from those that are left, and how many are not is said."""
    outcome = look("sample", "damaged", "s-2")
    assert 0 == outcome.code
    assert "over 6 tokens" in outcome.out
    assert "1 of 7 steps are damaged or missing" in outcome.out


def test_by_name_and_by_prefix(program, recorded) -> None:
    """The run's name and the beginning of its id mean the same run."""
    lists = [program("sample", name).out for name in (recorded, recorded[:12], "v-reason")]
    assert "4 sample(s)" in lists[0]
    assert [lists[0]] * 3 == lists


def test_a_beginning_of_several(look) -> None:
    """Exit code 5, with what to do."""
    outcome = look("sample", "20")
    assert (5, "") == (outcome.code, outcome.out)
    assert "give more of it" in outcome.err


@pytest.mark.parametrize(("arguments", "expected"), [(["nothing"], "no run 'nothing'"), (["v-reason", "s-7"], "no sample 's-7'")])
def test_what_is_not_there(program, recorded, arguments, expected) -> None:
    """An unknown run and an unknown sample: exit code 5, named, without a traceback."""
    outcome = program("sample", *arguments)
    assert (5, "") == (outcome.code, outcome.out)
    assert outcome.err.startswith("error: ")
    assert expected in outcome.err


def test_an_unknown_experiment(program, store) -> None:
    """Exit code 5, and its name."""
    outcome = program("sample", "v-reason", "--experiment", "nowhere")
    assert 5 == outcome.code
    assert "nowhere" in outcome.err


def test_no_database(program, tmp_path, monkeypatch) -> None:
    """Exit code 5, what to do, and no file made."""
    monkeypatch.chdir(tmp_path)
    outcome = program("sample", "v-reason")
    assert 5 == outcome.code
    assert "--tracking-uri" in outcome.err
    assert [] == list(tmp_path.iterdir())


def test_where_to_look(program, root, store, tracking_uri, tmp_path, monkeypatch) -> None:
    """--tracking-uri, its environment variable, and MLflow's own variable each name the database; --journal and its own, the journal."""
    run_states.finished(root, store=store)
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert 5 == program("sample", "v-reason").code
    assert 0 == program("sample", "v-reason", "--tracking-uri", tracking_uri).code
    for name in ("VREASON_SAMPLE_TRACKING_URI", "MLFLOW_TRACKING_URI"):
        with monkeypatch.context() as patch:
            patch.setenv(name, tracking_uri)
            assert 0 == program("sample", "v-reason").code
    assert 0 == program("sample", "v-reason", "--journal", root).code
    for name in ("VREASON_SAMPLE_JOURNAL", "VREASON_JOURNAL"):
        with monkeypatch.context() as patch:
            patch.setenv(name, str(root))
            assert 0 == program("sample", "v-reason").code


def test_a_narrow_terminal(program, recorded, monkeypatch) -> None:
    """Long questions are folded, whatever the width, and no word is lost."""
    monkeypatch.setenv("COLUMNS", "44")
    out = program("sample", recorded, "s-1").out
    assert "Which way does the red circle move?" in " ".join(out.split())
