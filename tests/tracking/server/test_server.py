"""``vreason-track server``: MLflow's own server for every client, each change of which is in the audit trail."""

from __future__ import annotations

import concurrent.futures
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from mlflow import MlflowClient
from mlflow.entities import Metric

from tests.helpers.ports import wait_until
from tests.helpers.tracking_server import TrackingServer
from vreason.errors import ConfigError, TrackingError
from vreason_migrations import upgrade
from vreason_tracking.audit import AuditDatabase, AuditLog, Filter, SigningKey, export_to, local_uri, verify_export
from vreason_tracking.server.app import arguments, database_for, destination_for, require_loopback

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[TrackingServer]:
    """One for all tests of the file that leave it running."""
    made = TrackingServer(tmp_path_factory.mktemp("server"), audited=True)
    made.start()
    yield made
    made.stop()


def trail(server: TrackingServer) -> AuditLog:
    return AuditLog(AuditDatabase(local_uri(server.folder / "audit.db")))


def answered(log: AuditLog, subject: str) -> list[str]:
    """The outcomes of a subject's entries, once the last request's is among them: it is entered behind the answer."""
    wait_until(lambda: log.entries(Filter(subject=subject))[-1].outcome != "intent", lambda: True, 30, lambda: "no outcome")
    return [entry.outcome for entry in log.entries(Filter(subject=subject))]


def test_mlflows_client(server) -> None:
    """What a client logs is in MLflow, and in the trail: each change, before and after; what it only reads is not."""
    client = MlflowClient(server.uri)
    experiment = client.create_experiment("trial")
    run = client.create_run(experiment).info.run_id
    client.log_batch(run, [Metric("accuracy", 0.5, 0, 0)])
    client.log_text(run, "hello", "notes.txt")
    client.create_registered_model("shapes")
    assert 0.5 == client.get_run(run).data.metrics["accuracy"]
    assert 1 == len(client.search_runs([experiment]))
    client.delete_run(run)
    log = trail(server)
    answered(log, f"run:{run}")
    mine = [(entry.action, entry.outcome) for entry in log.entries(Filter(subject=f"run:{run}"))]
    assert [("mlflow.runs.log-batch", "intent"), ("mlflow.runs.log-batch", "done")] == mine[:2]
    assert ("mlflow.runs.delete", "done") == mine[-1]
    (stored,) = [entry for entry in log.entries(Filter(action="mlflow.artifacts.put")) if entry.outcome == "done"]
    assert (5, True) == (stored.details["body_bytes"], stored.subject.endswith("/artifacts/notes.txt"))
    assert ["model:shapes"] * 2 == [entry.subject for entry in log.entries(Filter(action="mlflow.registered-models."))]
    assert [] == [entry for entry in log.entries(Filter(action="mlflow.")) if "search" in entry.action]


def test_both_spellings(server) -> None:
    """A request that says two things is refused, and the run that MLflow would have taken is not deleted."""
    client = MlflowClient(server.uri)
    run = client.create_run("0").info.run_id
    address = f"http://127.0.0.1:{server.port}/api/2.0/mlflow/runs/delete"
    assert 400 == requests.post(address, json={"run_id": "other", "runId": run}, timeout=30).status_code
    assert "active" == client.get_run(run).info.lifecycle_stage


def test_other_sites_and_hosts_are_kept_out(server) -> None:
    """MLflow's own protection stays in front: neither comes to the trail."""
    before = trail(server).size()
    address = f"http://127.0.0.1:{server.port}/api/2.0/mlflow/experiments/create"
    assert 403 == requests.post(address, json={"name": "x"}, headers={"origin": "https://evil.example"}, timeout=30).status_code
    assert 403 == requests.post(address, json={"name": "x"}, headers={"host": "evil.example"}, timeout=30).status_code
    assert before == trail(server).size()


def test_many_clients(server) -> None:
    """Eight clients at once: no write is lost, and every acknowledged one is in the trail, with its outcome."""
    client = MlflowClient(server.uri)
    runs = [client.create_run("0").info.run_id for _ in range(8)]

    def write(run: str) -> None:
        own = MlflowClient(server.uri)
        for step in range(15):
            own.log_batch(run, [Metric("loss", step, step, step)])

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(write, runs))
    log = trail(server)
    for run in runs:
        answered(log, f"run:{run}")
        assert list(range(15)) == sorted(metric.step for metric in client.get_metric_history(run, "loss"))
        outcomes = [entry.outcome for entry in log.entries(Filter(subject=f"run:{run}", action="mlflow.runs.log-batch"))]
        assert (15, 15) == (outcomes.count("intent"), outcomes.count("done"))


def test_killed_and_started_again(tmp_path) -> None:
    """After kill -9 the trail is whole: it goes on behind its last entry, and an export of it is verified."""
    server = TrackingServer(tmp_path, audited=True)
    server.start()
    try:
        client = MlflowClient(server.uri)
        run = client.create_run("0").info.run_id
        assert server.process is not None
        os.killpg(server.process.pid, signal.SIGKILL)
        server.process.wait(30)
        before = trail(server).size()
        server.start()
        MlflowClient(server.uri).log_batch(run, [Metric("loss", 1, 1, 1)])
        answered(trail(server), f"run:{run}")
    finally:
        server.stop()
    key = SigningKey.generate("k")
    export_to(tmp_path / "export.jsonl", trail(server), key)
    found = verify_export(tmp_path / "export.jsonl", key.public)
    assert (True, True) == (found.intact, found.entries >= before + 2)


def test_on_postgres(tmp_path, postgres) -> None:
    """In MLflow's own PostgreSQL database: not before its tables are made; then MLflow and the trail share it."""
    from vreason_tracking.server import run_server

    name = postgres.create()
    uri = postgres.uri(name)
    with pytest.raises(TrackingError, match="has no audit trail; make its tables with `vreason-track db upgrade"):
        run_server(uri, str(tmp_path / "kept"), None, "127.0.0.1", 5999)
    database = AuditDatabase(uri)
    upgrade(database)
    server = TrackingServer(tmp_path, uri, audited=True)
    server.start()
    try:
        run = MlflowClient(server.uri).create_run("0").info.run_id
        MlflowClient(server.uri).set_tag(run, "who", "ada")
        assert ["intent", "done"] == answered(AuditLog(database), f"run:{run}")
    finally:
        server.stop()
    database.close()
    postgres.drop(name)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "server.example", ""])
def test_addresses_that_others_reach(host) -> None:
    """Without users the server listens on this machine only."""
    with pytest.raises(ConfigError, match="can be reached by others"):
        require_loopback(host)


def test_where_the_trail_is(tmp_path, monkeypatch) -> None:
    """As named, by option or environment; in the PostgreSQL of the backend; beside a SQLite file; nowhere else."""
    assert "sqlite:///a.db" == database_for("sqlite:///m.db", "sqlite:///a.db", {})
    assert "sqlite:///b.db" == database_for("sqlite:///m.db", None, {"VREASON_DATABASE": "sqlite:///b.db"})
    assert "postgresql+psycopg://h/d" == database_for("postgresql://h/d", None, {})
    monkeypatch.chdir(tmp_path)
    assert local_uri(Path("audit.db")) == database_for("sqlite:///m.db", None, {})
    with pytest.raises(ConfigError, match="there is no place for an audit trail"):
        database_for("mysql://h/d", None, {})


def test_what_mlflow_is_told(tmp_path) -> None:
    """Its application, database, address, and where artifacts are."""
    backend = f"sqlite:///{tmp_path}/m.db"
    told = arguments(backend, destination_for(backend, None), "127.0.0.1", 5001)
    assert ["server", "--app-name", "vreason"] == told[:3]
    assert str(tmp_path / "mlartifacts") == told[-1]
