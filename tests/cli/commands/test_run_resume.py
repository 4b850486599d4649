"""vreason_cli.commands.run: `vreason-track run --resume`, `--offline` and `--journal`, and how a run that is told to stop ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from tests.helpers import readback, trials
from vreason_tracking.journal.folder import run_folders
from vreason_tracking.journal.reader import last_end
from vreason_tracking.running.recorder import RunRecorder

MODULES = """
import sys
from vreason_cli.main import main
try:
    main()
finally:
    print("mlflow" in sys.modules, file=sys.stderr)
"""


@pytest.fixture
def config(tmp_path, random_model_folder, tracking_uri):
    """Writes a config that names no database, and returns its path."""

    def write(**sections):
        path = tmp_path / "trial.yaml"
        path.write_text(trials.trial(**({"model": str(random_model_folder), "variants": trials.ONE} | sections)), encoding="utf-8")
        return path

    return write


def journals(folder):
    return list(run_folders(folder / "vreason-journal"))


@pytest.fixture
def killed(program, config, tmp_path):
    """A run that was killed after the first of three samples: the program's config, and the run."""
    path = config()
    assert 0 == program("run", "-c", path, "--offline").code
    (folder,) = journals(tmp_path)
    samples = 0
    for _, fragment in folder.fragments():
        if samples:
            fragment.unlink()
        samples += fragment.exists() and b'["sample"' in fragment.read_bytes()
    RunRecorder(folder).finish("KILLED", "in the test")
    return path, folder


def test_auto(program, killed, tmp_path) -> None:
    """The same command line with --resume auto does what is left, says so, and says the same once more when nothing is left."""
    path, folder = killed
    outcome = program("run", "-c", path, "--offline", "--resume", "auto")
    assert 0 == outcome.code, outcome.err
    assert f"v-reason: run {folder.run_id}, 1 sample(s) done before" in outcome.out
    assert 3 == len(readback.finished_samples(folder))
    again = program("run", "-c", path, "--offline", "--resume", "auto")
    assert 0 == again.code
    assert "v-reason: FINISHED, as an earlier call left it" in again.out
    assert 1 == len(journals(tmp_path))
    first, second = ([line for line in each.out.splitlines() if line.split()[:2] == ["v-reason", "3"]] for each in (outcome, again))
    assert first == second != []


@pytest.mark.parametrize("name", ["id", "beginning", "variant"])
def test_a_run_knows_its_config(program, killed, name, tmp_path) -> None:
    """Without --config a run is continued with what it was begun with, by its id, the beginning of it, or its variant's name."""
    path, folder = killed
    path.unlink()
    given = {"id": folder.run_id, "beginning": folder.run_id[:-1], "variant": "v-reason"}[name]
    outcome = program("run", "--resume", given)
    assert 0 == outcome.code, outcome.err
    assert (3, "FINISHED") == (len(readback.finished_samples(folder)), last_end(folder).status)
    assert "0 delivered" in outcome.out, "it was begun offline, and goes on so"


@pytest.mark.parametrize("arguments", [[], ["--resume", "auto"]])
def test_without_a_config(program, tracking_uri, arguments) -> None:
    """Only a run that is named has its own."""
    outcome = program("run", *arguments)
    assert (2, "") == (outcome.code, outcome.out)
    assert "--config" in outcome.err


def test_an_unknown_run(program, killed) -> None:
    """Exit code 5, what there is, no traceback."""
    _, folder = killed
    outcome = program("run", "--resume", "nothing")
    assert 5 == outcome.code
    assert f"error: no run 'nothing' in the journal {folder.path.parent}" in outcome.err
    assert folder.run_id in outcome.err
    assert "Traceback" not in outcome.err


@pytest.mark.parametrize("own_config", [True, False])
def test_a_change_is_refused(program, killed, own_config) -> None:
    """Exit code 5 and what differs; the run stays as it was."""
    path, folder = killed
    before = folder.fragments()
    arguments = ["-c", path, "--resume", "auto"] if own_config else ["--resume", folder.run_id]
    outcome = program("run", *arguments, "--offline", "--set", "seed=4", "--set", "variants.0.controller.k=2")
    assert 5 == outcome.code
    assert "seed: 0 when it was begun, 4 now" in outcome.err
    assert "method.controller.k: 4 when it was begun, 2 now" in outcome.err
    assert "Traceback" not in outcome.err
    assert before == folder.fragments()


def test_a_dry_run_of_it(program, killed) -> None:
    """It shows the configuration that would be run, and begins no session."""
    _, folder = killed
    before = folder.fragments()
    outcome = program("run", "--resume", folder.run_id, "--dry-run")
    assert (0, True) == (outcome.code, "name: trial" in outcome.out)
    assert before == folder.fragments()


def test_another_journal(program, config, tmp_path, monkeypatch) -> None:
    """Given on the command line, in the config or in the environment, in this order; --resume looks there too."""
    path = config(tracking={"journal": "of the config"})
    monkeypatch.setenv("VREASON_JOURNAL", str(tmp_path / "of the environment"))
    places = {"of the line": ["-c", path, "--journal", "of the line"], "of the config": ["-c", path]}
    for place, arguments in places.items():
        assert 0 == program("run", *arguments, "--offline", "--limit", 1).code
        assert 1 == len(list(run_folders(tmp_path / place))), place
    assert 0 == program("run", "-c", config(), "--offline", "--limit", 1).code
    (folder,) = run_folders(tmp_path / "of the environment")
    assert 0 == program("run", "--resume", folder.run_id).code
    assert 5 == program("run", "--resume", folder.run_id, "--journal", "of the line").code
    assert not (tmp_path / "vreason-journal").exists()


@pytest.mark.slow
def test_offline_imports_nothing_of_mlflow(config, tmp_path) -> None:
    """MLflow is not even loaded, and no database is made."""
    path = config()
    os.unlink(tmp_path / "mlflow.db")
    command = [sys.executable, "-c", MODULES, "run", "-c", str(path), "--offline", "--limit", "1"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert (0, "False") == (done.returncode, done.stderr.splitlines()[-1])
    assert not (tmp_path / "mlflow.db").exists()
    assert "vreason-track journal deliver" in done.stdout


@pytest.mark.parametrize(
    ("number", "code", "word"), [(signal.SIGTERM, 143, "terminated"), (signal.SIGINT, 130, "interrupted"), (signal.SIGHUP, 129, "up")]
)
def test_told_to_stop(program, config, tmp_path, number, code, word) -> None:
    """The exit code says by what, the table is printed, the run is KILLED with what was finished, and its continuation comes to the end."""
    path = config(generation={"max_new_tokens": 60, "min_new_tokens": 60}, data={"source": "demo", "limit": 12})
    before = {  # tests that run in the background ignore them
        signal.SIGINT: signal.signal(signal.SIGINT, signal.default_int_handler),
        signal.SIGHUP: signal.signal(signal.SIGHUP, signal.SIG_DFL),
    }

    def stop() -> None:
        end = time.monotonic() + 60
        while time.monotonic() < end and not any(readback.finished_samples(folder) for folder in journals(tmp_path)):
            time.sleep(0.01)
        os.kill(os.getpid(), number)

    watcher = threading.Thread(target=stop)
    watcher.start()
    try:
        outcome = program("run", "-c", path, "--offline")
    finally:
        watcher.join()
        for each, handler in before.items():
            signal.signal(each, handler)
    assert (code, word) == (outcome.code, outcome.err.split()[-1])
    assert "Traceback" not in outcome.err
    assert "v-reason (KILLED)" in outcome.out
    (folder,) = journals(tmp_path)
    assert ("KILLED", True) == (last_end(folder).status, 1 <= len(readback.finished_samples(folder)) < 12)
    assert 0 == program("run", "--resume", "v-reason").code
    assert (12, "FINISHED") == (len(readback.finished_samples(folder)), last_end(folder).status)


def test_retry_failed_alone(program, config) -> None:
    """It asks again what an earlier run could not: without naming one it means nothing."""
    outcome = program("run", "-c", config(), "--retry-failed")
    assert (2, "") == (outcome.code, outcome.out)
    assert "name that run with --resume, or --resume auto" in outcome.err
