"""vreason_tracking.delivery.worker as a process: its signals, its politeness, what others see of it, and the end of its run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.helpers import readback
from vreason_tracking.delivery.checkpoint import read_delivered

pytestmark = pytest.mark.slow
PARENT = """
import sys, time
from pathlib import Path
from tests.helpers import readback
from vreason_tracking.delivery.background import BackgroundDelivery
root = Path(sys.argv[2])
recorder = readback.recorder_of(root)
delivery = BackgroundDelivery(sys.argv[1], "trial", root, print)
delivery.deliver(recorder.folder)
readback.answer(recorder, {"s-1": 4, "s-2": 4})
print(recorder.folder.path, delivery._process.pid, flush=True)
time.sleep(60)
"""


@pytest.fixture
def started(tmp_path):
    """Starts the process, tells it lines, and ends it at the end."""
    processes = []

    def start(uri, *lines, **environment):
        process = subprocess.Popen(
            [sys.executable, "-m", "vreason_tracking.delivery.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=tmp_path,
            env=os.environ | environment,
        )
        processes.append(process)
        for line in ({"uri": uri, "experiment": "trial", "root": str(tmp_path / "journal")}, *lines):
            process.stdin.write(json.dumps(line).encode() + b"\n")
        process.stdin.flush()
        return process

    yield start
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            stream.close()


def word(process) -> dict:
    """The next thing that it says."""
    return json.loads(process.stdout.readline())


def test_its_life(started, tracking_uri, tmp_path) -> None:
    """Ready; nicer than its run; deaf to signals that are meant for the run; at the end of its input it delivers what is left and goes."""
    recorder = readback.recorder_of(tmp_path / "journal")
    process = started(tracking_uri, {"deliver": str(recorder.folder.path)})
    assert "ready" == word(process)["state"]
    assert psutil.Process(process.pid).nice() >= min(10, psutil.Process().nice() + 10)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        process.send_signal(number)
    readback.answer(recorder)
    recorder.finish("FINISHED")
    process.stdin.close()
    assert 0 == process.wait(60), process.stderr.read()
    marks = read_delivered(recorder.folder.delivery_log)
    assert (3, "FINISHED") == (len(marks.samples), marks.status)


def test_no_password_to_be_seen(started, tmp_path) -> None:
    """It stands neither in the process list nor in the environment, nor in what the process says; a refusal has an exit code of its own."""
    process = started("gopher://me:s3cret@localhost")
    seen = psutil.Process(process.pid)
    assert "s3cret" not in " ".join([*seen.cmdline(), *(f"{name}={value}" for name, value in seen.environ().items())])
    told = word(process)
    assert ("refused", False) == (told["state"], "s3cret" in told["reason"])
    assert 5 == process.wait(60)
    assert b"s3cret" not in process.stderr.read()
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and b"s3cret" in path.read_bytes()]


def test_a_line_that_is_cut_off(started, tracking_uri) -> None:
    """Its run was killed in the middle of a word: that is an end like any other."""
    process = started(tracking_uri)
    process.stdin.write(b'{"deliver": "/tm')
    process.stdin.close()
    assert "ready" == word(process)["state"]
    assert 0 == process.wait(60), process.stderr.read()


def test_its_run_is_killed(tracking_uri, client, tmp_path) -> None:
    """kill -9 of the run's process: what it closed is delivered, the run says KILLED, and nothing is left running."""
    root = Path(__file__).parents[3]
    command = [sys.executable, "-c", PARENT, tracking_uri, str(tmp_path / "journal")]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(root)})
    path, pid = parent.stdout.readline().split()
    worker = psutil.Process(int(pid))
    log = Path(path) / "delivery.log"
    _until(lambda: read_delivered(log).samples)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    _until(lambda: not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE)
    marks = read_delivered(log)
    run = client.get_run(marks.run_id)
    assert ({"s-1", "s-2"}, "KILLED") == (set(marks.samples), run.info.status)
    assert f"process {parent.pid} on" in run.data.tags["error"]


def _until(true, seconds=60.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)
