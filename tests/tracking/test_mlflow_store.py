"""vreason_tracking.mlflow_store: what we ask of MLflow."""

from __future__ import annotations

import pytest
from mlflow import MlflowClient

from vreason.errors import TrackingError
from vreason_tracking.mlflow_store import MlflowStore, open_store


@pytest.fixture
def store(tracking_uri) -> MlflowStore:
    return MlflowStore(tracking_uri, "trial")


@pytest.fixture
def client(tracking_uri) -> MlflowClient:
    return MlflowClient(tracking_uri)


def history(client, run_id, name):
    return [(point.step, point.timestamp, point.value) for point in client.get_metric_history(run_id, name)]


def test_a_run_and_one_below_it(store, client) -> None:
    """Names, tags and start time are as given; the nested run points at its parent the way MLflow's pages expect it."""
    parent = store.start_run("v-reason", {"seed": "0"})
    nested = client.get_run(store.start_run("s-1", {}, parent, 1_700_000_000_123))
    assert ("v-reason", "0") == (client.get_run(parent).info.run_name, client.get_run(parent).data.tags["seed"])
    assert "mlflow.parentRunId" not in client.get_run(parent).data.tags
    assert parent == nested.data.tags["mlflow.parentRunId"]
    assert ("s-1", 1_700_000_000_123, "RUNNING") == (nested.info.run_name, nested.info.start_time, nested.info.status)


def test_more_points_than_a_call_takes(store, client) -> None:
    """2,500 points of one series arrive whole, each with its own step and time."""
    run = store.start_run("a", {})
    store.log(run, [("entropy", step / 7, 1_700_000_000_000 + step, step) for step in range(2_500)])
    expected = [(step, 1_700_000_000_000 + step, pytest.approx(step / 7)) for step in range(2_500)]
    assert expected == sorted(history(client, run, "entropy"))


def test_the_same_points_twice_change_nothing(store, client) -> None:
    """A replay of what was written already leaves the record as it was."""
    run = store.start_run("a", {})
    points = [("entropy", 0.5, 1_000, 0), ("entropy", 0.25, 1_001, 1)]
    for _ in range(2):
        store.log(run, points)
    assert [(0, 1_000, 0.5), (1, 1_001, 0.25)] == sorted(history(client, run, "entropy"))


def test_more_params_and_tags_than_a_call_takes(store, client) -> None:
    """250 parameters and 250 tags arrive whole, as text."""
    run = store.start_run("a", {})
    store.log(run, params={f"p{number}": number for number in range(250)}, tags={f"t{number}": str(number) for number in range(250)})
    data = client.get_run(run).data
    assert {f"p{number}": str(number) for number in range(250)} == data.params
    assert {f"t{number}": str(number) for number in range(250)}.items() <= data.tags.items()


@pytest.mark.parametrize("place", ["start", "tags", "params"])
def test_a_long_text_is_cut(store, client, place) -> None:
    """A reply of 100,000 characters does not lose its sample: the text is cut to 5,000 characters and says so with an ellipsis."""
    text = "wörter " * 15_000
    run = store.start_run("a", {"x": text} if place == "start" else {})
    if place != "start":
        store.log(run, **{place: {"x": text}})
    data = client.get_run(run).data
    kept = (data.params if place == "params" else data.tags)["x"]
    assert 5_000 == len(kept)
    assert text[:4_999] + "…" == kept


def test_a_text_that_fits_is_whole(store, client) -> None:
    """5,000 characters are not cut."""
    run = store.start_run("a", {"x": "y" * 5_000})
    assert "y" * 5_000 == client.get_run(run).data.tags["x"]


@pytest.mark.parametrize("status", ["FINISHED", "FAILED", "KILLED"])
def test_a_run_ends(store, client, status) -> None:
    """With the status and at the time given."""
    run = store.start_run("a", {})
    store.end_run(run, status, 1_700_000_009_000)
    assert (status, 1_700_000_009_000) == (client.get_run(run).info.status, client.get_run(run).info.end_time)


def test_files(store, client, tmp_path) -> None:
    """They become artifacts under their own names, in a folder where one is named."""
    (tmp_path / "a.txt").write_text("one")
    run = store.start_run("a", {})
    store.log_files(run, [tmp_path / "a.txt"])
    store.log_files(run, [tmp_path / "a.txt"], "below")
    paths = [file.path for file in client.list_artifacts(run)] + [file.path for file in client.list_artifacts(run, "below")]
    assert {"a.txt", "below", "below/a.txt"} == set(paths)


def test_an_experiment_is_made_once(tracking_uri, client) -> None:
    """The second store of a name uses the experiment of the first."""
    first, second = MlflowStore(tracking_uri, "trial"), MlflowStore(tracking_uri, "trial")
    assert first.experiment_id == second.experiment_id
    assert first.experiment_id == client.get_experiment_by_name("trial").experiment_id


def test_a_deleted_experiment(store, client, tracking_uri) -> None:
    """It is not written to in secret: the message says how to get it back."""
    client.delete_experiment(store.experiment_id)
    with pytest.raises(TrackingError, match=r"'trial' was deleted.*restore"):
        MlflowStore(tracking_uri, "trial")


def test_a_server_that_is_not_there(monkeypatch) -> None:
    """The message names address and reason, says what to check, and keeps the password to itself."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(TrackingError, match=r"http://me:\*\*\*@127\.0\.0\.1:1: .*check tracking\.uri") as caught:
        MlflowStore("http://me:s3cret@127.0.0.1:1", "trial")
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("uri", ["postgresql+psycopg://me:s3cret@127.0.0.1:1/db", "gopher://me:s3cret@here", "http://me:s3cret@host:50O0"])
def test_an_address_that_leads_nowhere(uri) -> None:
    """A driver that is not installed, a scheme that nobody knows, a port that is no number: a TrackingError without the password."""
    with pytest.raises(TrackingError) as caught:
        MlflowStore(uri, "trial")
    assert "s3cret" not in str(caught.value)


def test_opening_what_is_not_there(tmp_path, monkeypatch) -> None:
    """Reading a database that does not exist is an error, and makes none."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TrackingError, match=r"none\.db.*--tracking-uri"):
        open_store("sqlite:///none.db", "trial")
    assert [] == list(tmp_path.iterdir())


def test_opening_an_experiment_that_is_not_there(tracking_uri, client) -> None:
    """Reading from an experiment that does not exist is an error, and makes none."""
    with pytest.raises(TrackingError, match="nowhere"):
        open_store(tracking_uri, "nowhere")
    assert client.get_experiment_by_name("nowhere") is None


def test_opening_by_the_environment(store, tracking_uri, tmp_path, monkeypatch) -> None:
    """Without an address the environment's counts, and without that the file mlflow.db of this folder."""
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    with pytest.raises(TrackingError, match=r"sqlite:///mlflow\.db: there is no such database"):
        open_store(None, "trial")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracking_uri)
    assert (tracking_uri, store.experiment_id) == (open_store(None, "trial").uri, open_store(None, "trial").experiment_id)
