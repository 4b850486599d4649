"""What has to be installed for a bundle, at exact versions."""

from __future__ import annotations

from importlib.metadata import version

from packaging.requirements import Requirement

from vreason_tracking.bundles.requirements import pinned_requirements


def test_exact_versions_that_an_index_has() -> None:
    """Each is a requirement with one version, without a local part."""
    found = {each.name: str(each.specifier) for each in map(Requirement, pinned_requirements())}
    assert f"=={version('torch').partition('+')[0]}" == found["torch"]
    assert {"vreason-track", "mlflow", "transformers", "decord", "av"} <= set(found)


def test_plug_ins() -> None:
    """Packages that the run used are among them; what is not installed is not."""
    told = "shapes = pytest 1.2.3, entropy-only = no-such-package 0.1"
    found = pinned_requirements(told)
    assert f"pytest=={version('pytest')}" in found
    assert not [each for each in found if each.startswith("no-such-package")]
