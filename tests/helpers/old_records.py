"""Records that earlier versions left: a journal and an MLflow store each, unpacked to where a test wants them."""

from __future__ import annotations

import json
import sqlite3
import tarfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DATA = Path(__file__).parents[1] / "data"
MADE_IN = "/tmp/rec"
"""The folder where they were made; the journals say so still, and the stores until they are unpacked."""


@dataclass(frozen=True)
class OldRecord:
    """A record of an earlier version.

    Attributes:
        journal: its folder.
        uri: of the store.
    """

    journal: Path
    uri: str


def unpack(folder: Path, version: int = 1) -> OldRecord:
    """Unpack a record into `folder`. The store finds its artifacts there; the journal is as it was, and names the store's old place."""
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(_archive(version)) as archive:
        archive.extractall(folder, filter="data")
    with closing(sqlite3.connect(folder / "mlflow.db")) as connection, connection:
        for table, column in (("experiments", "artifact_location"), ("runs", "artifact_uri")):
            connection.execute(f"UPDATE {table} SET {column} = replace({column}, ?, ?)", [f"{MADE_IN}/", f"{folder}/"])
    return OldRecord(folder / "vreason-journal", f"sqlite:///{folder}/mlflow.db")


def manifests(version: int = 1) -> list[dict[str, Any]]:
    """The manifests (run.json) of a record's journal, as they are on disk."""
    with tarfile.open(_archive(version)) as archive:
        files = [archive.extractfile(member) for member in archive if member.name.endswith("/run.json")]
        return [json.load(file) for file in files if file is not None]


def _archive(version: int) -> Path:
    return DATA / f"record_v{version}.tar.xz"
