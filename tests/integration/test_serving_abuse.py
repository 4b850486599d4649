"""A server and those who mean it no good: fuzzed by its description, broken videos, slow clients, ten thousand requests.

No 500, no hang, no descriptor left open, memory flat.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import clips
from tests.helpers.bundle_world import BundleWorld
from tests.helpers.model_server import ModelServer, chat, data_uri, serving
from tests.helpers.waiting import wait_until
from vreason.benchmarks import DemoBenchmark, Sample

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
MANY = int(os.environ.get("VREASON_REQUESTS", "10000"))


@pytest.fixture(scope="module")
def sample() -> Sample:
    return DemoBenchmark(limit=1).samples()[0]


@pytest.fixture(scope="module")
def server(bundles: BundleWorld, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelServer]:
    with serving(bundles, tmp_path_factory.mktemp("abuse"), "--max-video-mb", "4", "--timeout", "30") as made:
        yield made


@pytest.fixture(autouse=True)
def _works_afterwards(server: ModelServer, sample: Sample) -> Iterator[None]:
    """Whatever happened, the next client is answered, nothing is left in flight, and no descriptor is."""
    ask(server, sample)
    before = server.descriptors
    yield
    assert 200 == server.get("/health").status
    ask(server, sample)
    wait_until(lambda: 'vreason_queue{model="shapes@champion"} 0.0' in server.get("/metrics").body.decode(), 30)
    wait_until(lambda: server.descriptors <= before + 3, 30)
    assert 'status="500"' not in server.get("/metrics").body.decode()


def ask(server: ModelServer, sample: Sample) -> None:
    answer = server.post("/v1/chat/completions", chat(sample, data_uri(sample.video)))
    assert (200, sample.answer) == (answer.status, answer.json["choices"][0]["message"]["content"])


def test_fuzzed_by_its_description(server: ModelServer) -> None:
    """schemathesis: what the OpenAPI description says may be sent, and what it says may not; no answer is a fault of the server's."""
    import schemathesis
    from hypothesis import HealthCheck, Phase, given, settings

    schema = schemathesis.openapi.from_url(f"{server.url}/openapi.json")
    seen: set[str] = set()

    def sender(path: str) -> Callable[..., None]:
        def send(case: Any) -> None:
            answer = case.call(timeout=40)
            seen.add(f"{path} {answer.status_code}")
            assert answer.status_code < 500, (answer.status_code, answer.text[:500])

        return send

    few = settings(max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
    for path in ("/v1/chat/completions", "/invocations"):
        for mode in schemathesis.GenerationMode:
            few(given(case=schema[path]["POST"].as_strategy(generation_mode=mode))(sender(path)))()
    assert any(each.endswith("400") for each in seen)
    assert "/invocations 200" in seen


def broken_videos(folder: Path) -> list[Path]:
    """Cut, zeroed, noisy and flipped files of several containers, and a playlist that says it is a video."""
    whole = clips.write_clip(folder / "whole.mp4", texture=True).read_bytes()
    made = {
        "empty.mp4": b"",
        "head.mp4": whole[:200],
        "half.mp4": whole[: len(whole) // 2],
        "zeros.mp4": whole[:64] + b"\0" * (len(whole) - 64),
        "noise.mp4": whole[:400] + os.urandom(len(whole) - 400),
        "flipped.mp4": bytes(byte ^ (0xFF if place % 97 == 0 else 0) for place, byte in enumerate(whole)),
        "playlist.mp4": b"#EXTM3U\n#EXTINF:10,\nfile:///etc/passwd\n",
        "huge_box.mp4": b"\xff\xff\xff\xffftypisom" + whole[12:],
        "avi.avi": clips.write_clip(folder / "a.avi").read_bytes()[:-500],
        "webm.webm": clips.write_clip(folder / "a.webm").read_bytes()[:-50],
    }
    for name, data in made.items():
        (folder / name).write_bytes(data)
    return [folder / name for name in made]


def test_broken_videos(server: ModelServer, sample: Sample, tmp_path: Path) -> None:
    """Each is answered, or refused as the request's fault; the guarded process may die of it, the server does not."""
    for path in broken_videos(tmp_path):
        answer = server.post("/v1/chat/completions", chat(sample, data_uri(path)))
        assert answer.status in (200, 400), (path.name, answer.body[:300])


def test_slow_and_half_closed_clients(server: ModelServer, sample: Sample) -> None:
    """Sixty connections that say little or nothing, half-close, or leave in the middle of a body keep nobody else waiting."""
    body = json.dumps(chat(sample, data_uri(sample.video))).encode()
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    )
    beginnings = [
        b"",
        b"P",
        b"POST /v1/chat",
        head[:40],
        head,
        head + body[:100],
        head + body[:-1],
        b"\x16\x03\x01\x02\x00",
        b"GET / HTTP/9.9\r\n\r\n",
    ]
    held = []
    for number in range(60):
        client = socket.create_connection(("127.0.0.1", server.port))
        client.sendall(beginnings[number % len(beginnings)])
        if number % 3 == 0:
            client.shutdown(socket.SHUT_WR)
        held.append(client)
    began = time.monotonic()
    ask(server, sample)
    assert time.monotonic() - began < 10
    for client in held:
        client.close()


def test_bodies_that_are_none(server: ModelServer) -> None:
    """Whatever bytes come, the answer is a client's fault and has a sentence."""
    bodies = [
        b"",
        b"null",
        b"[]",
        b"{",
        b"\xff" * 100,
        b"[" * 100_000,
        b'{"model":' + b"1" * 100_000 + b"}",
        b'{"a":' * 5000 + b"1" + b"}" * 5000,
    ]
    for path in ("/v1/chat/completions", "/invocations"):
        for body in bodies:
            answer = server.post(path, body)
            assert 400 <= answer.status < 500, (path, body[:40], answer.status)
            assert answer.json.get("error") or answer.json.get("message")


def test_ten_thousand_requests(server: ModelServer, sample: Sample) -> None:
    """Most of them wrong, some right: each is answered as it should, and memory is what it was after a tenth of them."""
    right = json.dumps({"model": "shapes", "messages": [{"role": "user", "content": "How many?"}], "max_tokens": 1}).encode()
    wrong = json.dumps({"model": "shapes", "messages": [{"role": "user", "content": 5}]}).encode()
    bad_video = json.dumps(chat(sample, "data:video/mp4;base64,I0VYVE0zVQ==")).encode()
    bodies = [(wrong, 400), (bad_video, 400), (wrong, 400), (b"{", 400)] * 24 + [(right, 200)] * 4

    def share(count: int) -> set[tuple[int, int]]:
        connection, seen = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60), set()
        for number in range(count):
            body, expected = bodies[number % len(bodies)]
            connection.request("POST", "/v1/chat/completions", body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            answer.read()
            seen.add((expected, answer.status))
        connection.close()
        return seen

    def asked(count: int) -> set[tuple[int, int]]:
        with ThreadPoolExecutor(4) as pool:
            return set().union(*pool.map(share, [count // 4] * 4))

    assert {(400, 400), (200, 200)} == asked(MANY // 10)
    early = server.memory
    assert {(400, 400), (200, 200)} == asked(MANY - MANY // 10)
    assert server.memory < early + 40 * 2**20
