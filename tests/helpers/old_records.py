"""The record that the first version left: a journal and an MLflow store, unpacked to where a test wants them."""

from __future__ import annotations

import sqlite3
import tarfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

ARCHIVE = Path(__file__).parents[1] / "data" / "record_v1.tar.xz"
MADE_IN = "/tmp/rec"
"""The folder where it was made; the journal says so still, and the store until it is unpacked."""


@dataclass(frozen=True)
class OldRecord:
    """A record of the first version: five runs of the demo, of which three reached the store, two of them to their end.

    Attributes:
        journal: its folder.
        uri: of the store.
    """

    journal: Path
    uri: str


def unpack(folder: Path) -> OldRecord:
    """Unpack it into `folder`. The store finds its artifacts there; the journal is as it was, and names the store's old place."""
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(folder, filter="data")
    with closing(sqlite3.connect(folder / "mlflow.db")) as connection, connection:
        for table, column in (("experiments", "artifact_location"), ("runs", "artifact_uri")):
            connection.execute(f"UPDATE {table} SET {column} = replace({column}, ?, ?)", [f"{MADE_IN}/", f"{folder}/"])
    return OldRecord(folder / "vreason-journal", f"sqlite:///{folder}/mlflow.db")
