"""vreason_tracking.stores.addresses: tracking addresses as MLflow takes them, and as they may be shown."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from vreason.errors import TrackingError
from vreason_tracking.stores.addresses import address_issue, normalised, portable_uri, redact_password, resolved_uri


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("postgresql://u:p@h/db", "postgresql+psycopg://u:p@h/db"),
        ("postgres://u:p@h:5432/db?sslmode=require", "postgresql+psycopg://u:p@h:5432/db?sslmode=require"),
        ("PostgreSQL://h/db", "postgresql+psycopg://h/db"),
        (" postgresql:///db\n", "postgresql+psycopg:///db"),
        ("postgresql+psycopg://h/db", "postgresql+psycopg://h/db"),
        ("postgresql+psycopg2://h/db", "postgresql+psycopg2://h/db"),
        ("sqlite:///postgres://x.db", "sqlite:///postgres://x.db"),
        ("http://h:5000", "http://h:5000"),
        ("./mlruns", "./mlruns"),
    ],
)
def test_normalised(uri: str, expected: str) -> None:
    """PostgreSQL gets psycopg 3 for its driver, unless the address names one; everything else stays as it was written."""
    assert expected == normalised(uri)
    assert expected == normalised(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("postgresql+psycopg://u:secret@h:5432/db", "postgresql+psycopg://u:***@h:5432/db"),
        ("postgresql://u:s/e@c@h/db?x=1 failed", "postgresql://u:***@h/db?x=1 failed"),
        ("postgresql://u:secret@h:port/db", "postgresql://u:***@h:port/db"),
        ("mysql://h/db?user=u&password=secret&x=1", "mysql://h/db?user=u&password=***&x=1"),
        ("http://me:secret@127.0.0.1:1/api and http://you:secret@h", "http://me:***@127.0.0.1:1/api and http://you:***@h"),
        ("http://h:5000/a@b", "http://h:5000/a@b"),
        ("http://127.0.0.1:5000", "http://127.0.0.1:5000"),
        ("sqlite:////tmp/a@b:c.db", "sqlite:////tmp/a@b:c.db"),
        ("./mlruns", "./mlruns"),
    ],
)
def test_without_password(text: str, expected: str) -> None:
    """Passwords leave the addresses in a text, nothing else does."""
    assert expected == redact_password(text)


def test_nothing_heavy_is_imported() -> None:
    """Showing an address costs no import of a database library."""
    code = "import sys, vreason_tracking.stores.addresses; print('sqlalchemy' in sys.modules, 'mlflow' in sys.modules)"
    assert "False False\n" == subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize(
    ("uri", "kept"),
    [
        ("sqlite:///mlflow.db", "sqlite:////there/mlflow.db"),
        ("sqlite:///a b.db?timeout=5", "sqlite:////there/a b.db?timeout=5"),
        ("sqlite:////var/mlflow.db", "sqlite:////var/mlflow.db"),
        ("sqlite:///file:mlflow.db?uri=true", "sqlite:///file:/there/mlflow.db?uri=true"),
        ("databricks", "databricks"),
        ("databricks-uc", "databricks-uc"),
        ("uc", "uc"),
        ("databricks://profile", "databricks://profile"),
        ("uc:http://h", "uc:http://h"),
        ("arn:aws:sagemaker:eu-west-1:1:mlflow-tracking-server/x", "arn:aws:sagemaker:eu-west-1:1:mlflow-tracking-server/x"),
        ("mlruns", "/there/mlruns"),
        ("./a:b", "/there/a:b"),
        ("file:mlruns", "file:///there/mlruns"),
        ("file:./ml runs", "file:///there/ml%20runs"),
        ("file:///there/mlruns", "file:///there/mlruns"),
        ("file://host/mlruns", "file://host/mlruns"),
        ("http://me:secret@h:5000", "http://me:***@h:5000"),
        ("", ""),
    ],
)
def test_portable(uri, kept, monkeypatch) -> None:
    """Paths from the root, words and servers as they are: what is recorded offline is found again from any folder."""
    monkeypatch.setattr("os.getcwd", lambda: "/there")
    assert kept == portable_uri(uri)
    assert kept == portable_uri(kept)


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("sqlite://", "in memory"),
        ("sqlite:///", "in memory"),
        ("sqlite:///:memory:", "in memory"),
        ("sqlite+pysqlite://", "in memory"),
        ("sqlite:///file::memory:?cache=shared&uri=true", "in memory"),
        ("SQLite:///:memory:", "in memory"),
        ("sqlite:///file:x?mode=memory&uri=true", "in memory"),
        ("sqlite:mlflow.db", "write sqlite:///mlflow.db"),
        ("sqlite://mlflow.db", "write sqlite:///mlflow.db"),
        ("sqlite:/var/mlflow.db", "sqlite:////var/mlflow.db"),
    ],
)
def test_where_nothing_can_be_kept(uri, words) -> None:
    """It is refused before anything is computed, with what to write; whoever named it is said."""
    issue = address_issue(uri)
    assert issue is not None
    assert repr(uri) in issue
    assert words in issue
    with pytest.raises(TrackingError, match=f"^MLFLOW_TRACKING_URI: {re.escape(issue)}$"):
        resolved_uri(None, {"MLFLOW_TRACKING_URI": uri})
    with pytest.raises(TrackingError, match=f"^{re.escape(issue)}$"):
        resolved_uri(uri, {})


@pytest.mark.parametrize("uri", ["sqlite:///mlflow.db", "sqlite:////a/b.db", "databricks", "./mlruns", "http://h", "postgresql://h/db"])
def test_where_something_can_be_kept(uri) -> None:
    """Nothing is said of other addresses: that is for the store."""
    assert address_issue(uri) is None
