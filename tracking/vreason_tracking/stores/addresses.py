"""Tracking addresses as MLflow takes them, and as they may be shown. Imports nothing heavy."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from vreason.errors import TrackingError

DEFAULT_URI = "sqlite:///mlflow.db"
"""A file in the current folder, which is where a bare `mlflow ui` looks."""

POSTGRES = "postgresql+psycopg://"
"""With its driver: SQLAlchemy before 2.1 takes a bare `postgresql://` for psycopg2, later ones for psycopg 3, and none knows `postgres://`."""

_WORDS = ("databricks", "databricks-uc", "uc")
"""Addresses that are one word: MLflow asks the environment for the rest."""


def normalised(uri: str) -> str:
    """The address with PostgreSQL's driver named; others, and those that name one already, stay as they are."""
    return re.sub(r"^postgres(ql)?://", POSTGRES, uri.strip(), flags=re.IGNORECASE)


def redact_password(text: str) -> str:
    """A text as it may be printed or stored: the passwords of the addresses in it become three stars."""
    text = re.sub(r"(://[^\s:/@]*):(?!\d+/)\S*@", r"\1:***@", text)
    return re.sub(r"(?i)(password=)[^&\s]+", r"\1***", text)


def sqlite_path(uri: str) -> Path | None:
    """The file behind an address such as ``sqlite:///mlflow.db``; None for anything else, a database in memory among it."""
    found = re.fullmatch(r"sqlite(?:\+\w+)?:///([^?]*)(?:\?(.*))?", uri.strip(), re.IGNORECASE | re.DOTALL)
    if found is None or not found[1] or ":memory:" in found[1] or "mode=memory" in (found[2] or ""):
        return None
    return Path(found[1].removeprefix("file:"))


def address_issue(uri: str) -> str | None:
    """Why nothing can be kept at an address, and what to write instead; None where that is for the store to say.

    A database in memory is gone with its process, and ``sqlite:mlflow.db`` would be taken for a folder of this name.
    """
    uri = uri.strip()
    if not re.match(r"sqlite(\+\w+)?:", uri, re.IGNORECASE) or sqlite_path(uri) is not None:
        return None
    name = re.sub(r"^sqlite(\+\w+)?:/*", "", uri, flags=re.IGNORECASE).split("?")[0]
    if name in ("", ":memory:", "file::memory:") or "mode=memory" in uri:
        return f"{uri!r} is a database in memory, gone with its process; give a file, such as {DEFAULT_URI}"
    return f"{uri!r} is no address of a SQLite file; write sqlite:///{name}, or sqlite:////{name} for a path from the root"


def portable_uri(uri: str) -> str:
    """The address as a run's journal keeps it: without its password, and a file's path from the root, so that it is found from anywhere."""
    uri = normalised(uri)
    if path := sqlite_path(uri):
        before, file, after = re.split(r"(?<=:///)((?:file:)?[^?]+)", uri, maxsplit=1)
        prefix = "file:" if file.startswith("file:") else ""
        return f"{before}{prefix}{path.absolute()}{after}"
    if uri.lower().startswith("file:"):
        parts = urlsplit(uri)
        return uri if parts.netloc not in ("", "localhost") else Path(unquote(parts.path)).absolute().as_uri()
    if uri and uri not in _WORDS and (":" not in uri or uri.startswith((".", "/"))):
        return str(Path(uri).absolute())
    return redact_password(uri)


def resolved_uri(uri: str | None, environment: Mapping[str, str] = os.environ) -> str:
    """`uri`, else MLFLOW_TRACKING_URI, else a SQLite file in the current folder, which is where a bare `mlflow ui` looks.

    Raises:
        TrackingError: nothing can be kept there, for it is a database in memory.
    """
    named = environment.get("MLFLOW_TRACKING_URI", "").strip()
    found = normalised(uri or named or DEFAULT_URI)
    if issue := address_issue(found):
        raise TrackingError(issue if uri else f"MLFLOW_TRACKING_URI: {issue}")
    return found
