"""MlflowStore.direct_uri: in a server's own process artifacts are reached where it keeps them, and nowhere beside."""

from __future__ import annotations

import pytest

from vreason.errors import TrackingError
from vreason_tracking.stores import MlflowStore


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("mlflow-artifacts:/1/r/artifacts/x", "/srv/artifacts/1/r/artifacts/x"),
        ("mlflow-artifacts://host:5000/1/x", "/srv/artifacts/1/x"),
        ("mlflow-artifacts:/a%20b/x", "/srv/artifacts/a b/x"),
        ("s3://bucket/x", "s3://bucket/x"),
        ("/elsewhere/x", "/elsewhere/x"),
    ],
)
def test_addresses(tracking_uri: str, uri: str, expected: str) -> None:
    """Only those by way of the server are its own, whatever host they name."""
    assert expected == MlflowStore(tracking_uri, None, artifacts="/srv/artifacts/").direct_uri(uri)
    assert uri == MlflowStore(tracking_uri, None).direct_uri(uri)


@pytest.mark.parametrize(
    "uri", ["mlflow-artifacts:/../etc/passwd", "mlflow-artifacts:/1/%2e%2e/%2e%2e/x", "mlflow-artifacts://h/a/../../x"]
)
def test_addresses_that_lead_out(tracking_uri: str, uri: str) -> None:
    """Are refused."""
    with pytest.raises(TrackingError, match="leads out of the place"):
        MlflowStore(tracking_uri, None, artifacts="/srv/artifacts").direct_uri(uri)
