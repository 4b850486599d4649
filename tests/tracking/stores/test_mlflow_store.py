"""vreason_tracking.stores.mlflow_store: what we ask of MLflow, on each kind of store: a SQLite file, PostgreSQL, and a server over HTTP."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from mlflow import MlflowClient

from tests.helpers import trials
from tests.helpers.tracking_server import TrackingServer
from vreason.errors import TrackingError, TrackingUnavailableError
from vreason_tracking.stores.mlflow_store import MlflowStore, open_store

SQLITE = pytest.param("sqlite_uri", id="sqlite")
POSTGRES = pytest.param("database_uri", id="postgresql", marks=pytest.mark.slow)
SERVER = pytest.param("server_uri", id="http", marks=pytest.mark.slow)


@pytest.fixture(scope="module")
def sqlite_uri(mlflow_template, tmp_path_factory) -> str:
    """A file that the tests share, each with an experiment of its own; so are the other two."""
    return trials.copy_store(mlflow_template, tmp_path_factory.mktemp("sqlite"))


@pytest.fixture(scope="module")
def database_uri(postgres, postgres_template) -> Iterator[str]:
    """A database of PostgreSQL's."""
    name = postgres.create(postgres_template)
    yield postgres.uri(name)
    postgres.drop(name)


@pytest.fixture(scope="module")
def server_uri(database_uri, tmp_path_factory) -> Iterator[str]:
    """A server of MLflow's in front of PostgreSQL, as for several machines."""
    server = TrackingServer(tmp_path_factory.mktemp("server"), database_uri)
    try:
        server.start()
        yield server.uri
    finally:
        server.stop()


@pytest.fixture(params=[SQLITE, POSTGRES, SERVER])
def uri(request, tmp_path, monkeypatch) -> str:
    """The store of this test, which runs in its own folder: databases without a server have artifacts there."""
    monkeypatch.chdir(tmp_path)
    return str(request.getfixturevalue(request.param))


@pytest.fixture
def name() -> str:
    return f"trial-{uuid4()}"


@pytest.fixture
def store(uri, name) -> MlflowStore:
    return MlflowStore(uri, name)


@pytest.fixture
def client(uri) -> MlflowClient:
    return MlflowClient(uri)


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


def test_another_experiment(store, client, name) -> None:
    """A run can be opened, and looked for, in another experiment than the store's own, which stays what it is."""
    other = client.create_experiment(f"{name} other")
    own, away = store.start_run("here", {}), store.start_run("there", {}, experiment_id=other)
    assert [store.experiment_id, other] == [client.get_run(each).info.experiment_id for each in (own, away)]
    found = [[run.info.run_id for run in store.all_runs("", "attributes.start_time ASC", each)] for each in (None, other)]
    assert [[own], [away]] == found


def test_a_run_is_renamed(store, client) -> None:
    """In its name and in the tag of it; its state stays."""
    run = store.start_run("old", {})
    store.end_run(run, "FINISHED")
    store.rename_run(run, "x" * 300)
    made = client.get_run(run)
    assert ("x" * 249 + "…", "FINISHED") == (made.info.run_name, made.info.status)
    assert made.info.run_name == made.data.tags["mlflow.runName"]


def test_more_points_than_a_call_takes(store, client) -> None:
    """1,001 points of one series, one more than a call takes, arrive whole, each with its own step and time."""
    run = store.start_run("a", {})
    store.log(run, [("entropy", step / 7, 1_700_000_000_000 + step, step) for step in range(1_001)])
    expected = [(step, 1_700_000_000_000 + step, pytest.approx(step / 7)) for step in range(1_001)]
    assert expected == sorted(history(client, run, "entropy"))


def test_the_same_points_twice_change_nothing(store, client) -> None:
    """A replay of what was written already leaves the record as it was."""
    run = store.start_run("a", {})
    points = [("entropy", 0.5, 1_000, 0), ("entropy", 0.25, 1_001, 1)]
    for _ in range(2):
        store.log(run, points)
    assert [(0, 1_000, 0.5), (1, 1_001, 0.25)] == sorted(history(client, run, "entropy"))


def test_points_of_which_some_are_there(store, client) -> None:
    """A call that was cut off is made again from the start: what is new arrives, what is there stays, also within one call."""
    run = store.start_run("a", {})
    points = [("entropy", step / 8, 1_000 + step, step) for step in range(12)]
    store.log(run, points[3:7])
    store.log(run, points)
    assert [(step, 1_000 + step, step / 8) for step in range(12)] == sorted(history(client, run, "entropy"))


def test_two_values_at_one_step(store, client) -> None:
    """A step that is written again later keeps both points, and the run shows the later one."""
    run = store.start_run("a", {})
    store.log(run, [("live/accuracy", 0.5, 1_000, 3), ("live/accuracy", 0.75, 2_000, 3)])
    assert [(3, 1_000, 0.5), (3, 2_000, 0.75)] == sorted(history(client, run, "live/accuracy"))
    assert 0.75 == client.get_run(run).data.metrics["live/accuracy"]


def test_values_that_are_no_numbers(store, client) -> None:
    """NaN comes back as NaN; databases have no infinity, and MLflow keeps the largest number in its place."""
    run = store.start_run("a", {})
    store.log(run, [("loss", math.nan, 1, 0), ("loss", math.inf, 2, 1), ("loss", -math.inf, 3, 2)])
    values = [value for _, _, value in sorted(history(client, run, "loss"), key=lambda point: point[0])]
    assert math.isnan(values[0])
    assert [sys.float_info.max, -sys.float_info.max] == values[1:]


def test_more_params_and_tags_than_a_call_takes(store, client) -> None:
    """101 parameters and 101 tags, one more than a call takes, arrive whole, as text."""
    run = store.start_run("a", {})
    store.log(run, params={f"p{number}": number for number in range(101)}, tags={f"t{number}": str(number) for number in range(101)})
    data = client.get_run(run).data
    assert {f"p{number}": str(number) for number in range(101)} == data.params
    assert {f"t{number}": str(number) for number in range(101)}.items() <= data.tags.items()


def test_the_same_params_and_tags_twice(store, client) -> None:
    """A replay changes nothing; a tag takes a new value; a parameter keeps the one that it has, and the other is left out."""
    run = store.start_run("a", {"note": "old"})
    for note in ("old", "new"):
        store.log(run, params={"seed": 7}, tags={"note": note})
    assert ({"seed": "7"}, "new") == (client.get_run(run).data.params, client.get_run(run).data.tags["note"])
    store.log(run, params={"seed": 8, "k": 4})
    assert {"seed": "7", "k": "4"} == client.get_run(run).data.params
    assert [("parameter", "seed")] == [(value.kind, value.name) for value in store.refused]


def test_any_text(store, client) -> None:
    """Text of any script, and what a database or an address would have to quote, comes back as it was."""
    texts = dict(enumerate(["größer 視頻 \N{CLAPPER BOARD} عربى", "tab\tline\r\nend", "100 % {} '\"\\ :name $1", " ", "", "NULL"]))
    at_the_start = {f"start.{number}": text for number, text in texts.items()}
    later = {f"later.{number}": text for number, text in texts.items()}
    run = store.start_run("größer 視頻", at_the_start)
    store.log(run, params={f"p{number}": text for number, text in texts.items() if text}, tags=later)
    found = client.get_run(run)
    assert (at_the_start | later).items() <= found.data.tags.items()
    assert {f"p{number}": text for number, text in texts.items() if text} == found.data.params
    assert "größer 視頻" == found.info.run_name


def test_text_that_no_database_takes(store, client) -> None:
    """What PostgreSQL (NUL) or UTF-8 (lone surrogates) has no place for becomes a replacement character, and does not lose the sample."""
    run = store.start_run("a\0b", {"x": "a\ud800b"})
    store.log(run, params={"x": "a\udfffb"}, tags={"y": "a\0b"})
    found = client.get_run(run)
    assert {"a\N{REPLACEMENT CHARACTER}b"} == {found.info.run_name, found.data.tags["x"], found.data.tags["y"], found.data.params["x"]}


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


def test_a_long_name_is_cut(store, client) -> None:
    """A sample's id of 1,000 characters names its run as far as every database takes it."""
    run = store.start_run("ö" * 1_000, {})
    assert "ö" * 249 + "…" == client.get_run(run).info.run_name


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
    """They become artifacts under their own names, in a folder where one is named; a second writing replaces them."""
    (tmp_path / "größe 1.txt").write_text("one")
    run = store.start_run("a", {})
    store.log_files(run, [tmp_path / "größe 1.txt"])
    store.log_files(run, [tmp_path / "größe 1.txt"], "below")
    (tmp_path / "größe 1.txt").write_text("two")
    store.log_files(run, [tmp_path / "größe 1.txt"])
    paths = [file.path for file in client.list_artifacts(run)] + [file.path for file in client.list_artifacts(run, "below")]
    assert {"größe 1.txt", "below", "below/größe 1.txt"} == set(paths)
    texts = [Path(client.download_artifacts(run, path)).read_text() for path in ("größe 1.txt", "below/größe 1.txt")]
    assert ["two", "one"] == texts


def test_a_run_that_is_not_there(store) -> None:
    """Writing to it is an error, and not one that may pass."""
    from vreason_tracking.stores.store_errors import is_unavailable

    with pytest.raises(Exception, match="0123456789abcdef") as caught:
        store.log("0123456789abcdef0123456789abcdef", [("entropy", 0.5, 1, 0)])
    assert not is_unavailable(caught.value)


def test_an_experiment_is_made_once(uri, name, client) -> None:
    """The second store of a name uses the experiment of the first."""
    first, second = MlflowStore(uri, name), MlflowStore(uri, name)
    assert first.experiment_id == second.experiment_id
    assert first.experiment_id == client.get_experiment_by_name(name).experiment_id


def test_a_deleted_experiment(store, client, uri, name) -> None:
    """It is not written to in secret: the message says how to get it back."""
    client.delete_experiment(store.experiment_id)
    with pytest.raises(TrackingError, match=rf"'{name}' was deleted.*restore"):
        MlflowStore(uri, name)


def test_opening_an_experiment_that_is_not_there(uri, client, name) -> None:
    """Reading from an experiment that does not exist is an error that tells no password, and makes none."""
    with pytest.raises(TrackingError, match=name) as caught:
        open_store(uri, name)
    assert "s3cret" not in str(caught.value)
    assert client.get_experiment_by_name(name) is None


def test_opening_by_the_environment(store, uri, name, tmp_path, monkeypatch) -> None:
    """Without an address the environment's counts, and without that the file mlflow.db of this folder."""
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    with pytest.raises(TrackingError, match=r"sqlite:///mlflow\.db: there is no such database"):
        open_store(None, name)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    assert (uri, store.experiment_id) == (open_store(None, name).uri, open_store(None, name).experiment_id)


RECORD = """
import sys
from vreason_tracking.stores.mlflow_store import MlflowStore
for uri in sys.argv[2:]:
    store = MlflowStore(uri, sys.argv[1])
    run = store.start_run("a", {})
    store.log(run, [("entropy", 0.5, 1, 0)], {"seed": 1}, {"tag": "b"})
    store.end_run(run, "FINISHED")
"""


@pytest.mark.slow
def test_nothing_is_printed(sqlite_uri, database_uri, server_uri, name, tmp_path) -> None:
    """Recording is silent on every kind of store: no line of MLflow's, and so none with a password in it."""
    command = [sys.executable, "-c", RECORD, name, sqlite_uri, database_uri, server_uri]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (0, "", "") == (done.returncode, done.stdout, done.stderr)


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "PostgreSQL", "postgresql+psycopg"])
def test_addresses_of_postgresql(database_uri, name, scheme) -> None:
    """However it is written, psycopg 3 is the driver."""
    store = MlflowStore(database_uri.replace("postgresql+psycopg", scheme), name)
    assert database_uri == store.uri
    assert store.experiment_id == open_store(database_uri, name).experiment_id


def test_a_server_that_is_not_there(monkeypatch) -> None:
    """It may come: the message names address and reason, says what to check, and keeps the password to itself."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(TrackingUnavailableError, match=r"http://me:\*\*\*@127\.0\.0\.1:1: .*check tracking\.uri") as caught:
        MlflowStore("http://me:s3cret@127.0.0.1:1", "trial")
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("uri", ["mysql+nosuch://me:s3cret@127.0.0.1:1/db", "gopher://me:s3cret@here", "http://me:s3cret@host:50O0"])
def test_an_address_that_leads_nowhere(uri) -> None:
    """A driver or a scheme that nobody knows, a port that is no number: nothing to wait for, and the password is not told."""
    with pytest.raises(TrackingError) as caught:
        MlflowStore(uri, "trial")
    assert ("s3cret" not in str(caught.value), TrackingError) == (True, type(caught.value))


def test_opening_what_is_not_there(tmp_path, monkeypatch) -> None:
    """Reading a database that does not exist is an error, and makes none."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TrackingError, match=r"none\.db.*--tracking-uri"):
        open_store("sqlite:///none.db", "trial")
    assert [] == list(tmp_path.iterdir())
