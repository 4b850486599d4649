"""The files that others' tools read (citation, security policy, editors, hooks, CI) say what is true of the project."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

import vreason

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def read_yaml(name: str):
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


def make_commands(target: str) -> list[str]:
    """What `make TARGET` would run, its environment taken for ready."""
    return dry_run("--assume-old=.venv/.ready", target)


def dry_run(*arguments: str, **environment: str) -> list[str]:
    """The commands that make prints with these arguments, whether or not the tests themselves were called by make."""
    outer = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES")
    inherited = {name: value for name, value in os.environ.items() if name not in outer}
    command = ["make", "--dry-run", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=inherited | environment, capture_output=True, text=True, timeout=60)
    assert 0 == done.returncode, done.stderr
    return done.stdout.splitlines()


def test_the_citation_is_of_this_version():
    """CITATION.cff has the package's version, licence and name."""
    citation = read_yaml("CITATION.cff")
    assert (vreason.__version__, PROJECT["license"], PROJECT["name"]) == (citation["version"], citation["license"], citation["title"])
    assert ("1.2.0", "software") == (citation["cff-version"], citation["type"])


def test_the_paper_is_to_be_cited():
    """The preferred citation is the paper as it was published; its preprint is among the references, with the same authors."""
    citation = read_yaml("CITATION.cff")
    paper, (preprint,) = citation["preferred-citation"], citation["references"]
    assert ("Video Reasoning without Training", 2026, 6250, 6260) == tuple(paper[name] for name in ("title", "year", "start", "end"))
    assert "CVPR 2026 Findings" == paper["collection-title"]
    assert paper["authors"] == preprint["authors"]
    assert ["arXiv:2510.17045"] == [each["value"] for each in preprint["identifiers"]]


def test_the_security_policy_names_the_supported_version():
    """The major version that gets fixes is the package's."""
    major = vreason.__version__.split(".")[0]
    assert f"| the newest release of {major}.x," in (ROOT / "SECURITY.md").read_text(encoding="utf-8")


def test_editors_wrap_where_ruff_does():
    """The line length is the same in .editorconfig and for ruff."""
    (length,) = re.findall(r"max_line_length = (\d+)", (ROOT / ".editorconfig").read_text(encoding="utf-8"))
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["ruff"]["line-length"] == int(length)


def test_the_hooks_are_make_lint():
    """A commit is checked by the commands of `make lint`, word for word, on the whole tree."""
    (repository,) = read_yaml(".pre-commit-config.yaml")["repos"]
    assert "local" == repository["repo"]
    assert make_commands("lint") == [hook["entry"] for hook in repository["hooks"]]
    assert [(False, "system")] * 4 == [(hook["pass_filenames"], hook["language"]) for hook in repository["hooks"]]


def test_make_format_formats():
    """`make format` writes what `make lint` checks."""
    assert [".venv/bin/ruff format .", ".venv/bin/ruff check --fix ."] == make_commands("format")


def test_the_workflow_runs_ci():
    """CI calls .ci/run and nothing else, on every Python that is promised from the oldest on, and may only read the repository."""
    workflow = read_yaml(".github/workflows/ci.yml")
    job = workflow["jobs"]["run"]
    assert [".ci/run"] == [step["run"] for step in job["steps"] if "run" in step]
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
    pythons = job["strategy"]["matrix"]["python"]
    assert ["3.11", "3.12", "3.13"] == pythons
    assert PROJECT["requires-python"] == f">={pythons[0]}"
    assert "python${{ matrix.python }}" == job["env"]["PYTHON"]
    assert {"contents": "read"} == workflow["permissions"]


def test_ci_takes_the_python_that_is_named():
    """PYTHON reaches make through .ci/run, and make makes the environment with it."""
    assert "export PYTHON=${PYTHON:-python3}" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "python3.12 -m venv .venv" == dry_run("--always-make", ".venv/.ready", PYTHON="python3.12")[0]


@pytest.mark.parametrize(("held", "named"), [("3.10", "3.11"), ("3.13", "3.12")])
def test_ci_refuses_an_environment_of_another_python(tmp_path, held, named):
    """Tests on a Python that was not asked for would pass for another one's: exit code 2, with both and what to do."""
    (tmp_path / ".ci").mkdir()
    (tmp_path / ".ci" / "run").write_bytes((ROOT / ".ci" / "run").read_bytes())
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    for path, version in ((tmp_path / ".venv" / "bin" / "python", held), (tmp_path / "another", named)):
        path.write_text(f"#!/bin/sh\necho Python {version}\n")
        path.chmod(0o755)
    command = ["bash", str(tmp_path / ".ci" / "run")]
    done = subprocess.run(command, env=os.environ | {"PYTHON": str(tmp_path / "another")}, capture_output=True, text=True, timeout=60)
    assert 2 == done.returncode
    assert f".venv was made with Python {held}" in done.stderr
    assert f"is Python {named}; run make clean first" in done.stderr
