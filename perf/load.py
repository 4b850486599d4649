"""A team's load on one server: so many clients log and so many read, for so long; nothing that was acknowledged is lost or unaudited.

    python perf/load.py --postgres postgresql://me:secret@127.0.0.1/postgres
    python perf/load.py --postgres ... --seconds 120 --users --kill-server 30
    python perf/load.py --postgres ... --seconds 120 --restart-database 'pg_ctl -D DATA -m immediate restart' --restart-every 30

`mlflow server` and `vreason-track server` run side by side with one worker each on databases of their own, and each client asks one and
then the other, so that both have the same load at the same time. Requests are paced (--every), for two servers and all clients share a
machine.
A client repeats what was not acknowledged, as MLflow's own does.

At the end every acknowledged request is looked up: its points in MLflow's table, its intent and its outcome in the audit trail. Ends with 1
when one is missing.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import requests
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

METRICS = 50  # of a request
GIVE_UP = 120.0  # seconds for which a client repeats a request
PLAIN, AUDITED = "mlflow server", "vreason-track server"


@dataclass
class Server:
    """A server process that can be killed and started again."""

    name: str
    command: list[str]
    folder: Path
    port: int
    database: str
    headers: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """And wait until it answers."""
        environment = os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(self.command, cwd=self.folder, env=environment, stdout=log, stderr=log, start_new_session=True)
        end = time.monotonic() + 180
        while time.monotonic() < end and self.process.poll() is None:
            try:
                if requests.get(f"{self.address}/health", timeout=5).ok:
                    return
            except requests.RequestException:
                time.sleep(0.1)
        raise SystemExit(f"{self.name} did not start: {(self.folder / 'log').read_text()[-3000:]}")

    def kill(self) -> None:
        """At once, with all that it started."""
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


@dataclass
class Client:
    """Somebody who logs to a run of their own on each server.

    Attributes:
        acknowledged: of each server, the step and the digest of the body of each request that was answered with 200.
        times: of each server, by step, seconds of each request that was answered at the first try.
        repeated: how often a request had to be repeated.
        lost: steps that were given up, by server.
    """

    servers: list[Server]
    every: float
    runs: dict[str, str] = field(default_factory=dict)
    acknowledged: dict[str, dict[int, str]] = field(default_factory=lambda: {PLAIN: {}, AUDITED: {}})
    times: dict[str, dict[int, float]] = field(default_factory=lambda: {PLAIN: {}, AUDITED: {}})
    repeated: int = 0
    lost: list[tuple[str, int]] = field(default_factory=list)

    def begin(self) -> None:
        """Make the runs."""
        self.session = requests.Session()
        for server in self.servers:
            body = {"experiment_id": "0", "start_time": 1}
            answer = self.session.post(f"{server.address}/api/2.0/mlflow/runs/create", json=body, headers=server.headers, timeout=60)
            answer.raise_for_status()
            self.runs[server.name] = answer.json()["run"]["info"]["run_id"]

    def work(self, until: float, first: int) -> None:
        """Log until a time, a request to each server by turns."""
        due, step = time.monotonic() + first % 10 / 10 * self.every, 0
        while (now := time.monotonic()) < until:
            if now < due:
                time.sleep(min(due - now, until - now))
                continue
            due, step = due + self.every, step + 1
            for server in self.servers[:: 1 if step % 2 else -1]:
                self._log(server, step)

    def _log(self, server: Server, step: int) -> None:
        metrics = [{"key": f"quantity-{number}", "value": step, "timestamp": step, "step": step} for number in range(METRICS)]
        body = json.dumps({"run_id": self.runs[server.name], "metrics": metrics}).encode()
        headers = {"content-type": "application/json", **server.headers}
        began, tries = time.perf_counter(), 0
        while time.perf_counter() - began < GIVE_UP:
            tries += 1
            try:
                answer = self.session.post(f"{server.address}/api/2.0/mlflow/runs/log-batch", data=body, headers=headers, timeout=60)
            except requests.RequestException:
                self.session.close()
            else:
                if answer.status_code == 200:
                    self.acknowledged[server.name][step] = hashlib.sha256(body).hexdigest()
                    if tries == 1:
                        self.times[server.name][step] = time.perf_counter() - began
                    return
            self.repeated += 1
            time.sleep(min(0.2 * 2**tries, 2))
        self.lost.append((server.name, step))


class Reader:
    """Somebody who looks at runs and their curves on both servers."""

    def __init__(self, servers: list[Server], every: float) -> None:
        self.servers, self.every = servers, every
        self.times: dict[str, dict[int, float]] = {PLAIN: {}, AUDITED: {}}

    def work(self, until: float) -> None:
        """Search runs, and read a curve."""
        turn = 0
        with requests.Session() as session:
            while time.monotonic() < until:
                turn += 1
                for server in self.servers[:: 1 if turn % 2 else -1]:
                    began = time.perf_counter()
                    try:
                        body = {"experiment_ids": ["0"], "max_results": 20}
                        path = f"{server.address}/api/2.0/mlflow/runs/search"
                        answer = session.post(path, json=body, headers=server.headers, timeout=60)
                        if answer.ok:
                            self.times[server.name][turn] = time.perf_counter() - began
                    except requests.RequestException:
                        session.close()
                time.sleep(self.every)


@contextmanager
def servers(postgres: str, folder: Path, port: int, with_users: bool) -> Iterator[list[Server]]:
    """Both, on databases that are dropped again."""
    url = make_url(postgres).set(drivername="postgresql+psycopg")
    engine = create_engine(url, isolation_level="AUTOCOMMIT", pool_pre_ping=True)
    names = {PLAIN: "vreason_load_plain", AUDITED: "vreason_load_audited"}
    made = []
    with engine.connect() as connection:
        for name in names.values():
            connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
            connection.execute(text(f"CREATE DATABASE {name}"))
    try:
        for number, (name, database) in enumerate(names.items()):
            uri = url.set(database=database).render_as_string(hide_password=False)
            (folder / database).mkdir()
            made.append(_server(name, uri, folder / database, port + number, with_users and name == AUDITED))
        for server in made:
            server.start()
        yield made
    finally:
        for server in made:
            server.kill()
        with engine.connect() as connection:
            for database in names.values():
                connection.execute(text(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)"))


def _server(name: str, uri: str, folder: Path, port: int, with_users: bool) -> Server:
    ours = str(Path(sys.executable).with_name("vreason-track"))
    program = [ours] if name == AUDITED else [sys.executable, "-m", "mlflow"]
    command = [*program, "server", "--host", "127.0.0.1", "--port", str(port), "--backend-store-uri", uri, "--workers", "1"]
    command += ["--artifacts-destination", str(folder / "artifacts"), *(["--users"] if with_users else [])]
    headers = {}
    if name == AUDITED:
        subprocess.run([ours, "db", "upgrade", "--database", uri], check=True, capture_output=True)
    if with_users:
        options = ["--role", "admin", "--password-file", "-", "--backend-store-uri", uri, "--database", uri]
        subprocess.run([ours, "user", "add", "load", *options], input=b"a long password\n", check=True, capture_output=True)
        headers["authorization"] = "Basic " + base64.b64encode(b"load:a long password").decode()
    return Server(name, command, folder, port, uri, headers)


def check(both: list[Server], clients: list[Client]) -> int:
    """Look every acknowledged request up; the number of those of which something is missing."""
    missing = 0
    for server in both:
        with create_engine(server.database).connect() as connection:
            query = text("SELECT run_uuid, step, count(*) FROM metrics GROUP BY run_uuid, step")
            stored = {(run, step): count for run, step, count in connection.execute(query)}
            digests: dict[str, set[str]] = {}
            if server.name == AUDITED:
                for (body,) in connection.execute(text("SELECT body FROM vreason.audit_entries WHERE action = 'mlflow.runs.log-batch'")):
                    entry = json.loads(body)
                    digests.setdefault(entry["details"].get("body_sha256", ""), set()).add(entry["outcome"])
        wanted = [
            (client.runs[server.name], step, digest) for client in clients for step, digest in client.acknowledged[server.name].items()
        ]
        lost = sum(stored.get((run, step)) != METRICS for run, step, _ in wanted)
        told = f"{server.name}: {len(wanted):,} acknowledged, {lost} not stored"
        missing += lost
        if server.name == AUDITED:
            unaudited = sum("intent" not in digests.get(digest, ()) for *_, digest in wanted)
            open_ended = sum("done" not in digests.get(digest, ()) for *_, digest in wanted)
            told += f", {unaudited} without an intent, {open_ended} without an outcome"
            missing += unaudited
        print(told)
    return missing


def disturb(both: list[Server], options: argparse.Namespace, until: float) -> None:
    """Kill the servers, or restart the database, as often as was asked for."""
    every = options.kill_server or (options.restart_every if options.restart_database else None)
    while every and time.monotonic() + every < until:
        time.sleep(every)
        if options.kill_server:
            for server in both:
                server.kill()
                server.start()
            print("servers killed and started")
        else:
            subprocess.run(options.restart_database, shell=True, check=True, capture_output=True)
            print("database restarted")


def main() -> int:
    """Load, and look."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--postgres", required=True, help="address of a PostgreSQL where databases may be made")
    parser.add_argument("--clients", type=int, default=50, help="who log")
    parser.add_argument("--readers", type=int, default=20, help="who read")
    parser.add_argument("--seconds", type=float, default=600, help="how long")
    parser.add_argument("--every", type=float, default=4.0, help="seconds from one request of a client to each server to the next")
    parser.add_argument("--users", action="store_true", help="ours with users, the other without")
    parser.add_argument("--kill-server", type=float, metavar="SECONDS", help="kill both servers so often, and start them again")
    parser.add_argument("--restart-database", metavar="COMMAND", help="by which the database is killed and started again")
    parser.add_argument("--restart-every", type=float, default=30.0, metavar="SECONDS", help="how often that is done")
    parser.add_argument("--port", type=int, default=5980, help="and the next one")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="vreason-load-") as name, ExitStack() as stack:
        both = stack.enter_context(servers(options.postgres, Path(name), options.port, options.users))
        clients = [Client(both, options.every) for _ in range(options.clients)]
        for client in clients:
            client.begin()
        readers = [Reader(both, options.every) for _ in range(options.readers)]
        until = time.monotonic() + options.seconds
        threads = [threading.Thread(target=client.work, args=(until, number)) for number, client in enumerate(clients)]
        threads += [threading.Thread(target=reader.work, args=(until,)) for reader in readers]
        for thread in threads:
            thread.start()
        disturb(both, options, until)
        for thread in threads:
            thread.join()
        time.sleep(1)  # outcomes linger for a moment
        print(f"{options.clients} clients, {options.readers} readers, {options.seconds:g} s; {os.cpu_count()} cores, PostgreSQL")
        for what, people in (("log_batch", clients), ("search", readers)):
            for server in both:
                times = sorted(value * 1000 for each in people for value in each.times[server.name].values())
                median, p95 = statistics.median(times), statistics.quantiles(times, n=20)[-1]
                print(f"  {what:<9} {server.name:<21} {len(times):>6,} requests  median {median:7.1f} ms   p95 {p95:7.1f} ms")
            ratios = [
                took / each.times[PLAIN][step] for each in people for step, took in each.times[AUDITED].items() if step in each.times[PLAIN]
            ]
            print(f"  {what:<9} median of the paired ratios {statistics.median(ratios):.2f}")
        print(f"  repeated {sum(client.repeated for client in clients)}, given up {sum(len(client.lost) for client in clients)}")
        return 1 if check(both, clients) else 0


if __name__ == "__main__":
    raise SystemExit(main())
