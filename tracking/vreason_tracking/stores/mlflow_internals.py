"""Every name of MLflow that is not part of its public interface and that we use all the same. No other file imports one.

`tests/tracking/stores/test_mlflow_internals.py` fails by name when one of them disappears or takes other arguments. When it does: read what
became of it in MLflow, fix the function here, and set `CHECKED_WITH`. MLflow takes most of a second to import, so each function does it.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

CHECKED_WITH = "3.17.2"
"""The version of MLflow that every function of this file was checked against."""

_DATABASE_LOG = "mlflow.store.db.utils"
_VARIABLE = "MLFLOW_TRACKING_URI"


def open_database(uri: str) -> None:
    """Have MLflow open its database behind an SQLAlchemy URL. It creates its tables in an empty one, and refuses those of another version.

    Uses `mlflow.tracking._tracking_service.utils._get_store`; checked with MLflow 3.17.2.

    Raises:
        Exception: MLflow's, SQLAlchemy's or the driver's.
    """
    from mlflow.tracking._tracking_service.utils import _get_store

    _get_store(uri)


def create_database(uri: str) -> None:
    """Have MLflow create its tables in a new file that is to be moved once it is whole: no connection to it is kept.

    Uses `mlflow.tracking._tracking_service.utils._get_store`, and `engine` of what that returns; checked with MLflow 3.17.2.

    Raises:
        Exception: MLflow's, SQLAlchemy's or the driver's.
    """
    from mlflow.tracking._tracking_service.utils import _get_store

    _get_store(uri).engine.dispose()


def silence_database_log() -> None:
    """Keep MLflow from logging the traceback of each error that its database gives; the error is raised as well.

    Uses the logger of `mlflow.store.db.utils`; checked with MLflow 3.17.2.
    """
    logging.getLogger(_DATABASE_LOG).setLevel(logging.CRITICAL)


def schema_revision(engine: Engine) -> str | None:
    """The revision that MLflow's tables in a database have; None where no revision is named, as in an empty database.

    Uses `mlflow.store.db.utils._get_schema_version`; checked with MLflow 3.17.2.

    Raises:
        sqlalchemy.exc.SQLAlchemyError: the database does not answer.
    """
    from mlflow.store.db.utils import _get_schema_version

    found = _get_schema_version(engine)
    return None if found is None else str(found)


def latest_schema_revision() -> str:
    """The revision that the installed MLflow needs. Asks no database.

    Uses `mlflow.store.db.utils._get_latest_schema_revision`; checked with MLflow 3.17.2.
    """
    from mlflow.store.db.utils import _get_latest_schema_revision

    return str(_get_latest_schema_revision())


def known_schema_revisions() -> frozenset[str]:
    """Every revision that the installed MLflow can migrate from, the latest among them. Asks no database.

    Uses `mlflow.store.db.utils._get_alembic_config`; checked with MLflow 3.17.2.
    """
    from alembic.script import ScriptDirectory
    from mlflow.store.db.utils import _get_alembic_config

    scripts = ScriptDirectory.from_config(_get_alembic_config(""))
    return frozenset(str(script.revision) for script in scripts.walk_revisions())


class ServerAnswer(NamedTuple):
    """What a tracking server answered: the HTTP status, and the body as text."""

    status: int
    text: str


def ask_server(uri: str, path: str, timeout: float) -> ServerAnswer:
    """GET a path of a tracking server, once, with the credentials and certificates that MLflow's environment variables name.

    Uses `mlflow.utils.credentials.get_default_host_creds` and `mlflow.utils.rest_utils.http_request`; checked with MLflow 3.17.2.

    Args:
        uri: of the server, without a slash at its end; may hold user and password.
        path: with a slash at its beginning, such as "/health".
        timeout: seconds.

    Raises:
        Exception: there was no answer. An answer with whatever status is returned.
    """
    from mlflow.utils.credentials import get_default_host_creds
    from mlflow.utils.rest_utils import http_request

    answer = http_request(get_default_host_creds(uri), path, "GET", max_retries=0, timeout=timeout, raise_on_status=False)
    return ServerAnswer(int(answer.status_code), str(answer.text))


def local_artifact_path(uri: str) -> Path | None:
    """The path of an artifact whose address is a path or a file: URI; None for one behind a server or in an object store.

    Uses `mlflow.utils.uri.is_local_uri` and `mlflow.utils.file_utils.local_file_uri_to_path`; checked with MLflow 3.17.2.

    Raises:
        mlflow.exceptions.MlflowException: a file: URI that names another machine.
    """
    from mlflow.utils.file_utils import local_file_uri_to_path
    from mlflow.utils.uri import is_local_uri

    return Path(local_file_uri_to_path(uri)) if is_local_uri(uri) else None


@contextmanager
def as_default_store(uri: str) -> Iterator[None]:
    """Let MLflow's own look-ups go to a store until the end of the block: its model registry asks the process's default store for the files
    of a logged model, whichever store the client was made for.

    Uses `mlflow.tracking._tracking_service.utils._use_tracking_uri`; checked with MLflow 3.17.2.
    """
    from mlflow.tracking._tracking_service.utils import _use_tracking_uri

    before = os.environ.get(_VARIABLE)
    try:
        with _use_tracking_uri(uri):
            yield
    finally:  # MLflow writes the variable, and forgets what it was
        if before is None:
            os.environ.pop(_VARIABLE, None)
        else:
            os.environ[_VARIABLE] = before
