"""Two finished runs of the demo, baseline and v-reason, and the latter as version 1 of the model "shapes": made once, never changed.

A test that changes the registry takes a copy of the database: the files of models lie where they are, and are only read.
"""

from __future__ import annotations

import sqlite3
from contextlib import chdir, closing
from dataclasses import dataclass
from pathlib import Path

from tests.helpers import trials
from vreason_tracking.bundles import Registered, Registration, Registry, register
from vreason_tracking.cards import register_with_card
from vreason_tracking.catalog import Catalog
from vreason_tracking.running import run_experiment
from vreason_tracking.settings import parse_settings
from vreason_tracking.stores import open_store

SAMPLES = 6
VARIANTS = [
    {"name": "baseline", "preset": "baseline"},
    {"name": "v-reason", "preset": "v-reason", "controller": {"lr": 0.03}},
]


@dataclass(frozen=True)
class BundleWorld:
    """Where it is.

    Attributes:
        folder: relative names start here.
        uri: of the store and registry.
        root: the journal.
        registered: version 1 of "shapes", with the alias champion.
    """

    folder: Path
    uri: str
    root: Path
    registered: Registered | None = None

    @property
    def catalog(self) -> Catalog:
        """Both sides of the record."""
        return Catalog(self.root, self.uri, "vreason")

    @property
    def registry(self) -> Registry:
        """The models."""
        return Registry(open_store(self.uri, None), self.root)

    @property
    def places(self) -> list[str]:
        """Options that lead a command here."""
        return ["--tracking-uri", self.uri, "--journal", str(self.root)]

    def copied(self, folder: Path) -> BundleWorld:
        """The same with a database of its own."""
        path = folder / "mlflow.db"
        with closing(sqlite3.connect(self.uri.removeprefix("sqlite:///"))) as ours, closing(sqlite3.connect(path)) as copy:
            ours.backup(copy)  # what stands in the log beside the file, too
        return BundleWorld(folder, f"sqlite:///{path}", self.root, self.registered)

    def register(self, run: str = "baseline", *, with_card: bool = False, **changes: object) -> Registered:
        """One more version; without loading it, unless `run_example` says so."""
        wanted = Registration(run=run, **{"name": "shapes", "run_example": False, **changes})  # type: ignore[arg-type]
        if with_card:
            return register_with_card(self.catalog, wanted, lambda _: None)[0]
        return register(self.catalog, wanted, lambda _: None)


def build(folder: Path, template: Path) -> BundleWorld:
    """Run and register."""
    uri = trials.copy_store(template, folder)
    config = trials.trial("demo", uri, variants=VARIANTS, data={"source": "demo", "limit": SAMPLES}, generation={"max_new_tokens": 48})
    with chdir(folder):  # where MLflow puts artifacts, and the journal is
        run_experiment(parse_settings(config))
        world = BundleWorld(folder, uri, folder / "vreason-journal")
        return BundleWorld(folder, uri, world.root, world.register("v-reason", alias="champion", run_example=True, with_card=True))
