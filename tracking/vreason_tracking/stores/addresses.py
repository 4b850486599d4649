"""Tracking addresses as MLflow takes them, and as they may be shown. Imports nothing heavy."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

DEFAULT_URI = "sqlite:///mlflow.db"
"""A file in the current folder, which is where a bare `mlflow ui` looks."""

POSTGRES = "postgresql+psycopg://"
"""With its driver: SQLAlchemy before 2.1 takes a bare `postgresql://` for psycopg2, later ones for psycopg 3, and none knows `postgres://`."""


def normalised(uri: str) -> str:
    """The address with PostgreSQL's driver named; others, and those that name one already, stay as they are."""
    return re.sub(r"^postgres(ql)?://", POSTGRES, uri.strip(), flags=re.IGNORECASE)


def redact_password(text: str) -> str:
    """A text as it may be printed or stored: the passwords of the addresses in it become three stars."""
    text = re.sub(r"(://[^\s:/@]*):(?!\d+/)\S*@", r"\1:***@", text)
    return re.sub(r"(?i)(password=)[^&\s]+", r"\1***", text)


def portable_uri(uri: str) -> str:
    """The address as a run's journal keeps it: without its password, and a file's path from the root, so that it is found from anywhere."""
    uri = normalised(uri)
    if found := re.fullmatch(r"(sqlite(?:\+\w+)?:///)(?!/|:memory:)([^?]+)(.*)", uri):
        return f"{found[1]}{Path(found[2]).absolute()}{found[3]}"
    if "://" not in uri and uri:
        return str(Path(uri).absolute())
    return redact_password(uri)


def resolved_uri(uri: str | None, environment: Mapping[str, str] = os.environ) -> str:
    """`uri`, else MLFLOW_TRACKING_URI, else a SQLite file in the current folder, which is where a bare `mlflow ui` looks."""
    return normalised(uri or environment.get("MLFLOW_TRACKING_URI") or DEFAULT_URI)
