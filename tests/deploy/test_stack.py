"""The services of docker-compose.yml as plain processes on a real PostgreSQL, in their order: what works but for the engine itself."""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.helpers import compose
from tests.helpers.ports import free_port
from tests.helpers.postgres import PASSWORD, USER, PostgresServer

pytestmark = pytest.mark.slow

PROGRAM = Path(sys.executable).with_name("vreason-track")


@pytest.fixture(scope="module")
def database() -> Iterator[PostgresServer]:
    """An empty PostgreSQL."""
    made = PostgresServer()
    made.start()
    yield made
    made.remove()


@pytest.fixture(scope="module")
def port() -> int:
    """The server's."""
    return free_port()


@pytest.fixture(scope="module")
def stack(database: PostgresServer, port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[compose.Stack]:
    """Database, tables, server, and who signs: `docker compose up`."""
    folder = tmp_path_factory.mktemp("stack")
    for name in ("artifacts", "checkpoints", "backups", "runner"):
        (folder / name).mkdir()
    replaced = {"PGHOST": "127.0.0.1", "PGPORT": str(database.port), "MLFLOW_TRACKING_URI": f"http://127.0.0.1:{port}"}
    found = compose.Stack(folder, compose.read({"VREASON_SIGN_EVERY": "0.5", "VREASON_BACKUP_EVERY": "2"}), replaced, [database._binaries])
    secrets = subprocess.run(["/bin/sh", str(compose.ROOT / "deploy/entry/secrets.sh"), str(found.secrets)], env=paths(found))
    assert 0 == secrets.returncode
    roles = paths(found) | {"PGHOST": "127.0.0.1", "PGPORT": str(database.port), "PGPASSWORD": PASSWORD, "POSTGRES_USER": USER}
    subprocess.run(["/bin/sh", str(compose.ROOT / "deploy/database/roles.sh")], env=roles, check=True, capture_output=True)
    try:
        found.finish("migrate")
        found.start("server", VREASON_HOST="127.0.0.1", VREASON_PORT=str(port), VREASON_WORKERS="1")
        found.wait_for("server", f"http://127.0.0.1:{port}/health")
        found.start("signer")
        yield found
    finally:
        found.stop()


def paths(stack: compose.Stack) -> dict[str, str]:
    return {name: value for name, value in stack.environment("migrate").items() if name in ("PATH", "HOME", "VREASON_SECRETS")}


def secret(stack: compose.Stack, name: str) -> str:
    return (stack.secrets / name).read_text().strip()


def ask(stack: compose.Stack, port: int, path: str, *, body: Any = None, token: str | None = None) -> Any:
    """The server's answer, to the first admin or to whom a token is."""
    who = base64.b64encode(f"admin:{secret(stack, 'admin_password')}".encode()).decode()
    headers = {"authorization": f"Bearer {token}" if token else f"Basic {who}", "content-type": "application/json"}
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}", headers=headers, data=None if body is None else json.dumps(body).encode()
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def connect(stack: compose.Stack, database: PostgresServer, role: str, name: str) -> psycopg.Connection[Any]:
    return psycopg.connect(host="127.0.0.1", port=database.port, dbname="vreason", user=role, password=secret(stack, name), autocommit=True)


def test_the_first_admin(stack: compose.Stack, port: int) -> None:
    """The password in the secret opens the server; nobody comes in without."""
    assert {"name": "admin", "role": "admin", "read_only": False} == ask(stack, port, "/vreason/api/me")
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(f"http://127.0.0.1:{port}/vreason/api/me")


def test_by_its_name(stack: compose.Stack, port: int) -> None:
    """Services beside it ask for it by its name; by another's it does not answer."""
    who = {"authorization": "Basic " + base64.b64encode(f"admin:{secret(stack, 'admin_password')}".encode()).decode()}
    address = f"http://127.0.0.1:{port}/vreason/api/me"
    urllib.request.urlopen(urllib.request.Request(address, headers={**who, "host": f"server:{port}"})).close()
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(urllib.request.Request(address, headers={**who, "host": f"evil:{port}"}))


def test_secrets_are_closed(stack: compose.Stack) -> None:
    """The folder is its owner's alone, also where it was open before; a script that is called again changes no secret."""
    before = {path.name: path.read_bytes() for path in stack.secrets.iterdir()}
    stack.secrets.chmod(0o755)
    subprocess.run(["/bin/sh", str(compose.ROOT / "deploy/entry/secrets.sh"), str(stack.secrets)], env=paths(stack), check=True)
    assert 0o700 == stack.secrets.stat().st_mode & 0o777
    assert before == {path.name: path.read_bytes() for path in stack.secrets.iterdir()}


def test_started_again(stack: compose.Stack) -> None:
    """The migration of every later start changes nothing, and makes no second admin."""
    stack.finish("migrate")
    assert 1 == stack.log("migrate").count("is an admin")


def test_the_server_s_role(stack: compose.Stack, database: PostgresServer, port: int) -> None:
    """It appends to the audit trail; it does not change, delete or empty it, and cannot take the triggers away."""
    ask(stack, port, "/api/2.0/mlflow/experiments/create", body={"name": "one"})
    with connect(stack, database, "vreason_app", "database_app") as connection:
        assert connection.execute("SELECT count(*) FROM vreason.audit_entries").fetchone() > (0,)
        for statement in (
            "UPDATE vreason.audit_entries SET actor = 'x'",
            "DELETE FROM vreason.audit_entries",
            "TRUNCATE vreason.audit_entries",
            "DROP TABLE vreason.audit_entries CASCADE",
            "ALTER TABLE vreason.audit_entries DISABLE TRIGGER ALL",
            "CREATE TABLE vreason.other (x int)",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)  # type: ignore[call-overload]
    with (
        connect(stack, database, "vreason_owner", "database_owner") as connection,
        pytest.raises(psycopg.Error, match="append"),
    ):
        connection.execute("DELETE FROM vreason.audit_entries")


def test_no_password_in_the_list_of_processes(stack: compose.Stack) -> None:
    """Neither as an argument nor in the environment; but for the session's secret, which MLflow takes from nowhere else."""
    hidden = [secret(stack, name) for name in ("database_owner", "database_app", "admin_password", "audit_key")]
    seen = 0
    for group in (process.pid for process in stack.running.values() if process.poll() is None):
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if os.getpgid(int(folder.name)) != group:
                    continue
                text = (folder / "cmdline").read_bytes() + (folder / "environ").read_bytes()
            except (OSError, ProcessLookupError):
                continue
            seen += 1
            assert not [each for each in hidden if each.encode() in text]
    assert seen >= 2


def test_signed_elsewhere(stack: compose.Stack, port: int) -> None:
    """What was signed is in a file that the server does not write, and the server knows it by the public key."""
    ask(stack, port, "/api/2.0/mlflow/experiments/create", body={"name": "two"})
    end = time.monotonic() + 60
    while time.monotonic() < end:
        state = ask(stack, port, "/vreason/api/audit/state")
        if state["signed_size"] == state["size"]:
            break
        time.sleep(0.3)
    assert state["signed_size"] == state["size"], stack.log("signer")
    (stack.folder / "trail.jsonl").write_bytes(urllib.request.urlopen(export(stack, port)).read())
    done = subprocess.run(
        [
            PROGRAM,
            "audit",
            "verify",
            "trail.jsonl",
            "--public-key",
            "secrets/audit_public_key",
            "--checkpoint",
            "checkpoints/checkpoints.txt",
        ],
        cwd=stack.folder,
        capture_output=True,
        text=True,
    )
    assert 0 == done.returncode, done.stdout + done.stderr
    assert "all as they were entered" in done.stdout


def export(stack: compose.Stack, port: int) -> urllib.request.Request:
    who = base64.b64encode(f"admin:{secret(stack, 'admin_password')}".encode()).decode()
    return urllib.request.Request(f"http://127.0.0.1:{port}/vreason/api/audit/export", headers={"authorization": f"Basic {who}"})


def test_backups(stack: compose.Stack, database: PostgresServer) -> None:
    """One after the other, each of which comes back in an empty database, with its root."""
    if shutil.which("pg_dump", path=stack.environment("backup")["PATH"]) is None:
        pytest.skip("no pg_dump here")
    for name in ("somebody-else-s", "2020-01-01T000000Z"):
        (stack.folder / "backups" / name).mkdir()
        os.utime(stack.folder / "backups" / name, (0, 0))
    process = stack.start("backup")
    end = time.monotonic() + 120
    while time.monotonic() < end and len(made := sorted((stack.folder / "backups").glob("20[2-9][1-9]-*/"))) < 2:
        time.sleep(0.3)
    os.killpg(process.pid, signal.SIGTERM)
    process.wait(20)
    assert len(made) >= 2, stack.log("backup")
    assert (stack.folder / "backups" / "somebody-else-s").is_dir(), "what is no backup is left alone"
    assert not (stack.folder / "backups" / "2020-01-01T000000Z").exists()
    database.databases.execute("CREATE DATABASE again TEMPLATE template0")
    target = database.databases.uri("again").replace("+psycopg", "")
    command = [str(PROGRAM), "db", "restore", str(made[0]), "--database", target, "--artifacts", str(stack.folder / "again")]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"PATH": stack.environment("backup")["PATH"]})
    assert 0 == done.returncode, done.stdout + done.stderr
    assert "with the root that they had" in done.stdout


def test_runner(stack: compose.Stack, port: int) -> None:
    """A config that is put into the queue is run as the token's user; one that cannot be run is put aside with its log."""
    command = [str(PROGRAM), "token", "create", "admin", "--name", "runner", "--backend-store-uri", "ignored:"]
    environment = stack.environment("migrate") | {
        "VREASON_DATABASE": f"postgresql://vreason_app:{secret(stack, 'database_app')}@127.0.0.1:{stack.replaced['PGPORT']}/vreason"
    }
    command[-1] = environment["VREASON_DATABASE"]
    token = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    (stack.secrets / "runner_token").write_text(token)
    (stack.folder / "runner" / "queue").mkdir()
    text = (compose.ROOT / "configs" / "quickstart.yaml").read_text().replace("limit: 48", "limit: 2")
    (stack.folder / "runner" / "queue" / "good.yaml").write_text(text)
    (stack.folder / "runner" / "queue" / "bad.yaml").write_text("nmae: x\n")
    stack.finish("runner", VREASON_RUNNER_ONCE="1")
    log = stack.folder / "runner" / "finished" / "good.yaml.log"
    assert log.is_file(), stack.log("runner") + "".join(path.read_text() for path in (stack.folder / "runner").glob("*/*.log"))
    assert "nmae" in (stack.folder / "runner" / "failed" / "bad.yaml.log").read_text()
    runs = ask(stack, port, "/vreason/api/runs")["runs"]
    assert ["FINISHED"] * 3 == [run["status"] for run in runs]
    entries = ask(stack, port, f"/vreason/api/runs/{runs[0]['id']}/timeline")["entries"]
    assert {"admin"} == {entry["actor"] for entry in entries}
