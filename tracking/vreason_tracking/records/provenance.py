"""What a run was made with: code, versions, machine. Becomes tags of the run."""

from __future__ import annotations

import getpass
import hashlib
import json
import os
import platform
import re
import signal
import subprocess
import warnings
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from vreason_tracking.records.tags import CROISSANT_TAG, GIT_COMMIT_TAG, GIT_DIRTY_TAG, HOST_TAG, PLATFORM_TAG, USER_TAG, VERSION_PREFIX

GIT_SECONDS = 5.0
_COMMIT = re.compile("[0-9a-f]{40}|[0-9a-f]{64}")
PACKAGES = ("vreason-track", "torch", "transformers", "mlflow", "decord", "numpy")


def git_tags(folder: Path) -> dict[str, str]:
    """Commit and dirty flag of the checkout that `folder` lies in; empty outside of one, or without git.

    A git that does not answer, or not with a commit's name, is warned about and left out: a run is not held up by it.
    """
    try:
        commit = _git(folder, "rev-parse", "HEAD")
        if commit is None:
            return {}
        if not _COMMIT.fullmatch(commit):
            raise ValueError(f"it says {commit[:60]!r}, which is no commit's name")
        changes = _git(folder, "status", "--porcelain")
    except (TimeoutError, ValueError) as fault:
        warnings.warn(f"git in {folder}: {fault}; the run's record names no commit", RuntimeWarning, stacklevel=2)
        return {}
    return {GIT_COMMIT_TAG: commit, **({} if changes is None else {GIT_DIRTY_TAG: str(bool(changes)).lower()})}


def _git(folder: Path, *arguments: str) -> str | None:
    """What git prints; None where there is no git, or it ends with a fault.

    Raises:
        TimeoutError: it does not answer, as on a file system that is away; it and what it started are ended.
    """
    command = ["git", "-C", str(folder), *arguments]
    try:
        git = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"},
            start_new_session=True,
        )
    except OSError:
        return None
    try:
        output, _ = git.communicate(timeout=GIT_SECONDS)
    except subprocess.TimeoutExpired:
        raise TimeoutError(f"no answer within {GIT_SECONDS:g} s") from None
    finally:
        if git.poll() is None:
            os.killpg(git.pid, signal.SIGKILL)
            git.wait()
        if git.stdout is not None:
            git.stdout.close()
    return output.decode(errors="replace").strip() if git.returncode == 0 else None


def croissant_tags(data_file: Path) -> dict[str, str]:
    """What the Croissant description beside a data file says of itself (mlcommons.org/croissant); empty where none lies there.

    It is `croissant.json`, or has the data file's own name before `.croissant.json`. One that cannot be read is warned about and left out.
    """
    for path in (data_file.with_name(f"{data_file.name.partition('.')[0]}.croissant.json"), data_file.with_name("croissant.json")):
        if not path.is_file():
            continue
        try:
            raw = path.read_bytes()
            told = json.loads(raw)
            if not isinstance(told, dict):
                raise ValueError("it is no JSON object")
        except (OSError, ValueError) as fault:
            warnings.warn(f"{path}: {fault}; the run's record names no Croissant description", RuntimeWarning, stacklevel=2)
            return {}
        found = {name: str(told[name])[:500] for name in ("name", "url", "version", "license") if isinstance(told.get(name), str)}
        return {CROISSANT_TAG: json.dumps({"file": path.name, "sha256": hashlib.sha256(raw).hexdigest(), **found}, ensure_ascii=False)}
    return {}


def version_tags() -> dict[str, str]:
    """Versions of Python and of the packages that decide a result."""
    tags = {VERSION_PREFIX + "python": platform.python_version()}
    for package in PACKAGES:
        try:
            tags[VERSION_PREFIX + package] = version(package)
        except PackageNotFoundError:
            tags[VERSION_PREFIX + package] = "not installed"
    return tags


def machine_tags() -> dict[str, str]:
    """Who and where."""
    return {USER_TAG: user_name(), HOST_TAG: platform.node(), PLATFORM_TAG: platform.platform()}


def user_name() -> str:
    """Who runs this: the name, or "uid-1000" where that user id has none, as in some containers."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid-{os.getuid()}"
