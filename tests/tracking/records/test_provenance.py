"""vreason_tracking.records.provenance: what a run was made with."""

from __future__ import annotations

import os
import platform
import subprocess
import time
from importlib import metadata

import psutil
import pytest

from vreason_tracking.records import provenance
from vreason_tracking.records.provenance import git_tags, machine_tags, version_tags


def git(folder, *arguments):
    name = ("-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", "-C", folder, *name, *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def checkout(tmp_path):
    """A repository of one commit."""
    git(tmp_path, "init", "--quiet")
    (tmp_path / "file").write_text("one")
    git(tmp_path, "add", "file")
    git(tmp_path, "commit", "--quiet", "-m", "one")
    return tmp_path


def test_a_clean_checkout(checkout) -> None:
    """The commit is the one checked out, and nothing is dirty."""
    assert {"git.commit": git(checkout, "rev-parse", "HEAD"), "git.dirty": "false"} == git_tags(checkout)


def test_a_changed_file_is_dirty(checkout) -> None:
    """A change that is not committed is told, also to somebody who stands in a folder below."""
    (checkout / "file").write_text("two")
    (checkout / "below").mkdir()
    assert "true" == git_tags(checkout)["git.dirty"]
    assert git_tags(checkout) == git_tags(checkout / "below")


def test_outside_of_a_checkout(tmp_path) -> None:
    """No repository, no tags, no error."""
    assert {} == git_tags(tmp_path)


def test_without_git(checkout, monkeypatch) -> None:
    """A machine without git records what it can."""
    monkeypatch.setenv("PATH", str(checkout))
    assert {} == git_tags(checkout)


def no_git(folder, monkeypatch, script) -> None:
    """A program called git, in front of the real one."""
    (folder / "bin").mkdir()
    (folder / "bin" / "git").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "bin" / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}")


@pytest.mark.parametrize("script", ["printf '\\377\\376 not a commit'", "echo warning: something", "echo"])
def test_a_git_that_says_something_else(checkout, monkeypatch, script) -> None:
    """Bytes that are no text, or no commit's name: nothing is recorded, a warning names the folder, and the run goes on."""
    no_git(checkout, monkeypatch, script)
    with pytest.warns(RuntimeWarning, match=f"git in {checkout}: .* names no commit"):
        assert {} == git_tags(checkout)


def test_a_git_that_does_not_answer(checkout, monkeypatch) -> None:
    """It is waited for so long and no longer, and nothing that it has started is left behind."""
    monkeypatch.setattr(provenance, "GIT_SECONDS", 0.3)
    no_git(checkout, monkeypatch, f"sleep 300 & echo $! > {checkout / 'pid'}; wait")
    began = time.monotonic()
    with pytest.warns(RuntimeWarning, match="no answer within 0.3 s"):
        assert {} == git_tags(checkout)
    assert time.monotonic() - began < 5
    sleeper = int((checkout / "pid").read_text())
    end = time.monotonic() + 10
    while psutil.pid_exists(sleeper) and psutil.Process(sleeper).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < end


def test_names_of_files_that_are_no_text(checkout) -> None:
    """A file whose name is not UTF-8 makes the checkout dirty, and no error."""
    (checkout / os.fsdecode(b"\xff\xfe")).write_text("new")
    assert "true" == git_tags(checkout)["git.dirty"]


def test_versions_are_those_installed() -> None:
    """Python's version and that of each package that decides a result."""
    tags = version_tags()
    assert platform.python_version() == tags["version.python"]
    packages = ("vreason-track", "torch", "transformers", "mlflow", "decord", "numpy")
    assert {f"version.{name}": metadata.version(name) for name in packages} == {name: tags[name] for name in tags if "python" not in name}


def test_who_and_where() -> None:
    """User, host and platform are told."""
    assert {"user", "host", "platform"} == set(machine_tags())
    assert platform.node() == machine_tags()["host"]


def test_a_user_id_without_a_name(monkeypatch) -> None:
    """In a container whose user has no entry the run is recorded all the same."""
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 4_000_000_000)
    assert "uid-4000000000" == machine_tags()["user"]
