"""The files that a model is loaded from, and their digests."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from vreason.errors import UnsupportedModelError

_LOADED = (".safetensors", ".bin", ".json", ".jinja", ".txt", ".model", ".py")
"""Endings of files that transformers reads of a model's folder; a read-me or a picture beside them is no part of the model."""


def model_folder(source: str, revision: str | None) -> Path:
    """The folder that a model is loaded from: itself, or its snapshot in the hub's cache.

    Args:
        source: a folder, or a repository of the hub whose files have been fetched.
        revision: of the repository.

    Raises:
        UnsupportedModelError: the cache does not have the repository.
    """
    if Path(source).is_dir():
        return Path(source)
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        return Path(snapshot_download(source, revision=revision, local_files_only=True))
    except LocalEntryNotFoundError as error:
        what = f"model {source!r} at revision {revision} is not in the hub's cache"
        raise UnsupportedModelError(f"{what}; load it once with a network, or register with --include-weights") from error


def file_digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every file that a model is loaded from, by its path in the folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix in _LOADED)
    return {path.relative_to(folder).as_posix(): sha256(path) for path in files if not _is_hidden(path, folder)}


def differing_files(folder: Path, expected: Mapping[str, str]) -> list[str]:
    """Names of the files that are not as expected, those that are not there among them."""
    return [name for name, digest in expected.items() if not (folder / name).is_file() or sha256(folder / name) != digest]


def sha256(path: Path) -> str:
    """The file's SHA-256, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_hidden(path: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(folder).parts)
