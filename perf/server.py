"""What the audit trail costs a client: `log_batch` against `mlflow server` and against `vreason-track server`, in turn.

    python perf/server.py                       # both on SQLite
    python perf/server.py --clients 8 --requests 400

Both servers run side by side with one worker each, and the clients ask one and then the other, another one first each time. Prints the time
of a request at each, and their ratio.
"""

from __future__ import annotations

import argparse
import os
import platform
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

METRICS = 50  # of a request


@contextmanager
def server(program: list[str], folder: Path, port: int) -> Iterator[str]:
    """A server on a database of its own, which is made in the same way for each (WAL alone is worth a millisecond); its address."""
    from vreason_tracking.stores import prepare

    folder.mkdir()
    prepare(f"sqlite:///{folder}/mlflow.db")
    command = [*program, "server", "--host", "127.0.0.1", "--port", str(port), "--backend-store-uri", f"sqlite:///{folder}/mlflow.db"]
    command += ["--artifacts-destination", str(folder / "artifacts"), "--workers", "1"]
    environment = os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True)
    address = f"http://127.0.0.1:{port}"
    try:
        _wait(address, process)
        yield address
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


def _wait(address: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 120
    while time.monotonic() < end and process.poll() is None:
        try:
            urllib.request.urlopen(f"{address}/health", timeout=5).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit(f"{address}: the server did not start")


class Client:
    """Somebody who logs to a run of its own on each server."""

    def __init__(self, addresses: dict[str, str]) -> None:
        from mlflow import MlflowClient

        self._clients = {name: MlflowClient(address) for name, address in addresses.items()}
        self._runs = {name: client.create_run("0").info.run_id for name, client in self._clients.items()}
        self._step = 0

    def ask(self, name: str) -> float:
        """One request; milliseconds."""
        from mlflow.entities import Metric

        self._step += 1
        metrics = [Metric(f"quantity-{number}", 0.5, self._step, self._step) for number in range(METRICS)]
        begin = time.perf_counter()
        self._clients[name].log_batch(self._runs[name], metrics)
        return (time.perf_counter() - begin) * 1000


def measure(addresses: dict[str, str], clients: int, requests: int) -> dict[str, list[float]]:
    """Times of all requests by server; the servers take turns, a round of all clients each."""
    everybody = [Client(addresses) for _ in range(clients)]
    times: dict[str, list[float]] = {name: [] for name in addresses}
    with ThreadPoolExecutor(clients) as pool:
        for round_ in range(-3, requests):
            for name in sorted(addresses, reverse=round_ % 2 == 0):
                took = list(pool.map(lambda client, name=name: client.ask(name), everybody))  # type: ignore[misc]
                times[name] += took if round_ >= 0 else []
    return times


def log_size(path: Path) -> int:
    """Entries of an audit trail."""
    from vreason_tracking.audit import AuditDatabase, AuditLog, local_uri

    return AuditLog(AuditDatabase(local_uri(path))).size()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8], help="how many ask at once")
    parser.add_argument("--requests", type=int, default=200, help="rounds of requests")
    parser.add_argument("--port", type=int, default=5970, help="and the next one")
    options = parser.parse_args()
    ours = str(Path(sys.executable).with_name("vreason-track"))
    with tempfile.TemporaryDirectory(prefix="vreason-server-") as name, ExitStack() as running:
        folder = Path(name)
        addresses = {
            "mlflow server": running.enter_context(server([sys.executable, "-m", "mlflow"], folder / "plain", options.port)),
            "vreason-track server": running.enter_context(server([ours], folder / "audited", options.port + 1)),
        }
        print(f"{platform.machine()}, {os.cpu_count()} cores, SQLite, log_batch of {METRICS} metrics")
        for clients in options.clients:
            times = measure(addresses, clients, options.requests)
            for server_name, values in times.items():
                p95 = statistics.quantiles(values, n=20)[-1]
                print(f"{clients:>3} client(s)  {server_name:<21} median {statistics.median(values):7.2f} ms   p95 {p95:7.2f} ms")
            plain, audited = (times[each] for each in addresses)
            medians = statistics.median(audited) / statistics.median(plain)
            tails = statistics.quantiles(audited, n=20)[-1] / statistics.quantiles(plain, n=20)[-1]
            entered = log_size(folder / "audited" / "audit.db")
            assert entered > 2 * len(audited), "not every request was entered"
            print(f"{clients:>3} client(s)  ratio: median {medians:.2f}, p95 {tails:.2f} (target at most 1.10)")


if __name__ == "__main__":
    main()
