"""An alias moves only to what passes: figures that are asked for, and questions that show it is no worse."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.helpers.bundle_world import BundleWorld
from vreason.errors import ConfigError, TrackingError
from vreason_tracking.bundles import GateError, Gating, promote, retire
from vreason_tracking.records import PROMOTED_PREFIX


@pytest.fixture
def two(own_bundles: BundleWorld) -> BundleWorld:
    """shapes/1 is the champion, shapes/2 the baseline's."""
    own_bundles.register("baseline")
    return own_bundles


def moved(world: BundleWorld, reference: str, alias: str = "champion", **asked: object) -> str:
    return promote(world.registry, world.catalog, reference, alias, Gating(**asked)).version.label  # type: ignore[arg-type]


def test_without_gates(two: BundleWorld) -> None:
    """The alias moves; who did it, when, and from where stays on the version."""
    done = promote(two.registry, two.catalog, "shapes/2", "@champion", Gating())
    assert ("shapes/2", "shapes/1") == (done.version.label, done.before.label if done.before else None)
    assert "shapes/2" == two.registry.find("shapes@champion").label
    note = json.loads(two.registry.find("shapes/2").tags[PROMOTED_PREFIX + "champion"])
    assert ("shapes/1", []) == (note["before"], note["required"])
    assert note["by"]
    assert note["at"]


def test_requirements(two: BundleWorld) -> None:
    """A figure that is good enough passes, one that is not keeps the alias where it is."""
    assert "shapes/2" == moved(two, "shapes/2", "good", requirements=["accuracy >= 0.5", "samples/failed <= 0"])
    with pytest.raises(GateError, match=r"tokens/mean < 1: \d+.*--force REASON"):
        moved(two, "shapes/2", requirements=["accuracy>=0.5", "tokens/mean < 1"])
    assert "shapes/1" == two.registry.find("shapes@champion").label


def test_few_questions_show_nothing(two: BundleWorld) -> None:
    """Six questions that came out alike leave room for a large regression: that does not pass, but by force."""
    with pytest.raises(GateError, match="no worse than shapes/1"):
        moved(two, "shapes/2", no_regression_against="@champion")
    assert "shapes/2" == moved(two, "shapes/2", no_regression_against="@champion", force="first of its kind")
    assert "first of its kind" == json.loads(two.registry.find("shapes/2").tags[PROMOTED_PREFIX + "champion"])["forced"]


def test_a_wide_margin_is_passed(two: BundleWorld) -> None:
    """The same questions are enough to exclude a loss of 90 points."""
    assert "shapes/2" == moved(two, "shapes/2", no_regression_against="shapes/1", margin=0.9)


def test_the_same_run_is_no_regression(two: BundleWorld) -> None:
    """Two versions of one run cannot differ."""
    two.register("v-reason")
    assert "shapes/3" == moved(two, "shapes/3", no_regression_against="@champion")


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"requirements": ["accuracy"]}, "is no requirement"),
        ({"requirements": ["accurcy >= 1"]}, "did you mean accuracy"),
        ({"requirements": ["accuracy >= x"]}, "is no requirement"),
        ({"no_regression_against": "@champion", "margin": 0.0}, "--margin"),
    ],
)
def test_wrong_requirements(two: BundleWorld, asked: dict[str, object], words: str) -> None:
    """They are named, and nothing moves."""
    with pytest.raises(ConfigError, match=words):
        moved(two, "shapes/2", **asked)
    assert "shapes/1" == two.registry.find("shapes@champion").label


def test_nothing_to_regress_against(two: BundleWorld) -> None:
    """An alias that nobody has, perhaps mistyped, is no gate that is passed."""
    with pytest.raises(TrackingError, match="no alias 'champoin'"):
        moved(two, "shapes/2", no_regression_against="@champoin")


def test_retired(two: BundleWorld) -> None:
    """A retired version has no alias, gets none, and cannot be retired twice."""
    with pytest.raises(TrackingError, match=r"is @champion.*--with-aliases"):
        retire(two.registry, "shapes@champion", "superseded")
    assert "superseded" == retire(two.registry, "shapes/1", "superseded", with_aliases=True).retired
    assert () == two.registry.find("shapes/1").aliases
    with pytest.raises(TrackingError, match="retired already: superseded"):
        retire(two.registry, "shapes/1", "again")
    with pytest.raises(TrackingError, match="shapes/1 is retired"):
        moved(two, "shapes/1")


def test_unlike_runs(two: BundleWorld, tmp_path: Path) -> None:
    """A version whose run is gone cannot be compared."""
    run = two.catalog.find("baseline")
    two.registry.client.delete_run(run.mlflow_id)
    world = BundleWorld(tmp_path, two.uri, tmp_path / "no-journal")
    with pytest.raises(TrackingError, match="no run"):
        moved(world, "shapes/2", no_regression_against="@champion")
