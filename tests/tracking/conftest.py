"""What the record's tests share: a store in a database of the test's own, and MLflow's client to read it back."""

from __future__ import annotations

import pytest
from mlflow import MlflowClient

from vreason_tracking.stores.mlflow_store import MlflowStore


@pytest.fixture
def store(tracking_uri: str) -> MlflowStore:
    return MlflowStore(tracking_uri, "trial")


@pytest.fixture
def client(tracking_uri: str) -> MlflowClient:
    return MlflowClient(tracking_uri)
