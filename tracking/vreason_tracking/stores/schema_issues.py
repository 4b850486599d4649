"""What is wrong with a database whose tables are another MLflow's, and what helps: an upgrade helps an older one only."""

from __future__ import annotations

import shlex
from typing import NamedTuple

from vreason_tracking.stores.mlflow_internals import known_schema_revisions, latest_schema_revision


class SchemaIssue(NamedTuple):
    """What is wrong, and what to do."""

    what: str
    hint: str


def schema_issue(revision: str | None, uri: str) -> SchemaIssue | None:
    """Why the installed MLflow cannot work with tables of this revision; None where it can, and where there are none yet.

    Args:
        revision: as the database names it; None where it names none.
        uri: of the database, for the advice, in which it stands with its password.
    """
    import mlflow

    latest, version = latest_schema_revision(), mlflow.__version__
    if revision in (None, latest):
        return None
    if revision in known_schema_revisions():
        what = f"its tables have MLflow's revision {revision}, and MLflow {version} needs {latest}"
        return SchemaIssue(what, f"back it up, then `mlflow db upgrade {shlex.quote(uri)}`")
    what = f"its tables have revision {revision}, which MLflow {version} does not know: a newer MLflow has made or upgraded them"
    hint = (
        f'an upgrade from here cannot help: install the MLflow that wrote it (`pip install "mlflow>{version}"`), or name another database'
    )
    return SchemaIssue(what, hint)
