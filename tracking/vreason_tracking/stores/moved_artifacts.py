"""Artifacts of an SQLite store whose project folder has moved: MLflow keeps their folder's path from the root, and would make it again.

Looks at columns of MLflow's tables, for MLflow offers no way to change them; `_COLUMNS` names all that hold such a path.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from vreason_tracking.stores.mlflow_internals import local_artifact_path

_log = logging.getLogger(__name__)

_COLUMNS = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)
_TIMEOUT = 30  # seconds that a database which somebody writes to is waited for


def follow_the_database(path: Path) -> list[tuple[str, str]]:
    """Have artifacts whose folder, and the folder around it, are gone be looked for, and written, beside the database.

    Nothing is done where either folder is there: the database was copied, or its artifacts were always elsewhere.

    Args:
        path: of the SQLite file. MLflow must not be at work on it in this process yet.

    Returns:
        The folders' paths before and now.

    Raises:
        sqlite3.Error: the database cannot be read or written.
    """
    moved = []
    with closing(sqlite3.connect(path, timeout=_TIMEOUT)) as connection, connection:
        for before in sorted(set(_gone(connection))):
            now = str(path.absolute().parent / Path(before).name)
            for table, column in _COLUMNS:
                connection.execute(
                    f"UPDATE {table} SET {column} = replace({column}, ?, ?) WHERE {column} LIKE ? OR {column} LIKE ?",
                    (before + "/", now + "/", f"{before}/%", f"file://{before}/%"),
                )
            moved.append((before, now))
            _log.warning("%s: the artifacts' folder %s is gone with the folder around it; they are looked for in %s", path, before, now)
    return moved


def _gone(connection: sqlite3.Connection) -> Iterator[str]:
    """Folders of artifacts that are not there, nor the folder around them."""
    for (location,) in connection.execute("SELECT artifact_location FROM experiments WHERE artifact_location IS NOT NULL"):
        try:
            place = local_artifact_path(str(location))
        except Exception:  # MLflow's own: an address of another machine
            continue
        if place is not None and place.is_absolute() and not place.parent.parent.exists():
            yield str(place.parent)


def beside(database: Path, artifact: Path) -> Path:
    """Where an artifact of a run lies if its folder has moved with the database: .../mlruns/EXPERIMENT/RUN/artifacts/NAME."""
    parts = artifact.parts
    start = max((index for index, part in enumerate(parts) if part == "artifacts"), default=0) - 3
    return database.absolute().parent.joinpath(*parts[start:]) if start > 0 else artifact
