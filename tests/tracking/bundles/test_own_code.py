"""A bundle whose method is a function of the user's own: its code goes along, and is found by whoever has only the bundle."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import chdir
from pathlib import Path

import pytest

from tests.helpers import trials
from tests.helpers.bundle_world import BundleWorld
from tests.helpers.model_server import chat, data_uri, record, serving
from vreason.benchmarks import DemoBenchmark
from vreason.errors import ConfigError
from vreason_tracking.running import run_experiment
from vreason_tracking.settings import parse_settings

pytestmark = [pytest.mark.slow, pytest.mark.timeout(200)]
OWN = "import torch\n\n\ndef always_up(token, entropy, ema, peak):\n    return torch.ones_like(ema)\n"
METHOD = [{"name": "own", "preset": "v-reason", "controller": {"objective": "my_objective:always_up", "lr": 0.03}}]
_PREDICT = """
import json, sys, mlflow
model = mlflow.pyfunc.load_model("models:/own/1")
print(json.dumps(model.predict([json.loads(sys.argv[1])])[0]))
"""


@pytest.fixture(scope="module")
def world(mlflow_template: Path, tmp_path_factory: pytest.TempPathFactory) -> BundleWorld:
    """A run with such an objective, registered with its file; the module cannot be imported outside of its folder."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "my_objective.py").write_text(OWN)
    uri = trials.copy_store(mlflow_template, folder)
    config = trials.trial("demo", uri, variants=METHOD, data={"source": "demo", "limit": 1}, generation={"max_new_tokens": 48})
    with chdir(folder), pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        run_experiment(parse_settings(config))
        made = BundleWorld(folder, uri, folder / "vreason-journal")
        with pytest.raises(ConfigError, match="--code"):
            made.register("own", name="own")
        made.register("own", name="own", code_paths=[folder / "my_objective.py"])
    sys.modules.pop("my_objective", None)
    return made


def test_described_without_its_code(world: BundleWorld) -> None:
    """Showing it imports nothing."""
    bundle = world.registry.bundle(world.registry.find("own"))
    assert (("my_objective",), "my_objective:always_up") == (bundle.code, bundle.method["controller"]["objective"])


def test_loaded_elsewhere(world: BundleWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """MLflow finds the module in the bundle, in a process that has never seen the folder."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", world.uri)
    sample = DemoBenchmark(limit=1).samples()[0]
    command = [sys.executable, "-c", _PREDICT, json.dumps(record(sample))]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert 0 == done.returncode, done.stderr[-2000:]
    assert json.loads(done.stdout.splitlines()[-1])["error"] is None


def test_served_elsewhere(world: BundleWorld, tmp_path: Path) -> None:
    """So does our server."""
    sample = DemoBenchmark(limit=1).samples()[0]
    with serving(world, tmp_path, models=("own",)) as server:
        answer = server.post("/v1/chat/completions", {**chat(sample, data_uri(sample.video)), "model": "own"})
    assert 200 == answer.status, answer.body
