"""vreason_cli.commands.runs.steps: `vreason-track runs steps`."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import asdict

import pytest

from tests.helpers import records
from tests.helpers.run_states import OPEN

STEPS = records.steps("s-1", 12)


@pytest.mark.parametrize(("name", "source"), [("offline", "journal"), ("elsewhere", "store")])
def test_a_line_a_step(look, name, source) -> None:
    """Token, entropy, average, peak, phase, and at an update what the controller did; memory in MiB."""
    outcome = look("runs", "steps", name, "s-1")
    assert (0, "") == (outcome.code, outcome.err)
    title, heading, *lines, last = outcome.out.splitlines()
    assert title.startswith(f"s-1  ({name}, run ")
    assert ["t", "token", "H", "EMA", "peak", "phase", "loss", "|dV|", "grad", "norm", "cosine", "memory", "ms"] == heading.split()
    assert 12 == len(lines)
    step = STEPS[4]
    figures = [step.entropy, step.ema, step.peak, step.loss, step.delta_v_norm, step.grad_norm, step.value_cosine]
    cells = [f"{value:.4f}" for value in figures]
    assert ["4", "104", *cells[:3], step.phase, *cells[3:], "1.0", f"{step.step_ms:.1f}"] == lines[4].split()
    assert 2 == lines[5].split().count("-")
    assert f"12 step(s), 2 update(s) of dV; from the {source}" == last


def test_as_json(look_json, world) -> None:
    """Every field of every step, bit by bit, with phase and duration."""
    document = look_json("runs", "steps", "offline", "s-1")
    assert [{**asdict(step), "phase": step.phase, "step_ms": step.step_ms} for step in STEPS] == document.pop("steps")
    run = {"run_id": world.local["offline"].run_id, "variant": "offline", "sample_id": "s-1"}
    assert {**run, "ended": True, "source": "journal", "note": None} == document


def test_as_csv(look) -> None:
    """The same fields, a line a step; nothing else is printed."""
    outcome = look("runs", "steps", "offline", "s-1", "--csv")
    rows = list(csv.DictReader(io.StringIO(outcome.out)))
    assert (0, "", 12) == (outcome.code, outcome.err, len(rows))
    assert [str(step.entropy) for step in STEPS] == [row["entropy"] for row in rows]
    assert ["" if step.loss is None else str(step.loss) for step in STEPS] == [row["loss"] for row in rows]


def test_only_updates(look_json, look) -> None:
    """Tokens at which dV was updated, in every form."""
    assert [4, 8] == [step["token_index"] for step in look_json("runs", "steps", "offline", "s-1", "--updates")["steps"]]
    assert 3 == len(look("runs", "steps", "offline", "s-1", "--updates", "--csv").out.splitlines())
    out = look("runs", "steps", "offline", "s-1", "--updates").out
    assert ["4", "8"] == [line.split()[0] for line in out.splitlines()[2:-1]]


def test_a_sample_that_never_ended(look, look_json) -> None:
    """What a killed process left is shown, and said to be that; a CSV stays a CSV."""
    outcome = look("runs", "steps", "killed", OPEN)
    assert 0 == outcome.code
    assert "9 step(s)" in outcome.out
    assert "the sample never ended: its process is gone" in outcome.out
    document = look_json("runs", "steps", "killed", OPEN)
    assert (False, 9) == (document["ended"], len(document["steps"]))
    assert "never ended" in document["note"]
    as_csv = look("runs", "steps", "killed", OPEN, "--csv")
    assert 10 == len(as_csv.out.splitlines())
    assert as_csv.err.startswith("note: the sample never ended")


def test_damaged_steps(look) -> None:
    """Those that are left, and how many are not."""
    out = look("runs", "steps", "damaged", "s-2").out
    assert "6 step(s)" in out
    assert "1 of 7 steps are damaged or missing: `vreason-track journal verify` names them" in out


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["offline", "s-9"], 5, "has no sample 's-9'; it has 3, for example s-1, s-2, s-3"),
        (["elsewhere", "s-9"], 5, "has no sample 's-9'"),
        (["nothing", "s-1"], 5, "no run 'nothing'"),
        (["live", "s-1"], 5, "its steps are in the journal on far"),
        (["offline"], 2, "Missing argument 'SAMPLE_ID'"),
        (["offline", "s-1", "--csv", "--json"], 2, "give one of them"),
    ],
)
def test_what_is_wrong(look, arguments, code, text) -> None:
    """A message and the exit code; no traceback."""
    outcome = look("runs", "steps", *arguments)
    assert (code, "") == (outcome.code, outcome.out)
    assert text in outcome.err
    assert "Traceback" not in outcome.err


def test_figures_that_json_has_no_word_for(program, tmp_path, monkeypatch) -> None:
    """NaN and the infinities become null: the document is one that every reader takes."""
    from dataclasses import replace

    from tests.helpers import readback

    monkeypatch.chdir(tmp_path)
    recorder = readback.recorder_of(tmp_path / "vreason-journal")
    recorder.on_steps([replace(records.steps("s-1", 1)[0], loss=float("nan"), grad_norm=float("inf"))])
    recorder.on_sample(records.sample("s-1", records.steps("s-1", 1)))
    recorder.finish("FINISHED")
    out = program("runs", "steps", "v-reason", "s-1", "--json").out
    (step,) = json.loads(out, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))["steps"]
    assert (None, None) == (step["loss"], step["grad_norm"])
    assert "nan" in program("runs", "steps", "v-reason", "s-1").out
