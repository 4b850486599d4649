"""`vreason-track run` as a user starts it: a process of its own, a terminal, a server, Ctrl-C."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from mlflow import MlflowClient

from tests.helpers import trials
from tests.helpers.tracking_server import TrackingServer
from vreason_tracking.journal.folder import run_folders
from vreason_tracking.journal.reader import closed_samples

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
PROGRAM = [sys.executable, "-c", "from vreason_cli.main import main; main()"]
ONE = [{"name": "v-reason", "preset": "v-reason"}]


@pytest.fixture
def folder(tmp_path, tracking_uri, random_model_folder) -> Path:
    """A folder with a database and a config that does not name it."""
    (tmp_path / "trial.yaml").write_text(trials.trial(random_model_folder, variants=ONE))
    return tmp_path


def finished(folder, *arguments, **environment) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*PROGRAM, *arguments], cwd=folder, capture_output=True, text=True, timeout=800, env=os.environ | environment)


def runs_of(uri, kind):
    client = MlflowClient(uri)
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    return [run for run in client.search_runs(experiments) if run.data.tags["vreason.kind"] == kind]


def answered(folder) -> int:
    """Samples of the journal's runs that are done."""
    return sum(len(closed_samples(run)) for run in run_folders(folder / "vreason-journal"))


def samples_table(uri, run) -> list[str]:
    path = MlflowClient(uri).download_artifacts(run.info.run_id, "samples.parquet")
    return list(pq.read_table(path)["sample_id"].to_pylist())


def test_a_run_of_the_whole_program(folder, tracking_uri) -> None:
    """Without a tracking address it records in mlflow.db of its folder; `sample` then shows what it recorded."""
    done = finished(folder, "run", "--config", "trial.yaml", "--limit", "1")
    assert 0 == done.returncode, done.stderr
    assert "Traceback" not in done.stderr
    (run,) = runs_of(tracking_uri, "variant")
    assert ("v-reason", "FINISHED") == (run.info.run_name, run.info.status)
    shown = finished(folder, "sample", "v-reason")
    assert (0, "1 sample(s)") == (shown.returncode, shown.stdout.splitlines()[-1])


def test_ctrl_c(folder, tracking_uri, random_model_folder) -> None:
    """SIGINT in the middle: exit code 130, the run KILLED, the samples done in MLflow and in the tables; continued, all of them are."""
    generation = {"max_new_tokens": 120, "min_new_tokens": 120}
    data = {"source": "demo", "limit": 15}
    (folder / "trial.yaml").write_text(trials.trial(random_model_folder, variants=ONE, data=data, generation=generation))
    process = subprocess.Popen(
        [*PROGRAM, "run", "-c", "trial.yaml"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # tests that run in the background ignore it, and hand that down
    )
    _until(lambda: answered(folder) >= 2, process)  # delivered they are later: delivery waits for an idle processor
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=300)
    assert 130 == process.returncode, err
    assert "Traceback" not in err
    assert "v-reason (KILLED)" in out
    (run,) = runs_of(tracking_uri, "variant")
    assert "KILLED" == run.info.status
    nested = runs_of(tracking_uri, "sample")
    assert {"FINISHED"} == {each.info.status for each in nested}
    table = samples_table(tracking_uri, run)
    assert 2 <= len(table) < 15
    assert {each.info.run_name for each in nested} == set(table)
    done = finished(folder, "run", "--resume", "v-reason")
    assert 0 == done.returncode, done.stderr
    (run,) = runs_of(tracking_uri, "variant")
    assert ("FINISHED", 15, 15) == (run.info.status, len(runs_of(tracking_uri, "sample")), len(set(samples_table(tracking_uri, run))))


def _until(reached, process, seconds=600) -> None:
    end = time.monotonic() + seconds
    while not reached():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.2)


def test_on_a_terminal(folder, tracking_uri) -> None:
    """A user at a terminal sees the bar reach the end, then the table; the exit code is 0."""
    master, slave = pty.openpty()
    environment = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE")}
    process = subprocess.Popen(
        [*PROGRAM, "run", "-c", "trial.yaml", "--limit", "2"],
        cwd=folder,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env=environment | {"TERM": "xterm", "COLUMNS": "150", "LINES": "40"},
    )
    os.close(slave)
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", _read(master, process))
    assert 0 == process.wait(60), text
    assert re.search(r"v-reason .*2/2 ", text)
    assert "mean accuracy, median tokens and times" in text


def _read(master, process) -> str:
    parts = []
    while True:
        ready, _, _ = select.select([master], [], [], 1.0)
        if ready:
            try:
                part = os.read(master, 1 << 16)
            except OSError:  # the other side is closed
                part = b""
            if not part:
                return b"".join(parts).decode()
            parts.append(part)
        elif process.poll() is not None:
            return b"".join(parts).decode()


@pytest.fixture
def server(tmp_path, mlflow_template) -> Iterator[TrackingServer]:
    (tmp_path / "server").mkdir()
    trials.copy_store(mlflow_template, tmp_path / "server")
    made = TrackingServer(tmp_path / "server")
    try:
        made.start()
        yield made
    finally:
        made.stop()


def test_a_server_and_its_password(folder, server) -> None:
    """A run records on a server as it does in a file; the password in the address is neither printed nor kept."""
    done = finished(folder, "run", "-c", "trial.yaml", "--limit", "1", "--set", f"tracking.uri={server.uri}")
    assert 0 == done.returncode, done.stderr
    (run,) = runs_of(server.uri, "variant")
    assert ("FINISHED", 1) == (run.info.status, len(runs_of(server.uri, "sample")))
    assert "s3cret" not in done.stdout + done.stderr
    client = MlflowClient(server.uri)
    assert "s3cret" not in Path(client.download_artifacts(run.info.run_id, "config.yaml")).read_text()
    assert [] == [value for value in [*run.data.params.values(), *run.data.tags.values()] if "s3cret" in value]


def test_a_server_that_dies(folder, server, random_model_folder) -> None:
    """It fails nothing: exit code 0, every answer recorded, and the end says what waits; `journal deliver` then brings it to the server."""
    generation = {"max_new_tokens": 100, "min_new_tokens": 100}
    data = {"source": "demo", "limit": 12}
    text = trials.trial(random_model_folder, server.uri, variants=ONE, data=data, generation=generation)
    (folder / "trial.yaml").write_text(text)
    process = subprocess.Popen([*PROGRAM, "run", "-c", "trial.yaml"], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    _until(lambda: runs_of(server.uri, "variant"), process)
    server.stop()
    out, err = process.communicate(timeout=300)
    assert 0 == process.returncode, err
    assert "Traceback" not in err
    assert "the tracking store is unavailable" in out
    assert re.search(r"points recorded, .* delivered to .*, [1-9][\d,]* waiting", out)
    assert "s3cret" not in out + err
    server.start()
    done = finished(folder, "journal", "deliver", MLFLOW_TRACKING_URI=server.uri)
    assert 0 == done.returncode, done.stderr
    (run,) = runs_of(server.uri, "variant")
    assert ("FINISHED", 12) == (run.info.status, len(runs_of(server.uri, "sample")))
    assert 12 == len(samples_table(server.uri, run))
