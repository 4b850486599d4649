"""docs/serving.md, followed: its ten commands in their order, its Python and openai examples, and its compose file."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.helpers.ports import free_port
from tests.helpers.waiting import wait_until
from vreason.benchmarks import DemoBenchmark
from vreason_cli.commands.model.serve import serve_command
from vreason_tracking.bundles.signing import sign, signature_fault

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "serving.md").read_text(encoding="utf-8")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


class Followed:
    """Whoever has typed the ten commands; the server still runs."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, 0
        self.told: list[str] = []
        shutil.copytree(ROOT / "configs", folder / "configs")
        shutil.copy(DemoBenchmark(limit=1).samples()[0].video, folder / "clip.mp4")
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        self.environment = {**os.environ, "PATH": path, "MLFLOW_TRACKING_URI": f"sqlite:///{folder / 'mlflow.db'}"}
        self.server: subprocess.Popen[bytes] | None = None

    def follow(self) -> None:
        for line in blocks("console")[0].splitlines():
            if line.startswith("vreason-track model serve"):
                self._serve(line)
            else:
                self.told.append(self.run(["bash", "-c", line.replace(":8000", f":{self.port}")]))

    def _serve(self, line: str) -> None:
        self.port = free_port()  # now, and not before: others take ports as well
        log = (self.folder / "serve.log").open("wb")
        command = line.replace("8000", str(self.port)).split()
        self.server = subprocess.Popen(command, cwd=self.folder, env=self.environment, stdout=log, stderr=log)
        wait_until(lambda: b"serving shapes@champion" in (self.folder / "serve.log").read_bytes() or self.server.poll() is not None, 120)
        assert self.server.poll() is None, (self.folder / "serve.log").read_text()
        self.told.append((self.folder / "serve.log").read_text())

    def run(self, command: list[str]) -> str:
        done = subprocess.run(command, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=200)
        assert 0 == done.returncode, (command, done.stdout[-1000:], done.stderr[-2000:])
        return done.stdout


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Followed]:
    made = Followed(tmp_path_factory.mktemp("serving"))
    try:
        made.follow()
        yield made
    finally:
        if made.server is not None:
            made.server.terminate()
            made.server.wait(60)


def test_ten_commands(followed: Followed) -> None:
    """Each ends with 0 and says what the text says; the last one is answered by the served alias."""
    assert 10 == len(followed.told) == len(blocks("console")[0].splitlines())
    run, compare, first, verified, second, differing, promoted, listed, served, asked = followed.told
    assert "12" in run
    assert "Accuracy" in compare
    assert "shapes/1 @champion" in first
    assert "token by token" in verified
    assert "shapes/2: v-reason-lite" in second
    assert "method.pruning" in differing
    assert "shapes@candidate is shapes/2" in promoted
    assert "@candidate" in listed
    assert "serving shapes@champion, shapes@candidate" in served
    assert '"finish_reason":"stop"' in asked


@pytest.mark.parametrize("number", [0, 1])
def test_python(followed: Followed, number: int) -> None:
    """Both programs run as they stand."""
    code = blocks("python")[number].replace("127.0.0.1:8000", f"127.0.0.1:{followed.port}")
    told = followed.run([sys.executable, "-c", code])
    assert re.match(r"[A-D] ", told), told


def test_keys(tmp_path: Path) -> None:
    """The two commands make a key that signs and one that verifies."""
    for line in blocks("console")[1].splitlines():
        subprocess.run(["bash", "-c", line], cwd=tmp_path, check=True, capture_output=True)
    (tmp_path / "model").mkdir()
    sign(tmp_path / "model", tmp_path / "team.pem")
    assert signature_fault(tmp_path / "model", tmp_path / "team.pub") is None


def test_compose_file(tmp_path: Path) -> None:
    """It is YAML, and our program takes its command."""
    (tmp_path / "tokens").write_text("x" * 32 + "\n")
    program, *words = yaml.safe_load(blocks("yaml")[0])["services"]["shapes"]["command"].split()
    words[words.index("--token-file") + 1] = str(tmp_path / "tokens")
    assert ("vreason-track", ["model", "serve"]) == (program, words[:2])
    taken = serve_command.make_context("serve", words[2:]).params
    assert (("shapes@champion",), "0.0.0.0", 30.0, True) == tuple(taken[name] for name in ("models", "host", "watch", "record"))


def test_every_page_and_field_is_there() -> None:
    """The tables name the fields of an answer, the pages of the server, and no other."""
    from vreason_tracking.bundles.answers import FIELDS
    from vreason_tracking.serving.chat_request import MethodFields

    assert [] == [name for name in FIELDS if f"`{name}`" not in TEXT]
    assert [] == [name for name in MethodFields.model_fields if f"`{name}`" not in TEXT]
