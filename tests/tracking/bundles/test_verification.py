"""What `model verify` finds: every changed, added and lost file, a signature that does not hold, other weights, a run that is another."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.helpers.bundle_world import BundleWorld
from vreason.errors import ConfigError
from vreason_tracking.bundles import Version, verify_version
from vreason_tracking.bundles.signing import files_digest, sign, signature_fault
from vreason_tracking.stores.mlflow_internals import local_artifact_path

States = dict[str, str]


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Path, Path]]:
    """Makes a private and a public key with OpenSSL, as a team would."""
    folder = tmp_path_factory.mktemp("keys")

    def make(name: str) -> tuple[Path, Path]:
        private, public = folder / f"{name}.pem", folder / f"{name}.pub"
        subprocess.run(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", private], check=True)
        subprocess.run(["openssl", "ec", "-in", private, "-pubout", "-out", public], check=True, capture_output=True)
        return private, public

    return make


def states(world: BundleWorld, version: Version, key: Path | None = None, *, example: bool = False) -> States:
    checks = verify_version(world.registry, world.catalog, version, key, example=example)
    return {check.name: check.state for check in checks}


def files_of(world: BundleWorld, version: Version) -> Path:
    """Where the version's files lie."""
    found = local_artifact_path(world.registry.client.get_model_version_download_uri(version.name, version.version))
    assert found is not None
    return found


def test_whole(bundles: BundleWorld) -> None:
    """Nothing is wrong; that it is unsigned is a warning, and a fault where a key is named."""
    version = bundles.registry.find("shapes/1")
    fine = {"files": "ok", "signature": "warning", "weights": "ok", "run": "ok", "standing": "ok"}
    assert fine == states(bundles, version)
    assert {**fine, "example": "ok"} == states(bundles, version, example=True)


def test_signed(own_bundles: BundleWorld, keys: Callable[[str], tuple[Path, Path]]) -> None:
    """The team's key holds, another one does not; without a key it is said that nobody looked."""
    private, public = keys("team")
    version = own_bundles.register("baseline", signing_key=private, include_weights=True).version
    assert version.signed
    assert "ok" == states(own_bundles, version, public)["signature"]
    assert "warning" == states(own_bundles, version)["signature"]
    assert "failure" == states(own_bundles, version, keys("other")[1])["signature"]
    with pytest.raises(ConfigError, match="--public-key"):
        states(own_bundles, version, Path(__file__))


@pytest.mark.parametrize("damage", ["changed", "added", "lost", "unsigned", "weights"])
def test_every_damage(own_bundles: BundleWorld, keys: Callable[[str], tuple[Path, Path]], damage: str) -> None:
    """A changed, an added and a lost file, also one of the weights, break digest and signature; so does the signature's own loss."""
    private, public = keys("team")
    version = own_bundles.register("baseline", signing_key=private, include_weights=True).version
    folder = files_of(own_bundles, version)
    if damage == "changed":
        (folder / "bundle_code.py").write_text("print('other')\n", encoding="utf-8")
    elif damage == "added":
        (folder / "artifacts" / "more.py").write_text("", encoding="utf-8")
    elif damage == "lost":
        (folder / "requirements.txt").unlink()
    elif damage == "unsigned":
        (folder / "model.sig").unlink()
    else:
        (folder / "artifacts/weights/config.json").write_text("{}", encoding="utf-8")
    found = states(own_bundles, version, public)
    assert "failure" == found["signature"]
    assert ("ok" if damage == "unsigned" else "failure") == found["files"]
    assert ("failure" if damage == "weights" else "ok") == found["weights"]


def test_a_changed_figure(own_bundles: BundleWorld) -> None:
    """Somebody who writes another accuracy into the run is found out."""
    version = own_bundles.registry.find("shapes/1")
    own_bundles.registry.client.log_metric(version.run_id, "accuracy", 0.123, step=99)
    world = BundleWorld(own_bundles.folder, own_bundles.uri, own_bundles.folder / "no-journal")
    assert "failure" == states(world, version)["run"]


def test_a_deleted_run(own_bundles: BundleWorld) -> None:
    """The version's figures hang in the air."""
    version = own_bundles.registry.find("shapes/1")
    own_bundles.registry.client.delete_run(version.run_id)
    world = BundleWorld(own_bundles.folder, own_bundles.uri, own_bundles.folder / "no-journal")
    assert "failure" == states(world, version)["run"]


def test_signature_over_all_files(tmp_path: Path, keys: Callable[[str], tuple[Path, Path]]) -> None:
    """Any file's name and contents count, below folders too; what MLflow adds when it fetches a model does not."""
    private, public = keys("files")
    folder = tmp_path / "model"
    (folder / "deep").mkdir(parents=True)
    (folder / "MLmodel").write_text("a")
    (folder / "deep" / "file").write_text("b")
    sign(folder, private)
    digest = files_digest(folder)
    (folder / "registered_model_meta").write_text("x")
    assert signature_fault(folder, public) is None
    assert digest == files_digest(folder)
    (folder / "deep" / "file").rename(folder / "deep" / "other")
    assert signature_fault(folder, public) is not None
    assert digest != files_digest(folder)
