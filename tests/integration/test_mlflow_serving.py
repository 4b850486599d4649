"""`mlflow models serve` on a bundle, as it is: over HTTP, with clients at once, and no path taken from a client."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.bundle_world import BundleWorld
from tests.helpers.model_server import data_uri, record
from tests.helpers.ports import free_port
from tests.helpers.waiting import wait_until
from vreason.benchmarks import DemoBenchmark, Sample

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def asked() -> list[Sample]:
    return list(DemoBenchmark(limit=4).samples())


@pytest.fixture(scope="module")
def url(bundles: BundleWorld, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """MLflow's own server, in this environment, pickles forbidden."""
    port, folder = free_port(), tmp_path_factory.mktemp("mlflow-serve")
    environment = {**os.environ, "MLFLOW_TRACKING_URI": bundles.uri, "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false"}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    command = [
        sys.executable,
        "-m",
        "mlflow",
        "models",
        "serve",
        "-m",
        "models:/shapes@champion",
        "--env-manager",
        "local",
        "-p",
        str(port),
    ]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, env=environment, start_new_session=True)
    try:
        wait_until(lambda: _status(f"http://127.0.0.1:{port}/ping") == 200 or process.poll() is not None, 120)
        assert process.poll() is None, (folder / "log").read_text()[-2000:]
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, 15)
        process.wait(30)


def _status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return int(answer.status)
    except OSError:
        return 0


def ask(url: str, data: Any) -> tuple[int, Any]:
    request = urllib.request.Request(f"{url}/invocations", json.dumps(data).encode(), {"content-type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def test_clients_at_once(url: str, asked: list[Sample]) -> None:
    """Eight calls at a time, each is answered as by itself."""
    rows = [record(sample, video=data_uri(sample.video)) for sample in asked]
    alone = [ask(url, {"dataframe_records": [row]})[1]["predictions"][0]["output"] for row in rows]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda place: ask(url, {"dataframe_records": [rows[place % 4]]}), range(8)))
    assert [(200, alone[place % 4]) for place in range(8)] == [(status, body["predictions"][0]["output"]) for status, body in found]
    assert [sample.answer for sample in asked] == [ask(url, {"dataframe_records": [row]})[1]["predictions"][0]["answer"] for row in rows]


def test_parameters_and_bad_records(url: str, asked: list[Sample]) -> None:
    """Parameters arrive; a bad record has its own error; a wrong parameter is the call's."""
    row = record(asked[0], video=data_uri(asked[0].video))
    status, body = ask(url, {"dataframe_records": [row, {"question": "q", "video": "/etc/passwd"}], "params": {"max_new_tokens": 4}})
    good, bad = body["predictions"]
    assert (200, 4, True) == (status, good["tokens"], good["truncated"])
    assert "paths are not taken here" in bad["error"]
    status, body = ask(url, {"dataframe_records": [row], "params": {"controller.k": 999}})
    assert 400 == status
    assert "controller.k: 999 is outside of 1 to 64" in body["message"]
