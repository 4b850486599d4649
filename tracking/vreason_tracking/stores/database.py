"""Makes the MLflow database behind an address ready, whichever kind it is."""

from __future__ import annotations

from vreason.errors import TrackingError
from vreason_tracking.stores import postgres, sqlite
from vreason_tracking.stores.addresses import address_issue, normalised, sqlite_path


def prepare(uri: str) -> None:
    """Create or check the SQLite or PostgreSQL database behind `uri`; a server or another database looks after itself.

    MLflow migrates an empty one in a few seconds, and two processes that do so at once would get in each other's way: the second waits.

    Raises:
        TrackingUnavailableError: the database is unavailable or busy.
        TrackingError: it cannot be used; see `sqlite.prepare` and `postgres.prepare`.
    """
    uri = normalised(uri)
    if issue := address_issue(uri):
        raise TrackingError(issue)
    path = sqlite_path(uri)
    if path is not None:
        sqlite.prepare(uri, path)
    elif postgres.is_postgres(uri):
        postgres.prepare(uri)
