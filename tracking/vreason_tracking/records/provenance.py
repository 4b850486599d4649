"""What a run was made with: code, versions, machine. Becomes tags of the run."""

from __future__ import annotations

import getpass
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from vreason_tracking.records.tags import GIT_COMMIT_TAG, GIT_DIRTY_TAG, HOST_TAG, PLATFORM_TAG, USER_TAG, VERSION_PREFIX

PACKAGES = ("vreason-track", "torch", "transformers", "mlflow", "decord", "numpy")


def git_tags(folder: Path) -> dict[str, str]:
    """Commit and dirty flag of the checkout that `folder` lies in; empty outside of one, or without git."""

    def ask(*arguments: str) -> str:
        return subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True, timeout=10).stdout.strip()

    try:
        return {GIT_COMMIT_TAG: ask("rev-parse", "HEAD"), GIT_DIRTY_TAG: str(bool(ask("status", "--porcelain"))).lower()}
    except (OSError, subprocess.SubprocessError):
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
    """Who runs this."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no entry for this user id, as in some containers
        return "unknown"
