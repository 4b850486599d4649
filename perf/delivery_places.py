"""Where `delivery.py` delivers to: SQLite, PostgreSQL, and an `mlflow server` over HTTP, each empty, migrated, and gone afterwards.

PostgreSQL and the server are started by the doubles of the tests: how to run PostgreSQL as root and a server on a free port is worked out
there, and need not be worked out twice. That PostgreSQL runs without fsync; VREASON_TEST_POSTGRES names another one.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import bindparam, create_engine, text

sys.path.append(str(Path(__file__).parents[1]))  # for `tests`

from tests.helpers.postgres import running
from tests.helpers.tracking_server import TrackingServer
from vreason_tracking.records import SAMPLE_METRICS, STEP_METRICS
from vreason_tracking.stores import prepare


@dataclass(frozen=True)
class Place:
    """Where it goes: a tracking address, and the database behind it, to count in."""

    name: str
    uri: str
    database: str


@contextmanager
def open_place(name: str, folder: Path) -> Iterator[Place]:
    """An empty, migrated store."""
    folder.mkdir()
    if name == "postgres":
        with running() as databases:
            uri = databases.uri(databases.create())
            prepare(uri)
            yield Place(name, uri, uri)
        return
    file = f"sqlite:///{folder}/mlflow.db"
    prepare(file)
    if name == "sqlite":
        yield Place(name, file, file)
        return
    server = TrackingServer(folder)
    server.start()
    try:
        yield Place(name, server.uri, file)
    finally:
        server.stop()


def stored(database: str, experiment_id: str) -> int:
    """Points of steps and samples that the experiment's runs really hold."""
    query = "SELECT COUNT(*) FROM metrics JOIN runs USING (run_uuid) WHERE experiment_id = :experiment AND key IN :names"
    names = [metric.name for metric in (*STEP_METRICS, *SAMPLE_METRICS)]
    engine = create_engine(database)
    try:
        with engine.connect() as connection:
            bound = text(query).bindparams(bindparam("names", expanding=True))
            return int(connection.execute(bound, {"experiment": int(experiment_id), "names": names}).scalar_one())
    finally:
        engine.dispose()
