"""What a run was made with: code, versions, machine. Becomes tags of the run."""

from __future__ import annotations

import getpass
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("vreason-track", "torch", "transformers", "mlflow", "decord", "numpy")


def git_tags(folder: Path) -> dict[str, str]:
    """Commit and dirty flag of the checkout that `folder` lies in; empty outside of one, or without git."""

    def ask(*arguments: str) -> str:
        return subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True, timeout=10).stdout.strip()

    try:
        return {"git.commit": ask("rev-parse", "HEAD"), "git.dirty": str(bool(ask("status", "--porcelain"))).lower()}
    except (OSError, subprocess.SubprocessError):
        return {}


def version_tags() -> dict[str, str]:
    """Versions of Python and of the packages that decide a result."""
    tags = {"version.python": platform.python_version()}
    for package in PACKAGES:
        try:
            tags[f"version.{package}"] = version(package)
        except PackageNotFoundError:
            tags[f"version.{package}"] = "not installed"
    return tags


def machine_tags() -> dict[str, str]:
    """Who and where."""
    return {"user": user_name(), "host": platform.node(), "platform": platform.platform()}


def user_name() -> str:
    """Who runs this."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no entry for this user id, as in some containers
        return "unknown"
