"""vreason_tracking.stores.addresses: tracking addresses as MLflow takes them, and as they may be shown."""

from __future__ import annotations

import subprocess
import sys

import pytest

from vreason_tracking.stores.addresses import normalised, redact_password


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
