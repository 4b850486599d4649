"""Pages over a store with two runs, which tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.helpers import like_runs, trials
from tests.helpers.server_pages import Pages, make
from vreason_tracking.stores import MlflowStore


@pytest.fixture(scope="module")
def store(mlflow_template, tmp_path_factory) -> str:
    """A store with two runs."""
    folder = tmp_path_factory.mktemp("store")
    uri = trials.copy_store(mlflow_template, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        like_runs.pair(folder / "journal", MlflowStore(uri, "vreason"))
    return uri


@pytest.fixture(scope="module")
def pages(store, tmp_path_factory) -> Iterator[Pages]:
    yield from make(tmp_path_factory.mktemp("pages"), store, with_users=True)


@pytest.fixture(scope="module")
def open_pages(store, tmp_path_factory) -> Iterator[Pages]:
    yield from make(tmp_path_factory.mktemp("open"), store, with_users=False)
