"""Checkpoints kept elsewhere, where whoever could change the log cannot reach them: a file, a git repository, or an address for a PUT."""

from __future__ import annotations

import subprocess
from pathlib import Path
from urllib.parse import urlsplit

from vreason.errors import TrackingError
from vreason_tracking.stores import redact_password

_TIMEOUT = 30  # seconds for a server or for git


def send_checkpoint(note: str, destination: str) -> str:
    """Keep a signed checkpoint.

    Args:
        note: the checkpoint.
        destination: the path of a file, which is appended to; `git:FOLDER`, a repository in which it is committed; or an http(s) address
            that takes a PUT.

    Returns:
        Where it is, without passwords.

    Raises:
        TrackingError: it was refused, with the reason.
    """
    if urlsplit(destination).scheme in ("http", "https"):
        return _put(note, destination)
    if destination.startswith("git:"):
        return _commit(note, Path(destination.removeprefix("git:")))
    path = Path(destination)
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(note + "\n")
    except OSError as error:
        raise TrackingError(f"{path}: the checkpoint cannot be written ({error.strerror}); name another file with --to") from error
    return str(path)


def read_kept(path: Path) -> list[str]:
    """The checkpoints of a file that `send_checkpoint` appended to.

    Raises:
        TrackingError: it cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise TrackingError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error}); name a file of checkpoints") from error
    notes, lines = [], [line for line in text.split("\n") if line]
    for index, line in enumerate(lines):
        if line.startswith("— ") and (index + 1 == len(lines) or not lines[index + 1].startswith("— ")):
            begin = index
            while begin and lines[begin - 1].startswith("— "):
                begin -= 1
            notes.append("\n".join(lines[max(begin - 3, 0) : begin]) + "\n\n" + "\n".join(lines[begin : index + 1]) + "\n")
    if not notes:
        raise TrackingError(f"{path}: holds no checkpoint; name the file that `audit checkpoint --to` wrote")
    return notes


def _put(note: str, address: str) -> str:
    import requests

    shown = redact_password(address).split("?")[0]
    try:
        answer = requests.put(address, data=note.encode(), headers={"content-type": "text/plain; charset=utf-8"}, timeout=_TIMEOUT)
    except requests.RequestException as error:
        raise TrackingError(f"{shown}: the checkpoint was not taken ({type(error).__name__}); check the address") from error
    if not answer.ok:
        raise TrackingError(f"{shown}: answers {answer.status_code} to a PUT; check the address, and whether it takes one")
    return shown


def _commit(note: str, folder: Path) -> str:
    file = folder / "audit-checkpoints.txt"
    if not folder.is_dir():
        raise TrackingError(f"{folder}: is no folder; name a git repository's with git:FOLDER")
    _git(folder, "rev-parse", "--is-inside-work-tree")
    try:
        with file.open("a", encoding="utf-8") as opened:
            opened.write(note + "\n")
    except OSError as error:
        raise TrackingError(f"{file}: the checkpoint cannot be written ({error.strerror})") from error
    _git(folder, "add", "--", file.name)
    _git(folder, "commit", "--quiet", "-m", f"Checkpoint of {note.splitlines()[0]} at {note.splitlines()[1]} entries", "--", file.name)
    return f"{file}, commit {_git(folder, 'rev-parse', '--short', 'HEAD')}"


def _git(folder: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, timeout=_TIMEOUT)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise TrackingError(f"git: {error}; install it, or name a file in its place") from error
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines() or ["it says nothing"]
        raise TrackingError(f"git {arguments[0]} in {folder}: {lines[0]}; name a folder of a repository, with a user set in it")
    return done.stdout.strip()
