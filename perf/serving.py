"""A bundle served by `vreason-track model serve` and by `mlflow models serve`, in one run, alternating.

    python perf/serving.py [--parts load,start,token] [--rounds 5] [--requests 32] [--clients 1,4,16] [--json FILE]

A run of the embedded demo is registered in a folder that is thrown away; both servers have the same bundle, the same clips inside the
requests, and the machine by turns: while one is asked the other is idle.

load   requests a second, and the 95th percentile of a request's time, at so many clients; both by /invocations. Time to first token by
       /v1/chat/completions, streamed; MLflow's server has no stream, so that there a request's whole time stands.
start  from the start of the process to its first answer, over the time in which a process imports what it needs and loads the model
       (`load_model`), which every user of it pays.
token  a token's time in our server, one client, by /invocations and streamed, over that of `vreason.decode` in a process that does nothing
       else: the same questions in the same order, alternating.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

os.environ |= {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true"}

from measuring import machine, ratios, spread
from serving_parts import OURS, THEIRS, Bundle, InProcess, Server, made_bundle, started, timed_load

PARTS = ("load", "start", "token")


def main() -> None:
    """Measure and print."""
    options = _options()
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="vreason-serving-") as folder:
        os.chdir(folder)
        bundle = made_bundle(Path(folder))
        print(f"{machine('torch', 'transformers', 'mlflow', 'fastapi', 'uvicorn')}\n", flush=True)
        if "load" in options.parts:
            found["load"] = load(bundle, options.clients, options.rounds, options.requests)
        if "start" in options.parts:
            found["start"] = start(bundle, options.rounds)
        if "token" in options.parts:
            found["token"] = token(bundle, options.rounds)
        os.chdir("/")
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", type=lambda text: text.split(","), default=list(PARTS), help="some of load,start,token")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=32, help="of a round, for each server")
    parser.add_argument("--clients", type=lambda text: [int(each) for each in text.split(",")], default=[1, 4, 16])
    parser.add_argument("--json", type=lambda text: Path(text).absolute())
    return parser.parse_args()


def load(bundle: Bundle, clients: Sequence[int], rounds: int, requests: int) -> dict[str, Any]:
    """Requests a second and times of both servers."""
    found: dict[str, Any] = {}
    with started(bundle, OURS) as ours, started(bundle, THEIRS) as theirs:
        servers = {OURS: ours, THEIRS: theirs}
        for server in servers.values():
            for number in range(4):
                server.invoke(number)
        for count in clients:
            rows: dict[str, list[dict[str, float]]] = {OURS: [], THEIRS: []}
            for round_number in range(rounds):
                for name in (OURS, THEIRS)[:: -1 if round_number % 2 else 1]:
                    rows[name].append(_burst(servers[name], count, requests))
            found[str(count)] = rows
            _print_load(count, rows)
    return found


def _burst(server: Server, clients: int, requests: int) -> dict[str, float]:
    """So many clients at once ask all the requests; then the same by stream, where there is one."""
    seconds, took = _times(server.invoke, clients, requests)
    first, _ = _times(server.first_token, clients, requests)
    return {
        "rate": requests / took,
        "p50": statistics.median(seconds),
        "p95": statistics.quantiles(seconds, n=20)[18],
        "first": statistics.median(first),
    }


def _times(ask: Callable[[int], float], clients: int, requests: int) -> tuple[list[float], float]:
    began = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        seconds = list(pool.map(ask, range(requests)))
    return seconds, time.perf_counter() - began


def _print_load(count: int, rows: dict[str, list[dict[str, float]]]) -> None:
    print(f"{count} client(s)")
    for name, title in (("rate", "requests/s"), ("p50", "median, s"), ("p95", "p95, s"), ("first", "time to first token, s")):
        ours, theirs = ([row[name] for row in rows[server]] for server in (OURS, THEIRS))
        print(f"  {title:<24} ours {spread(ours)}   mlflow {spread(theirs)}   ratio {spread(ratios(ours, theirs))}", flush=True)


def start(bundle: Bundle, rounds: int) -> dict[str, list[float]]:
    """Start to first answer, beside the model's own load."""
    found: dict[str, list[float]] = {"load": [], OURS: [], THEIRS: []}
    for _ in range(rounds):
        found["load"].append(timed_load())
        for name in (OURS, THEIRS):
            began = time.perf_counter()
            with started(bundle, name) as server:
                server.invoke(0)
                found[name].append(time.perf_counter() - began)
    print("start to first answer, s")
    print(f"  imports and load_model   {spread(found['load'], '.2f')}")
    for name in (OURS, THEIRS):
        print(f"  {name:<24} {spread(found[name], '.2f')}   over the load {spread(ratios(found[name], found['load']), '.2f')}", flush=True)
    return found


def token(bundle: Bundle, rounds: int) -> dict[str, list[float]]:
    """A token's time in the server and in a process of its own."""
    found: dict[str, list[float]] = {"invocations": [], "stream": [], "decode": []}
    with started(bundle, OURS) as server, InProcess(bundle) as plain:
        ways = {"invocations": server.token_ms, "stream": server.streamed_token_ms, "decode": plain.token_ms}
        for number in range(4):
            for way in ways.values():
                way(number)
        for _ in range(rounds):
            took = [{name: way(number) for name, way in ways.items()} for number in range(bundle.questions)]
            for name in ways:
                found[name].append(statistics.median(each[name] for each in took))
    print("a token, ms")
    for name in ways:
        print(f"  {name:<12} {spread(found[name], '.2f')}   over decode {spread(ratios(found[name], found['decode']))}", flush=True)
    return found


if __name__ == "__main__":
    sys.exit(main())
