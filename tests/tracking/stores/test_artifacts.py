"""vreason_tracking.stores.artifacts: a file of a run's artifacts, where it lies on this machine, else as a copy that is fetched."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.tracking_server import TrackingServer
from vreason.errors import TrackingError, TrackingUnavailableError
from vreason_tracking.stores.artifacts import ArtifactMissingError, fetch_artifact
from vreason_tracking.stores.mlflow_store import MlflowStore

FILES = {"samples.parquet": b"PAR1 \x00 PAR1", "figures/größe 1.svg": b"<svg/>"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "copies").mkdir()
    return tmp_path / "copies"


def run_with_files(store: MlflowStore, tmp_path: Path, experiment_id: str | None = None) -> Any:
    """MLflow's run, with `FILES` among its artifacts."""
    run_id = store.start_run("v-reason", {}, experiment_id=experiment_id)
    for name, content in FILES.items():
        path = tmp_path / "made" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        parent = str(Path(name).parent)
        store.log_files(run_id, [path], None if parent == "." else parent)
    return store.client.get_run(run_id)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("location", [None, "folder of its own", "file: with a blank and ü"])
def test_where_it_lies(store, tmp_path, folder, name, location) -> None:
    """On this machine nothing is copied, whichever way the artifacts' folder is written."""
    experiment_id = None
    if location is not None:
        own = tmp_path / location
        address = own.as_uri() if location.startswith("file:") else str(own)
        experiment_id = store.client.create_experiment("own", artifact_location=address)
    path = fetch_artifact(store, run_with_files(store, tmp_path, experiment_id), name, folder)
    assert (FILES[name], []) == (path.read_bytes(), list(folder.iterdir()))
    assert (tmp_path / (location or "mlruns")) in path.parents


@pytest.mark.parametrize("name", ["steps.parquet", "figures/none.svg", "figures", "x" * 300])
def test_one_that_is_not_there(store, tmp_path, folder, name) -> None:
    """The error says where it was looked for; a folder is no file."""
    with pytest.raises(ArtifactMissingError, match=rf"^/.*/artifacts/{name} is not there; is the run finished, and do you see"):
        fetch_artifact(store, run_with_files(store, tmp_path), name, folder)


def test_artifacts_of_another_machine(store, tmp_path, folder) -> None:
    """A folder that is not seen from here is the same as one without the file."""
    run = run_with_files(store, tmp_path)
    (tmp_path / "mlruns").rename(tmp_path / "elsewhere")
    with pytest.raises(
        ArtifactMissingError, match=r"samples\.parquet is not there; .*do you see its artifacts' folder from this machine\?"
    ):
        fetch_artifact(store, run, "samples.parquet", folder)


def test_an_artifact_store_that_cannot_be_used(store, folder) -> None:
    """That the file is missing is only said where somebody could look: here the error has the real reason, and no password."""
    experiment_id = store.client.create_experiment("own", artifact_location="nfs4://me:s3cret@host/runs")
    run = store.client.get_run(store.start_run("v-reason", {}, experiment_id=experiment_id))
    text = r"samples\.parquet cannot be fetched \(Could not find a registered artifact repository.*\); can the artifact store be reached"
    with pytest.raises(TrackingError, match=text) as wrong:
        fetch_artifact(store, run, "samples.parquet", folder)
    assert (TrackingError, False) == (type(wrong.value), "s3cret" in str(wrong.value))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrackingServer]:
    """A tracking server that keeps the artifacts; tests that stop it start it again."""
    running = TrackingServer(tmp_path_factory.mktemp("server"))
    running.start()
    yield running
    running.stop()


@pytest.fixture
def served(server: TrackingServer, monkeypatch: pytest.MonkeyPatch) -> Callable[[], MlflowStore]:
    """Opens the server's store, with calls that give up at once."""
    for name, value in (("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0"), ("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")):
        monkeypatch.setenv(name, value)
    return lambda: MlflowStore(server.uri, "trial")


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_a_copy_from_a_server(served, tmp_path, folder, name) -> None:
    """It lies in the folder, under its own name, and is what the run has; fetched again, it is overwritten."""
    store = served()
    run = run_with_files(store, tmp_path)
    assert run.info.artifact_uri.startswith("mlflow-artifacts:")
    path = fetch_artifact(store, run, name, folder)
    assert (folder / Path(name).name, FILES[name]) == (path, path.read_bytes())
    path.write_bytes(b"older")
    assert FILES[name] == fetch_artifact(store, run, name, folder).read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["steps.parquet", "figures/none.svg", "nowhere/none.svg"])
def test_one_that_a_server_does_not_have(served, tmp_path, folder, name) -> None:
    """It is missing, as on a disk: the server's own refusal tells a user nothing."""
    store = served()
    with pytest.raises(ArtifactMissingError, match=rf"^mlflow-artifacts:/.*/{name} is not there; is the run finished"):
        fetch_artifact(store, run_with_files(store, tmp_path), name, folder)


@pytest.mark.slow
def test_a_server_that_has_the_file_and_cannot_give_it(server, served, tmp_path, folder) -> None:
    """An answer with status 500 says nothing of the file, and may pass: it is not missing."""
    store = served()
    run = run_with_files(store, tmp_path)
    (kept,) = server.folder.glob(f"kept/*/{run.info.run_id}/artifacts/samples.parquet")
    kept.unlink()
    kept.symlink_to(kept.name)  # a loop for whoever opens it
    with pytest.raises(TrackingUnavailableError, match=r"samples\.parquet cannot be fetched \(.* 500 .*\); can the artifact store"):
        fetch_artifact(store, run, "samples.parquet", folder)


@pytest.mark.slow
def test_a_server_that_is_away(server, served, tmp_path, folder) -> None:
    """The same call may succeed later, and does; no password is told."""
    store = served()
    run = run_with_files(store, tmp_path)
    server.stop()
    try:
        with pytest.raises(TrackingUnavailableError, match=r"samples\.parquet cannot be fetched \(.*\); can the artifact store") as away:
            fetch_artifact(store, run, "samples.parquet", folder)
        assert "s3cret" not in str(away.value)
    finally:
        server.start()
    assert FILES["samples.parquet"] == fetch_artifact(store, run, "samples.parquet", folder).read_bytes()
