"""Two versions beside each other."""

from __future__ import annotations

from pathlib import Path

from tests.helpers.bundle_world import BundleWorld
from vreason_tracking.bundles import difference


def test_settings_and_figures(own_bundles: BundleWorld) -> None:
    """Every setting that differs and no other; the runs are compared question by question, the first one the baseline."""
    own_bundles.register("baseline", bounds=["max_new_tokens=1..16"])
    with difference(own_bundles.registry, own_bundles.catalog, "shapes/1", "shapes/2") as found:
        changed = {each.name: (each.one, each.other) for each in found.settings}
        assert (0.03, "–") == changed["method.controller.lr"]
        assert ("1 to 48", "1 to 16") == changed["bounds.max_new_tokens"]
        assert not [name for name in changed if name.startswith(("model", "prompt", "video", "generation", "seed"))]
        assert found.comparison is not None
        assert ["v-reason", "baseline"] == found.comparison.names
        assert 0 == found.comparison.baseline
        assert 6 == len(found.comparison.frame.ids)


def test_of_one_run(own_bundles: BundleWorld) -> None:
    """Nothing but what callers may set differs, and there is nothing to compare."""
    own_bundles.register("v-reason", bounds=["all=fixed"])
    with difference(own_bundles.registry, own_bundles.catalog, "shapes/1", "shapes/2") as found:
        assert {"bounds"} == {each.name.partition(".")[0] for each in found.settings}
        assert (None, "both versions are of one run", []) == (found.comparison, found.note, found.figures)


def test_a_run_that_is_gone(own_bundles: BundleWorld) -> None:
    """The bundles' own figures are shown, and why no more is."""
    made = own_bundles.register("baseline")
    own_bundles.registry.client.delete_run(made.version.run_id)
    folder = own_bundles.folder
    world = BundleWorld(folder, own_bundles.uri, Path(folder) / "no-journal")
    with difference(world.registry, world.catalog, "shapes/1", "shapes/2") as found:
        assert found.comparison is None
        assert "cannot be compared" in found.note
        assert "latency/mean_ms" in {each.name for each in found.figures}
