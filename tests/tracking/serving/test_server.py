"""`vreason-track model serve` as clients meet it: curl, OpenAI's own client, many at once, and those that leave."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.bundle_world import BundleWorld
from tests.helpers.model_server import ModelServer, chat, data_uri, record, serving
from tests.helpers.waiting import wait_until
from vreason.benchmarks import DemoBenchmark, Sample
from vreason_tracking.bundles import Predictor, VideoAccess

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
KEPT = ("id", "answer", "reasoning", "output", "tokens", "prompt_tokens", "truncated", "stopped", "signatures", "departures", "error")


@pytest.fixture(scope="module")
def asked() -> list[Sample]:
    return list(DemoBenchmark(limit=6).samples())


@pytest.fixture(scope="module")
def server(bundles: BundleWorld, asked: list[Sample], tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelServer]:
    """One for all that only ask."""
    root = Path(asked[0].video).parent
    with serving(bundles, tmp_path_factory.mktemp("server"), "--video-root", str(root)) as made:
        yield made


@pytest.fixture(scope="module")
def expected(bundles: BundleWorld, asked: list[Sample]) -> dict[str, dict[str, Any]]:
    """What the bundle answers in this process, by sample."""
    assert bundles.registered is not None
    predictor = Predictor.of(bundles.registered.bundle, VideoAccess(roots=None))
    return {each["id"]: each for each in predictor.predict([record(sample) for sample in asked])}


def test_curl(server: ModelServer, asked: list[Sample], expected: dict[str, dict[str, Any]], tmp_path: Path) -> None:
    """The clip inside the request; reasoning apart from content, usage and the method's fields."""
    (tmp_path / "body.json").write_text(json.dumps(chat(asked[0], data_uri(asked[0].video), vreason={"trace": "summary"})))
    command = [
        "curl",
        "-sS",
        "--fail-with-body",
        f"{server.url}/v1/chat/completions",
        "-H",
        "content-type: application/json",
        "-d",
        "@body.json",
    ]
    told = json.loads(subprocess.run(command, cwd=tmp_path, check=True, capture_output=True).stdout)
    whole = expected[asked[0].sample_id]
    message = told["choices"][0]["message"]
    assert (whole["answer"], whole["reasoning"]) == (message["content"], message["reasoning_content"])
    assert whole["tokens"] == told["usage"]["completion_tokens"]
    assert whole["answer"] == told["vreason"]["answer"]
    assert told["vreason"]["trace"]["updates"] > 0


def test_openai_client(server: ModelServer, asked: list[Sample], expected: dict[str, dict[str, Any]]) -> None:
    """OpenAI's own client: whole, streamed with usage, the list of models, and errors as its exceptions."""
    import openai

    client = openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0)
    body = chat(asked[1])
    own = {"vreason": body.pop("vreason")}
    whole = client.chat.completions.create(**body, extra_body=own)
    right = expected[asked[1].sample_id]
    assert (right["answer"], right["reasoning"]) == (whole.choices[0].message.content, whole.choices[0].message.reasoning_content)
    assert "stop" == whole.choices[0].finish_reason
    content, reasoning, usage = "", "", None
    for chunk in client.chat.completions.create(**body, extra_body=own, stream=True, stream_options={"include_usage": True}):
        usage = chunk.usage or usage
        for choice in chunk.choices:
            content += choice.delta.content or ""
            reasoning += getattr(choice.delta, "reasoning_content", None) or ""
    assert (right["answer"], right["reasoning"]) == (content, reasoning)
    assert usage is not None
    assert right["tokens"] == usage.completion_tokens
    assert ["shapes@champion"] == [each.id for each in client.models.list()]
    with pytest.raises(openai.NotFoundError, match="not served here"):
        client.chat.completions.create(**{**body, "model": "other"})
    with pytest.raises(openai.BadRequestError, match="max_tokens"):
        client.chat.completions.create(**body, max_tokens=5000)


def test_many_at_once(server: ModelServer, asked: list[Sample], expected: dict[str, dict[str, Any]]) -> None:
    """Twenty-four clients, batched as they come, get what each would get alone."""
    with ThreadPoolExecutor(24) as pool:
        answers = list(pool.map(lambda place: server.post("/v1/chat/completions", chat(asked[place % 6])), range(24)))
    assert {200} == {each.status for each in answers}
    for place, each in enumerate(answers):
        assert expected[asked[place % 6].sample_id]["answer"] == each.json["choices"][0]["message"]["content"]
    sizes = re.findall(r'vreason_batch_size_bucket\{le="(\S+?)",.*?\} (\S+)', server.get("/metrics").body.decode())
    assert float(sizes[0][1]) < float(sizes[-1][1]), "some of them were answered side by side"


def test_invocations_equal_the_predictor(server: ModelServer, asked: list[Sample], expected: dict[str, dict[str, Any]]) -> None:
    """MLflow's interface gives the entries of `predict`, the bad record's error among them."""
    answer = server.post("/invocations", {"dataframe_records": [*map(record, asked), {"question": 3}]})
    *good, bad = answer.json["predictions"]
    assert [{name: expected[each["id"]][name] for name in KEPT} for each in good] == [{name: each[name] for name in KEPT} for each in good]
    assert "records.6.question" in bad["error"]
    wrong = server.post("/invocations", {"dataframe_records": [record(asked[0])], "params": {"controller.k": 999}})
    assert (400, "BAD_REQUEST") == (wrong.status, wrong.json["error_code"])


def test_stop_seed_and_temperature(server: ModelServer, asked: list[Sample]) -> None:
    """They arrive; the same seed draws the same."""
    drawn = [server.post("/v1/chat/completions", chat(asked[0], temperature=1.5, seed=seed)).json for seed in (1, 1, 2)]
    texts = [each["choices"][0]["message"] for each in drawn]
    assert texts[0] == texts[1] != texts[2]
    assert ["temperature", "seed"] == drawn[0]["vreason"]["departures"]
    stopped = server.post("/v1/chat/completions", chat(asked[0], stop=["</think>"])).json
    assert ("stop", "") == (stopped["choices"][0]["finish_reason"], stopped["choices"][0]["message"]["content"])


def test_two_turns(server: ModelServer, asked: list[Sample]) -> None:
    """A conversation with a clip before and one now."""
    body = chat(asked[0])
    before = [body["messages"][0], {"role": "assistant", "content": "left"}]
    answer = server.post("/v1/chat/completions", {**body, "messages": [*before, *chat(asked[1])["messages"]]})
    assert 200 == answer.status
    alone = server.post("/v1/chat/completions", body)
    assert 2 * alone.json["vreason"]["video_tokens"] == answer.json["vreason"]["video_tokens"]


def test_pages(server: ModelServer) -> None:
    """Health, readiness, versions, figures and the API's description."""
    assert [200] * 6 == [server.get(path).status for path in ("/health", "/ping", "/ready", "/version", "/openapi.json", "/docs")]
    described = server.get("/openapi.json").json
    assert {"/v1/chat/completions", "/v1/models", "/invocations", "/health", "/ready", "/metrics"} <= set(described["paths"])
    figures = server.get("/metrics").body.decode()
    for name in (
        "requests_total",
        "queue",
        "tokens_total",
        "time_to_first_token_seconds_bucket",
        "entropy_nats_bucket",
        "control_share_bucket",
    ):
        assert f"vreason_{name}" in figures
    assert 404 == server.get("/nothing").status
    assert 405 == server.get("/invocations").status


def cancelled(server: ModelServer) -> float:
    found = re.search(r'vreason_replies_total\{model="shapes@champion",reason="cancelled"\} (\S+)', server.get("/metrics").body.decode())
    return float(found[1]) if found else 0.0


@pytest.mark.parametrize("stream", [True, False])
def test_a_client_that_leaves(server: ModelServer, asked: list[Sample], stream: bool) -> None:
    """Its reply stops within a token, and its place is free."""
    before = cancelled(server)
    body = json.dumps(chat(asked[0], stream=stream)).encode()
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    )
    for _ in range(3):
        with socket.create_connection(("127.0.0.1", server.port)) as client:
            client.sendall(head + body)
            time.sleep(0.15)
    wait_until(lambda: cancelled(server) > before, 20)
    wait_until(lambda: 'vreason_queue{model="shapes@champion"} 0.0' in server.get("/metrics").body.decode(), 20)


@pytest.mark.parametrize(
    ("video", "words"),
    [
        ("/etc/passwd", "no file below the folders"),
        ("../../../etc/passwd", "no file below the folders"),
        ("file:///etc/passwd", "no file below the folders"),
        ("gone.mp4", "no file below the folders"),
        ("http://127.0.0.1/x.mp4", "URLs are not taken here"),
        ("http://169.254.169.254/latest", "URLs are not taken here"),
        ("ftp://host/x", "not taken"),
        ("data:text/plain;base64,AAAA", "no video"),
        ("data:video/mp4;base64,####", "no base64"),
        ("data:video/mp4;base64,I0VYVE0zVQ==", "not a video in a container"),
        ("data:video/mp4;base64,AAAAIGZ0eXBpc29tAAACAGlzb21pc28yYXZjMW1wNDE=", ""),
    ],
)
def test_videos_that_are_refused(server: ModelServer, asked: list[Sample], video: str, words: str) -> None:
    """400, in words that tell nothing of files elsewhere."""
    answer = server.post("/v1/chat/completions", chat(asked[0], video))
    assert 400 == answer.status
    assert words in answer.json["error"]["message"]


def test_tokens_and_limits(bundles: BundleWorld, asked: list[Sample], tmp_path: Path) -> None:
    """A token is asked for but where a supervisor looks; who comes to a full server is told when to come again."""
    (tmp_path / "tokens").write_text("t" * 32 + "\n")
    options = ["--token-file", str(tmp_path / "tokens"), "--queue", "2", "--batch-size", "1", "--timeout", "1.5", "--max-video-mb", "0.5"]
    with serving(bundles, tmp_path, *options) as server:
        token = {"authorization": "Bearer " + "t" * 32}
        body = chat(asked[0], data_uri(asked[0].video))
        assert [401, 401] == [server.post("/v1/chat/completions", body, headers).status for headers in ({}, {"authorization": "Bearer x"})]
        assert [401, 401, 200, 200] == [server.get(path).status for path in ("/metrics", "/docs", "/health", "/ready")]
        assert 200 == server.post("/v1/chat/completions", body, token).status
        with ThreadPoolExecutor(12) as pool:
            answers = list(pool.map(lambda _: server.post("/v1/chat/completions", body, token), range(12)))
        assert {200, 429} >= {each.status for each in answers} - {504}
        full = [each for each in answers if each.status == 429]
        assert full
        assert all(int(each.headers["retry-after"]) >= 1 for each in full)
        big = {**body, "messages": [{"role": "user", "content": "x" * 3_000_000}]}
        refused = [server.post("/v1/chat/completions", big, token).status for _ in range(5)]
        assert [413] * 5 == refused, "a client that sends all before it reads is told too"
        assert 415 == server.post("/v1/chat/completions", b"x", {**token, "content-type": "text/plain"}).status
        assert 0 == server.end()
        assert "t" * 32 not in server.log.read_text()


def test_refused_beyond_this_machine(bundles: BundleWorld, tmp_path: Path) -> None:
    """Without tokens the server does not start, and says why."""
    with (
        pytest.raises(AssertionError, match="reached from other machines, and there are no tokens"),
        serving(bundles, tmp_path, "--host", "0.0.0.0"),
    ):
        pass


def test_an_alias_that_moves(own_bundles: BundleWorld, asked: list[Sample], tmp_path: Path) -> None:
    """With --watch another version is loaded beside and takes over: every request of all that time is answered."""
    made = own_bundles.register("baseline")
    with serving(own_bundles, tmp_path, "--watch", "0.3") as server:
        body = chat(asked[0], data_uri(asked[0].video))
        with ThreadPoolExecutor(3) as pool:
            moving: list[Any] = [pool.submit(server.post, "/v1/chat/completions", body) for _ in range(3)]
            own_bundles.registry.set_alias(made.version, "champion")
            until = time.monotonic() + 60
            while server.get("/v1/models").json["data"][0]["vreason"]["version"] != "shapes/2" and time.monotonic() < until:
                moving += [pool.submit(server.post, "/v1/chat/completions", body) for _ in range(3)]
                time.sleep(0.3)
            moving += [pool.submit(server.post, "/v1/chat/completions", body) for _ in range(3)]
        assert {200} == {each.result().status for each in moving}
        assert "shapes/2" == server.get("/v1/models").json["data"][0]["vreason"]["version"]
        last = server.post("/v1/chat/completions", chat(asked[0], data_uri(asked[0].video), vreason={"trace": "summary"}))
        assert 0 == last.json["vreason"]["trace"]["updates"], "the baseline is not steered"


def test_shutdown_finishes_what_runs(bundles: BundleWorld, asked: list[Sample], tmp_path: Path) -> None:
    """SIGTERM: the replies under way come whole, the process ends with 0, and says so."""
    with serving(bundles, tmp_path) as server, ThreadPoolExecutor(4) as pool:
        body = chat(asked[0], data_uri(asked[0].video))
        running = [pool.submit(server.post, "/v1/chat/completions", body) for _ in range(4)]
        wait_until(lambda: b'vreason_queue{model="shapes@champion"} 0.0' not in server.get("/metrics").body, 20)
        assert 0 == server.end()
        assert {200} == {each.result().status for each in running}
        assert "stopped" in server.log.read_text()


def test_port_in_use(bundles: BundleWorld, server: ModelServer, tmp_path: Path) -> None:
    """It is said before anything is loaded."""
    with pytest.raises(AssertionError, match="in use"), serving(bundles, tmp_path, "--port", str(server.port)):
        pass


def test_vercel_ai_client(server: ModelServer, asked: list[Sample], expected: dict[str, dict[str, Any]], tmp_path: Path) -> None:
    """Vercel's `ai`, from npm at pinned versions: text and reasoning, whole and streamed."""
    if shutil.which("npm") is None:
        pytest.skip("there is no npm here; `apt-get install npm` has it")
    clients = Path(__file__).parents[2] / "clients" / "vercel_ai"
    for name in ("package.json", "package-lock.json", "ask.mjs"):
        shutil.copy(clients / name, tmp_path)
    subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=tmp_path, check=True, capture_output=True, timeout=200)
    body = chat(asked[0])
    (tmp_path / "question.json").write_text(json.dumps({"url": f"{server.url}/v1", **body, "video": data_uri(asked[0].video)}))
    done = subprocess.run(["node", "ask.mjs", "question.json"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert 0 == done.returncode, done.stderr
    told = json.loads(done.stdout)
    right = expected[asked[0].sample_id]
    assert [(right["answer"], right["reasoning"])] * 2 == [(told[way]["text"], told[way]["reasoning"]) for way in ("whole", "streamed")]
    assert right["tokens"] == told["whole"]["tokens"]
