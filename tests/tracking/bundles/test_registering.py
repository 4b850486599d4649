"""From a run to a version: what is refused, what is forced, and that nothing is left of what fails."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.helpers import run_states
from tests.helpers.bundle_world import BundleWorld
from vreason.errors import ConfigError, TrackingError, UnsupportedModelError
from vreason_tracking.bundles import NotRegistrableError
from vreason_tracking.journal import RunFolder
from vreason_tracking.stores import MlflowStore


def logged_models(world: BundleWorld) -> int:
    """Models of MLflow's that somebody would see."""
    registry = world.registry
    experiment = registry.client.get_experiment_by_name("vreason")
    return len(registry.client.search_logged_models([experiment.experiment_id]))


def test_a_version_says_what_it_is(bundles: BundleWorld) -> None:
    """Run, fingerprint, figures, model's files and who registered it stand in it; its example came out as in the run."""
    made = bundles.registered
    assert made is not None
    origin, run = made.bundle.origin, bundles.catalog.find("v-reason")
    assert (dict(run.identity), run.mlflow_id, "v-reason") == (origin.identity, origin.mlflow_run_id, origin.variant)
    assert 6 == origin.samples == origin.figures["samples/answered"]
    assert {"model.safetensors", "config.json", "tokenizer.json"} <= set(made.bundle.model.files)
    assert ("shapes/1", "equal", False, None) == (made.version.label, made.example, made.version.signed, made.version.forced)
    assert "Accuracy" in made.version.description


def test_numbers_go_up(own_bundles: BundleWorld) -> None:
    """A second run of the same name is version 2; the alias stays where it is."""
    made = own_bundles.register("baseline")
    assert ("shapes/2", ()) == (made.version.label, made.version.aliases)
    assert "shapes/1" == own_bundles.registry.find("shapes@champion").label


def test_a_variant_of_the_same_call(own_bundles: BundleWorld) -> None:
    """Any run of a call, and the name of the variant that is meant."""
    made = own_bundles.register("v-reason", variant="baseline", name="other")
    assert "baseline" == made.bundle.origin.variant
    with pytest.raises(TrackingError, match=r"no variant 'nope'; it has .*baseline"):
        own_bundles.register("v-reason", variant="nope")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": "a/b"}, "--name"),
        ({"name": " "}, "--name"),
        ({"alias": "v1"}, "no alias"),
        ({"alias": "a b"}, "no alias"),
        ({"force": " "}, "--force"),
        ({"bounds": ["controller.zz=1..2"]}, "unknown key"),
        ({"signing_key": Path(__file__)}, "--signing-key"),
    ],
)
def test_wrong_options(own_bundles: BundleWorld, changes: dict[str, object], words: str) -> None:
    """They are named, and no model of MLflow's is left behind."""
    before = logged_models(own_bundles)
    with pytest.raises(ConfigError) as caught:
        own_bundles.register("baseline", **changes)
    assert words in str(caught.value)
    assert before == logged_models(own_bundles)
    assert ["shapes/1"] == [each.label for each in own_bundles.registry.versions()]


def test_unknown_run(own_bundles: BundleWorld) -> None:
    """It is said which there are."""
    with pytest.raises(TrackingError, match="no run 'nope'"):
        own_bundles.register("nope")


def test_a_run_that_is_not_in_the_store(own_bundles: BundleWorld, tmp_path: Path) -> None:
    """It is said how it gets there."""
    offline = run_states.finished(tmp_path / "vreason-journal", "offline", mode="offline")
    world = BundleWorld(tmp_path, own_bundles.uri, tmp_path / "vreason-journal")
    with pytest.raises(TrackingError, match=rf"journal deliver {offline.run_id}"):
        world.register("offline")


def stopped(world: BundleWorld, tmp_path: Path, status: str) -> BundleWorld:
    """The world as if its run had ended otherwise, known from the store alone."""
    store = MlflowStore(world.uri, "vreason")
    run = world.catalog.find("v-reason")
    store.client.set_terminated(run.mlflow_id, status)
    return BundleWorld(tmp_path, world.uri, tmp_path / "no-journal")


@pytest.mark.parametrize("status", ["FAILED", "KILLED"])
def test_a_run_that_failed(own_bundles: BundleWorld, tmp_path: Path, status: str) -> None:
    """It is refused with the reason; by force it is registered, and both stay on the version."""
    world = stopped(own_bundles, tmp_path, status)
    with pytest.raises(NotRegistrableError, match=rf"its status is {status}.*--force REASON"):
        world.register("v-reason")
    made = world.register("v-reason", force="the disk was full at the end")
    assert "the disk was full at the end" == made.version.forced
    assert status in str(made.version.against)
    assert "by force" in made.version.description


def test_a_partial_run(own_bundles: BundleWorld, tmp_path: Path) -> None:
    """Fewer samples than it was begun to ask."""
    run = own_bundles.catalog.find("v-reason")
    MlflowStore(own_bundles.uri, "vreason").client.set_tag(run.mlflow_id, "vreason.asked", "9")
    world = BundleWorld(tmp_path, own_bundles.uri, tmp_path / "no-journal")
    with pytest.raises(NotRegistrableError, match="it is partial: 6 of 9 samples"):
        world.register("v-reason")


def test_a_store_that_has_lost_something(own_bundles: BundleWorld) -> None:
    """The journal is held against the store: a sample's run that somebody has deleted speaks against the record."""
    store = MlflowStore(own_bundles.uri, "vreason")
    run = own_bundles.catalog.find("v-reason")
    nested = store.all_runs(f"tags.`mlflow.parentRunId` = '{run.mlflow_id}'", "attributes.start_time ASC")
    store.client.delete_run(nested[0].info.run_id)
    with pytest.raises(NotRegistrableError, match="does not verify against the store"):
        own_bundles.register("v-reason")


def test_a_record_that_is_damaged(own_bundles: BundleWorld, tmp_path: Path) -> None:
    """A flipped byte of the journal speaks against it."""
    root = Path(shutil.copytree(own_bundles.root, tmp_path / "journal"))
    run = own_bundles.catalog.find("v-reason")
    fragment = RunFolder(root / str(run.journal_id)).fragments()[0][1]
    data = bytearray(fragment.read_bytes())
    data[len(data) // 2] ^= 1
    fragment.write_bytes(bytes(data))
    with pytest.raises(NotRegistrableError, match="its record does not verify"):
        BundleWorld(tmp_path, own_bundles.uri, root).register("v-reason")


def test_known_from_the_store_alone(own_bundles: BundleWorld, tmp_path: Path) -> None:
    """Where the journal is on another machine, the store's own files are enough."""
    made = BundleWorld(tmp_path, own_bundles.uri, tmp_path / "no-journal").register("v-reason", name="far")
    assert own_bundles.registered is not None
    assert own_bundles.registered.bundle.model_copy(update={"origin": made.bundle.origin}) == made.bundle
    assert own_bundles.registered.bundle.origin.figures == pytest.approx(made.bundle.origin.figures)


def test_weights_in_the_bundle(own_bundles: BundleWorld) -> None:
    """With --include-weights the model's files lie in it, and nothing else of their folder."""
    made = own_bundles.register("baseline", include_weights=True)
    with own_bundles.registry.files(made.version) as folder:
        there = {path.relative_to(folder / "artifacts/weights").as_posix() for path in (folder / "artifacts/weights").rglob("*")}
    assert set(made.bundle.model.files) == there
    assert made.bundle.model.included


def test_other_weights_than_the_runs(own_bundles: BundleWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder whose weights have changed since the run is not registered under the run's figures."""
    monkeypatch.setattr("vreason_tracking.bundles.describing.folder_revision", lambda folder: "sha256:0123456789abcdef")
    with pytest.raises(UnsupportedModelError, match=r"its weights are sha256:0123456789abcdef, and the run was made with sha256:"):
        own_bundles.register("baseline")


def test_what_a_server_recorded_is_no_source(own_bundles: BundleWorld) -> None:
    """Replies that were served name no data: the run that the model was made of is registered."""
    run = own_bundles.catalog.find("v-reason")
    store = MlflowStore(own_bundles.uri, "vreason")
    store.client.set_tag(run.mlflow_id, "source", "served")
    world = BundleWorld(own_bundles.folder, own_bundles.uri, own_bundles.folder / "no-journal")
    with pytest.raises(TrackingError, match="what a server recorded"):
        world.register("v-reason")


def test_a_wrong_key_is_found_first(own_bundles: BundleWorld) -> None:
    """Before the run is looked for."""
    with pytest.raises(ConfigError, match="--signing-key"):
        own_bundles.register("no such run", signing_key=Path(__file__))
