"""Output that cannot be written, and places that are not there: a run goes on, and no command ends in a traceback."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.forked_program import ROOT
from tests.integration.real_runs import finished_samples, make_place, only_run
from vreason_tracking.journal.reader import last_end

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.mark.parametrize("streams", ["closed", "broken", "full", "ascii"])
def test_a_run(program, tmp_path, mlflow_template, random_model_folder, streams) -> None:
    """It comes to its end, exit code 0, and is delivered, whatever becomes of what it says."""
    folder = tmp_path / "run"
    make_place(folder, mlflow_template, random_model_folder, None, 2, 8)
    child = program.start(folder, "run", "-c", "trial.yaml", streams=streams)
    assert 0 == child.wait(), child.text()
    run = only_run(folder)
    assert run is not None
    assert ("FINISHED", 2) == (getattr(last_end(run), "status", None), len(finished_samples(run)))
    assert "Traceback" not in child.text()


COMMANDS = {
    "runs list": ["runs", "list"],
    "runs show": ["runs", "show", "{run}"],
    "runs steps": ["runs", "steps", "{run}", "{sample}"],
    "sample": ["sample", "{run}", "{sample}"],
    "samples": ["samples", "{run}"],
    "compare": ["compare", "{run}", "{other}", "--no-log"],
    "compare --html": ["compare", "{run}", "{other}", "--no-log", "--html", "report.html"],
    "journal status": ["journal", "status"],
    "journal verify": ["journal", "verify"],
    "journal deliver": ["journal", "deliver"],
    "doctor": ["doctor"],
    "init": ["init"],
}


@pytest.fixture(scope="module")
def recorded(program, tmp_path_factory, mlflow_template, random_model_folder) -> Path:
    """A folder with a journal of two runs of one call, and their database."""
    folder = tmp_path_factory.mktemp("recorded") / "run"
    make_place(folder, mlflow_template, random_model_folder, None, 2, 8)
    for name in ("one", "two"):
        child = program.start(folder, "run", "-c", "trial.yaml", "--set", f"name={name}")
        assert 0 == child.wait(), child.text()
    return folder


@pytest.mark.parametrize(
    ("command", "streams"), [*((name, "ascii") for name in COMMANDS), ("journal deliver", "closed"), ("compare --html", "broken")]
)
def test_every_command(program, recorded, tmp_path, command, streams) -> None:
    """It does what it does, exit code 0."""
    folder = tmp_path / "copy"
    shutil.copytree(recorded, folder)
    runs = sorted(path.name for path in (folder / "vreason-journal").iterdir() if (path / "run.json").exists())
    names = {"run": runs[0], "other": runs[1], "sample": "demo-test-000-direction"}
    child = program.start(folder, *(word.format(**names) for word in COMMANDS[command]), streams=streams)
    assert 0 == child.wait(), child.text()
    assert "Traceback" not in child.text()
    if command == "compare --html":
        assert (folder / "report.html").stat().st_size > 10_000


NAMELESS = 54321
CAPABLE = ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]  # the tests' own Python may lie where only root may read


def nameless(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The program as a user id that has no name and no HOME, as `docker run --user` gives it."""
    become = ["setpriv", f"--reuid={NAMELESS}", f"--regid={NAMELESS}", "--clear-groups", *CAPABLE]
    command = [sys.executable, "-c", "from vreason_cli.main import main; main()", *arguments]
    own = {"PATH": os.environ["PATH"], "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
    return subprocess.run([*become, *command], cwd=folder, env=own | environment, capture_output=True, text=True, timeout=250)


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"), reason="only root can become a user without a name")
def test_no_home_and_no_name(tmp_path, mlflow_template, random_model_folder) -> None:
    """Clips go to a temporary folder, which a warning names; the run is recorded, delivered, and shows the user's number."""
    folder = tmp_path / "run"
    make_place(folder, mlflow_template, random_model_folder, None, 2, 8)
    for path in (folder, *folder.iterdir()):
        os.chown(path, NAMELESS, NAMELESS)
    (tmp_path / "temporary").mkdir()
    os.chown(tmp_path / "temporary", NAMELESS, NAMELESS)
    done = nameless(folder, "run", "-c", "trial.yaml", TMPDIR=str(tmp_path / "temporary"))
    assert 0 == done.returncode, done.stderr
    assert ", 0 waiting" in done.stdout
    assert "Traceback" not in done.stderr
    home = tmp_path / "temporary" / f"vreason-track-{NAMELESS}"
    assert (0o700, NAMELESS) == (home.stat().st_mode & 0o777, home.stat().st_uid)
    run = only_run(folder)
    assert run is not None
    assert f"uid-{NAMELESS}" == run.manifest.tags["user"]
