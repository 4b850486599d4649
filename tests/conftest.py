"""What all tests share: quiet libraries on one thread, a migrated MLflow database made once, a model of random weights, and the program."""

from __future__ import annotations

import os
import shutil

os.environ |= {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "MLFLOW_DISABLE_TELEMETRY": "true"}  # read when torch and mlflow load
os.environ.pop("MLFLOW_TRACKING_URI", None)
if os.path.isdir("/dev/shm") and shutil.disk_usage("/dev/shm").free > 8 * 2**30:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", "/dev/shm")  # thousands of small databases: a disk's fsync is a fifth of the time

import functools
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.helpers import trials
from tests.helpers.site_packages import SitePackages

if TYPE_CHECKING:
    from tests.helpers.bundle_world import BundleWorld
    from tests.helpers.postgres import Databases
    from tests.helpers.recorded_world import World
    from vreason_tracking.settings import RunSettings


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with real servers first: they take longest. The processes of tests take one file after another (`make test`)."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


@pytest.fixture(scope="session", autouse=True)
def cache_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The demo's clips are written here, once for all tests and the processes that they start."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cache")
        patch.setenv("VREASON_CACHE", str(folder))
        yield folder


@pytest.fixture
def site_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SitePackages]:
    """Where a test installs packages of its own; their modules are forgotten afterwards."""
    made = SitePackages(tmp_path, monkeypatch)
    yield made
    made.forget()


@pytest.fixture(scope="session")
def mlflow_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated MLflow database, complete in one file; copy it, never write to it."""
    from mlflow.store.db import utils

    from vreason_tracking.stores.database import prepare

    utils._get_latest_schema_revision = functools.cache(utils._get_latest_schema_revision)  # MLflow reads its 60 migrations for each store
    path = tmp_path_factory.mktemp("template") / "mlflow.db"
    prepare(f"sqlite:///{path}")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


@pytest.fixture
def tracking_uri(tmp_path: Path, mlflow_template: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A fresh database of the test's own. The test runs in its folder, where MLflow puts artifacts."""
    monkeypatch.chdir(tmp_path)
    return trials.copy_store(mlflow_template, tmp_path)


@pytest.fixture(scope="session")
def world(mlflow_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A journal and a store with runs in every state, to look at and never to change."""
    from tests.helpers import recorded_world

    with recorded_world.build(tmp_path_factory.mktemp("world"), mlflow_template) as made:
        yield made


@pytest.fixture(scope="session")
def bundles(mlflow_template: Path, tmp_path_factory: pytest.TempPathFactory) -> BundleWorld:
    """Two runs of the demo, one of them registered; to look at and never to change."""
    from tests.helpers import bundle_world

    return bundle_world.build(tmp_path_factory.mktemp("bundles"), mlflow_template)


@pytest.fixture
def own_bundles(bundles: BundleWorld, tmp_path: Path) -> BundleWorld:
    """The same with a database of the test's own."""
    return bundles.copied(tmp_path)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Databases]:
    """A real PostgreSQL, to make databases on; each process of tests has its own, unless VREASON_TEST_POSTGRES names one."""
    from tests.helpers.postgres import running

    with running() as databases:
        yield databases


@pytest.fixture(scope="session")
def postgres_template(postgres: Databases) -> Iterator[str]:
    """The name of a migrated MLflow database; copy it, never write to it."""
    from vreason_tracking.stores.database import prepare

    name = postgres.create()
    prepare(postgres.uri(name))
    postgres.disconnect(name)  # MLflow keeps its connection, and a database in use cannot be copied
    yield name
    postgres.drop(name)


@pytest.fixture
def postgres_uri(postgres: Databases, postgres_template: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """As `tracking_uri`, on PostgreSQL."""
    monkeypatch.chdir(tmp_path)
    name = postgres.create(postgres_template)
    yield postgres.uri(name)
    postgres.drop(name)


@pytest.fixture(scope="session")
def random_model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's model with random weights and its processor, saved as a user would save them."""
    from tests.helpers import random_demo  # torch and transformers, which not every test needs

    return random_demo.save(tmp_path_factory.mktemp("model"))


@pytest.fixture
def experiment(random_model_folder: Path, tracking_uri: str) -> Callable[..., RunSettings]:
    """Settings of a small experiment in a database of the test's own, with sections to replace."""
    from vreason_tracking.settings import parse_settings

    def make(model: object = random_model_folder, variants: object = trials.ONE, **sections: Any) -> RunSettings:
        return parse_settings(trials.trial(str(model), tracking_uri, variants=variants, **sections))

    return make


@dataclass(frozen=True)
class Outcome:
    """How the program ended."""

    code: int
    out: str
    err: str


@pytest.fixture
def program(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Outcome]:
    """`vreason-track` with these arguments, in this process."""
    from vreason_cli.main import main

    def run(*arguments: object) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["vreason-track", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main()
        caught = capsys.readouterr()
        assert isinstance(left.value.code, int)
        return Outcome(left.value.code, caught.out, caught.err)

    return run
