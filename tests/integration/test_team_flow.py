"""A team's whole way on one server: two people, a run that is killed and continued, a comparison, a model that is served, and the proof.

Every step is the program in a process of its own, as its users call it; at the end a folder with nothing but an export and a public key.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.helpers.model_server import chat
from tests.helpers.ports import free_port, wait_until
from tests.helpers.team_server import PASSWORDS, Team
from vreason.benchmarks import DemoBenchmark

pytestmark = pytest.mark.slow

PROGRAM = str(Path(sys.executable).with_name("vreason-track"))
SAMPLES = 6


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    """A server with Ada, an admin, and Bob, an editor."""
    made = Team(tmp_path_factory.mktemp("team"))
    made.server.start()
    yield made
    made.server.stop()


def config(folder: Path, name: str) -> Path:
    """A small experiment of the demo."""
    folder.mkdir(exist_ok=True)
    told = {
        "name": name,
        "model": {"id": "demo"},
        "variants": [
            {"name": "baseline", "preset": "baseline"},
            {"name": "v-reason", "preset": "v-reason", "controller": {"lr": 0.03}},
        ],
        "data": {"source": "demo", "limit": SAMPLES},
        "video": {"nframes": 8},
        "generation": {"max_new_tokens": 48},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(told))
    return folder / "config.yaml"


def environment(team: Team, user: str, folder: Path) -> dict[str, str]:
    """Of somebody's machine: their journal, and the server with their password."""
    mine = {"MLFLOW_TRACKING_URI": team.address, "MLFLOW_TRACKING_USERNAME": user, "MLFLOW_TRACKING_PASSWORD": PASSWORDS[user]}
    return os.environ | mine | {"VREASON_JOURNAL": str(folder / "journal"), "OMP_NUM_THREADS": "1"}


def call(team: Team, user: str, folder: Path, *arguments: object) -> str:
    """The program as somebody calls it; it ends well. What it printed."""
    done = subprocess.run(
        [PROGRAM, *map(str, arguments)],
        cwd=folder,
        env=environment(team, user, folder),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert 0 == done.returncode, f"{arguments}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def killed(team: Team, user: str, folder: Path, config: Path) -> None:
    """A run that dies in the midst of its samples."""
    process = subprocess.Popen(
        [PROGRAM, "run", "--config", str(config)],
        cwd=folder,
        env=environment(team, user, folder),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )

    def some_samples() -> bool:
        begun = [len(list(run.glob("*.journal"))) for run in (folder / "journal").glob("*/")]
        return len(begun) == 2 and min(begun) >= 3

    wait_until(some_samples, lambda: process.poll() is None, 120, lambda: "")
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@pytest.fixture(scope="module")
def runs(team: Team) -> dict[str, list[dict[str, Any]]]:
    """Ada's runs, the first call of which was killed, and Bob's, at the same time."""
    ada, bob = team.folder / "ada", team.folder / "bob"
    configs = config(ada, "of-ada"), config(bob, "of-bob")
    killed(team, "ada", ada, configs[0])
    beside = subprocess.Popen(
        [PROGRAM, "run", "--config", str(configs[1])],
        cwd=bob,
        env=environment(team, "bob", bob),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    call(team, "ada", ada, "run", "--resume", "auto", "--config", configs[0])
    told, _ = beside.communicate(timeout=240)
    assert 0 == beside.returncode, told
    found = json.loads(team.get("/vreason/api/runs"))["runs"]
    return {name: [run for run in found if run["config"] == name] for name in ("of-ada", "of-bob")}


def test_recorded(team: Team, runs: dict[str, list[dict[str, Any]]]) -> None:
    """Four finished runs with every sample once, killed or not; each change was asked for by its own user."""
    for name, user in (("of-ada", "ada"), ("of-bob", "bob")):
        assert ["FINISHED"] * 2 == [run["status"] for run in runs[name]]
        assert [SAMPLES] * 2 == [run["samples_done"] for run in runs[name]]
        for run in runs[name]:
            entries = json.loads(team.get(f"/vreason/api/runs/{run['id']}/timeline"))["entries"]
            requests = [entry for entry in entries if entry["action"].startswith("mlflow.")]
            assert requests
            assert {user} == {entry["actor"] for entry in requests}
            local = [entry["action"] for entry in reversed(entries) if entry["action"].startswith("local.run.")]
            continued = ["local.run.reaped", "local.run.resumed"] if user == "ada" else []
            assert ["local.run.started", *continued, "local.run.finished"] == local, (
                "what only the machine that ran it could tell was handed over"
            )
    assert {run["accuracy"] for run in runs["of-ada"]} == {run["accuracy"] for run in runs["of-bob"]}


def test_compared(team: Team, runs: dict[str, list[dict[str, Any]]]) -> None:
    """Bob compares Ada's runs, which he has no journal of; the report is on the server's page, whole."""
    wanted = [run["id"] for run in sorted(runs["of-ada"], key=lambda run: str(run["variant"]))]
    call(team, "bob", team.folder / "bob", "compare", *wanted)
    (report,) = json.loads(team.get("/vreason/api/reports"))
    assert wanted == report["run_ids"]
    assert b'<h2 id="accuracy">' in team.get(f"/vreason/reports/{report['id']}/page")


def test_registered_and_promoted(team: Team, runs: dict[str, list[dict[str, Any]]]) -> None:
    """Ada registers a run and lets the alias point at it; the model's timeline has both, by her name."""
    (run,) = [run for run in runs["of-ada"] if run["variant"] == "v-reason"]
    call(team, "ada", team.folder / "ada", "model", "register", run["id"], "--name", "shapes")
    call(
        team,
        "ada",
        team.folder / "ada",
        "model",
        "promote",
        "shapes/1",
        "champion",
        "--require",
        "accuracy >= 0",
        "--reason",
        "the best so far",
    )
    entries = json.loads(team.get("/vreason/api/audit/entries?subject=model:shapes*"))["entries"]
    asked = {entry["action"] for entry in entries if entry["actor"] == "ada" and entry["outcome"] == "done"}
    assert {"mlflow.registered-models.create", "mlflow.model-versions.create", "mlflow.registered-models.alias"} <= asked


def test_the_card_of_what_was_registered(team: Team) -> None:
    """On the server's pages: the card is the one that was stored, with who moved the alias and why; two cards differ and are compared."""
    told = json.loads(team.get("/vreason/api/cards/shapes/champion"))
    assert ("shapes", "1", ["champion"], []) == tuple(told["card"][name] for name in ("name", "version", "aliases", "stale"))
    assert told["proved"]["same"], "by what Ada's journal entered, and handed over"
    history = json.loads(team.get("/vreason/api/cards/shapes"))["entries"]
    (moved,) = [entry for entry in history if entry["action"] == "local.alias.moved"]
    assert ("ada", "the best so far", "champion") == (moved["actor"], moved["reason"], moved["details"]["entry"]["details"]["alias"])
    assert "<td>champion</td>" in team.get("/vreason/cards/shapes").decode()
    call(team, "ada", team.folder / "ada", "model", "register", "baseline", "--name", "shapes", "--skip-example", "--force", "to compare")
    wait_until(lambda: "shapes/2" in team.get("/vreason/cards").decode(), lambda: True, 30, lambda: "")
    assert json.loads(team.get("/vreason/api/cards/shapes/2"))["proved"]["same"], "what was registered is handed over at once"
    page = team.get("/vreason/card-difference?one=shapes/2&other=shapes/1").decode()
    assert "controller.lr" in page
    assert "v-reason: " in page
    assert "raw samples of both are not at hand" not in page, "they are read where the server keeps them, and not by way of it"
    assert b"<svg" in team.get("/vreason/cards/shapes/1/badge.svg?figure=state")


def test_served(team: Team) -> None:
    """Bob serves what Ada has promoted, from the server alone, and it answers."""
    bob, port = team.folder / "bob", free_port()
    (sample,) = DemoBenchmark(limit=1).samples()
    command = [PROGRAM, "model", "serve", "shapes@champion", "--port", str(port), "--video-root", str(Path(sample.video).parent)]
    with (bob / "serve.log").open("w") as log:
        server = subprocess.Popen(command, cwd=bob, env=environment(team, "bob", bob), stdout=log, stderr=log)
    try:
        wait_until(lambda: ready(port), lambda: server.poll() is None, 240, (bob / "serve.log").read_text)
        body = chat(sample)
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/v1/chat/completions", json.dumps(body).encode(), {"content-type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=120) as answer:
            told = json.load(answer)
        assert str(sample.answer) in told["choices"][0]["message"]["content"]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/models", timeout=10) as answer:
            assert "shapes/1" == json.load(answer)["data"][0]["vreason"]["version"]
    finally:
        server.send_signal(signal.SIGTERM)
        assert 0 == server.wait(60)


def ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def test_proved_elsewhere(team: Team, runs: dict[str, list[dict[str, Any]]], tmp_path: Path) -> None:
    """A folder with an export and the public key is enough to know that nothing was changed, and one changed letter to know that it was."""
    time.sleep(0.5)
    team.log().sign(team.key)
    (tmp_path / "trail.jsonl").write_bytes(team.get("/vreason/api/audit/export"))
    shutil.copy(team.public_key, tmp_path / "key.pub")
    bare = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    command = [PROGRAM, "audit", "verify", "trail.jsonl", "--public-key", "key.pub"]
    done = subprocess.run(command, cwd=tmp_path, env=bare, capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stdout + done.stderr
    assert "all as they were entered" in done.stdout
    lines = (tmp_path / "trail.jsonl").read_bytes().splitlines(keepends=True)
    place = next(number for number, line in enumerate(lines) if b'"actor":"bob"' in line)
    lines[place] = lines[place].replace(b'"actor":"bob"', b'"actor":"eve"')
    (tmp_path / "trail.jsonl").write_bytes(b"".join(lines))
    done = subprocess.run(command, cwd=tmp_path, env=bare, capture_output=True, text=True, check=False)
    assert 1 == done.returncode
    assert f"entry {place - 1} " in done.stdout + done.stderr
