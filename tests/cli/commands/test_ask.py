"""``vreason-track ask``: a reply on the terminal, as text for a pipe, or as JSON; and what is refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vreason.benchmarks import DemoBenchmark, Sample

PROGRAM = Path(sys.executable).with_name("vreason-track")


@pytest.fixture(scope="module")
def sample() -> Sample:
    return next(sample for sample in DemoBenchmark(limit=8).samples() if sample.options)


def test_through_a_pipe(sample: Sample) -> None:
    """Standard output has the reply and the answer alone, standard error the cost; no other library's bars."""
    options = [word for option in sample.options for word in ("--options", option)]
    done = subprocess.run(
        [PROGRAM, "ask", sample.video, sample.question, *options], capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout.startswith("<think>")
    assert done.stdout.endswith(f"</answer>\nanswer: {sample.answer}\n")
    assert "36 video tokens" in done.stderr
    assert 1 == len(done.stderr.splitlines()), done.stderr


def test_on_a_terminal(sample: Sample) -> None:
    """The entropy of the newest tokens stands below the reply."""
    import pty

    child, terminal = pty.fork()
    if child == 0:
        os.environ["COLUMNS"] = "120"
        os.execv(PROGRAM, [str(PROGRAM), "ask", sample.video, sample.question, "--variant", "baseline"])
    said = b""
    while True:
        try:
            part = os.read(terminal, 4096)
        except OSError:
            break
        said += part
    _, status = os.waitpid(child, 0)
    os.close(terminal)
    text = said.decode()
    assert 0 == os.waitstatus_to_exitcode(status), text
    assert "nats, token" in text
    assert "0 updates" in text
    assert "answer: " in text


def test_as_json(program: Callable[..., Any], sample: Sample) -> None:
    """Every part, with every step; the method's settings are the caller's."""
    done = program("ask", sample.video, "How many shapes are there?", "--type", "numerical", "--set", "controller.k=2", "--json")
    assert 0 == done.code, done.err
    told = json.loads(done.out)
    assert told["cost"]["output_tokens"] == len(told["steps"])
    assert [step["token_index"] for step in told["steps"] if step["updated"]][:2] == [2, 4]
    assert told["answer"] in "1234"


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["gone.mp4", "?"], 4, "gone.mp4: no such file"),
        (["gone.mp4", "?", "--set", "controller.lr=fast"], 2, "controller.lr"),
        (["gone.mp4", "?", "--set", "lr"], 2, "path=value"),
        (["gone.mp4", "?", "--variant", "v-raison"], 2, "v-raison"),
        (["gone.mp4", "?", "--model", "no/such/model"], 3, "no/such/model"),
        (["gone.mp4", "?", "--device", "tpu"], 2, "model.device"),
    ],
)
def test_what_is_refused(program: Callable[..., Any], arguments: list[str], code: int, told: str) -> None:
    """By name, with what to do."""
    done = program("ask", *arguments)
    assert code == done.code, done.err
    assert told in done.err
