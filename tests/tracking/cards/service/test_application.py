"""The card service alone: pages, files, API and what is refused, over a registry with two versions."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from starlette.testclient import TestClient

from tests.helpers.bundle_world import BundleWorld
from vreason_tracking.cards import make_card_application, stored_card

PAGES = (
    "cards",
    "cards/shapes/1",
    "cards/shapes/champion",
    "cards/shapes",
    "card-difference",
    "card-difference?one=shapes/1&other=shapes/2",
)
FILES = ("README.md", "card.html", "evidence.json", "mlbom.cdx.json")


@pytest.fixture(scope="module")
def two(bundles: BundleWorld, tmp_path_factory: pytest.TempPathFactory) -> BundleWorld:
    """shapes/1 of v-reason, shapes/2 of the baseline, both with a card."""
    world = bundles.copied(tmp_path_factory.mktemp("two"))
    world.register("baseline", with_card=True)
    return world


@pytest.fixture(scope="module")
def client(two: BundleWorld) -> Iterator[TestClient]:
    with TestClient(make_card_application(two.catalog), follow_redirects=False) as found:
        yield found


@pytest.mark.parametrize("path", PAGES)
def test_pages(client: TestClient, path: str) -> None:
    """They are there, by GET and HEAD, with a policy that lets nothing in from elsewhere, and no address of another server."""
    answer = client.get(f"/vreason/{path}")
    assert 200 == answer.status_code, answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert not re.findall(r'(?:src|href|action)="(?:https?:)?//', answer.text)
    assert 200 == client.head(f"/vreason/{path}").status_code


def test_the_start_leads_to_the_list(client: TestClient) -> None:
    for path in ("/", "/vreason", "/vreason/"):
        assert (307, "/vreason/cards") == (client.get(path).status_code, client.get(path).headers["location"])


def test_the_list(client: TestClient) -> None:
    """Each card with its finding and curve; a search and each filter narrow it down; a page that is not there is empty."""
    text = client.get("/vreason/cards").text
    assert ("2 cards", 2, 2) == (re.search(r"(\d cards)", text)[1], text.count("<svg"), text.count('class="finding"'))  # type: ignore[index]
    for query, expected in (
        ("q=baseline:", 1),
        ("alias=champion", 1),
        ("signed=yes", 0),
        ("stale=no", 2),
        ("method=v-reason&q=shapes/1", 1),
        ("page=2", 0),
    ):
        assert expected == client.get(f"/vreason/cards?{query}").text.count('class="finding"'), query
    assert "No card fits" in client.get("/vreason/cards?q=nothing").text


def test_a_card(client: TestClient, two: BundleWorld) -> None:
    """Its figures, its files as they were stored, and that its digests are in the audit trail; an alias stands for its version."""
    text = client.get("/vreason/cards/shapes/1").text
    files = stored_card(two.registry, two.registry.find("shapes/1"))
    assert "as it was stored, by entry" in text
    assert "Settings of v-reason" in text
    for name in FILES:
        answer = client.get(f"/vreason/cards/shapes/1/{name}")
        assert files[name] == answer.content
        assert "sandbox" in answer.headers["content-security-policy"]
    assert client.get("/vreason/cards/shapes/champion/evidence.json").content == files["evidence.json"]


def test_entity_tags(client: TestClient) -> None:
    """What has not changed is not sent again: files, badges, feed and API; another tag, or none, gets it whole."""
    paths = ["cards/shapes/1/README.md", "cards/shapes/1/badge.svg", "cards.atom", "api/cards", "api/cards/shapes/1", "api/cards/shapes"]
    for path in paths:
        first = client.get(f"/vreason/{path}")
        tag = first.headers["etag"]
        for known in (tag, f"W/{tag}", f'"x", {tag}', "*"):
            again = client.get(f"/vreason/{path}", headers={"if-none-match": known})
            assert (304, b"", tag) == (again.status_code, again.content, again.headers["etag"]), path
        assert first.content == client.get(f"/vreason/{path}", headers={"if-none-match": '"x"'}).content


def test_side_by_side(client: TestClient) -> None:
    """Every setting that differs, and the paired statistics; the API says the same."""
    page = client.get("/vreason/card-difference?one=shapes/2&other=shapes@champion").text
    told = client.get("/vreason/api/cards/difference?one=shapes/2&other=shapes/champion").json()
    assert ("shapes/2", "shapes/1") == (told["one"], told["other"])
    assert told["paired"].startswith("v-reason: ")
    assert "controller.lr" in {each["name"] for each in told["differences"]}
    assert "v-reason: no question came out differently" in page
    assert page.count("<tr>") == 1 + len(told["differences"])


def test_a_history(client: TestClient) -> None:
    """Versions, registrations, cards and aliases, with who did it."""
    told = client.get("/vreason/api/cards/shapes").json()
    assert ["2", "1"] == [card["version"] for card in told["cards"]]
    assert {"model.registered", "card.stored", "alias.moved"} <= {entry["action"] for entry in told["entries"]}
    assert "alias.moved" in client.get("/vreason/cards/shapes").text


@pytest.mark.parametrize(
    ("path", "status", "told"),
    [
        ("cards/shapes/9", 404, "no card of shapes/9"),
        ("cards/nobody", 404, "no card of a model"),
        ("cards/shapes/1/secret.txt", 404, "has no file"),
        ("cards/shapes/1/badge.svg?figure=speed", 422, "figure: "),
        ("card-difference?one=shapes/1&other=shapes/9", 404, "no card of shapes/9"),
        ("card-difference?one=nobody&other=shapes/1", 404, "no card of"),
        ("cards?page=0", 422, "page: "),
        ("cards?q=" + "x" * 2000, 422, "q: "),
        ("api/cards/shapes/9", 404, "no card of shapes/9"),
        ("api/cards/difference?one=shapes/1", 422, "other: "),
    ],
)
def test_what_is_refused(client: TestClient, path: str, status: int, told: str) -> None:
    """In words, as a page or as JSON."""
    answer = client.get(f"/vreason/{path}")
    assert status == answer.status_code
    assert told in (answer.json()["error"] if path.startswith("api/") else answer.text)


def test_a_card_that_somebody_changed(two: BundleWorld, tmp_path: Path) -> None:
    """Its files are not those whose digests were entered; a tag that is no summary is no card."""
    registry = two.registry
    version = registry.find("shapes/2")
    files = stored_card(registry, version)
    (tmp_path / "card").mkdir()
    (tmp_path / "card" / "README.md").write_bytes(files["README.md"].replace(b"100.0 %", b"99.9 %"))
    registry.add_files(version, tmp_path)
    with TestClient(make_card_application(two.catalog)) as client:
        told = client.get("/vreason/api/cards/shapes/2").json()["proved"]
        assert not told["same"]
        assert f"not those whose digests entry {told['index']}" in client.get("/vreason/cards/shapes/2").text
    (tmp_path / "card" / "README.md").write_bytes(files["README.md"])
    registry.add_files(version, tmp_path)


def test_a_run_that_is_deleted(two: BundleWorld, tmp_path: Path) -> None:
    """The cards that rest on it are stale, and found as such; a badge says so."""
    world = two.copied(tmp_path)
    run = world.registry.find("shapes/1").run_id
    world.registry.client.delete_run(run)
    with TestClient(make_card_application(world.catalog)) as client:
        assert f"Run {run} is not in the store any more." in client.get("/vreason/cards/shapes/1").text
        assert 2 == client.get("/vreason/api/cards?stale=yes").json()["total"]
        assert "stale" in client.get("/vreason/cards/shapes/1/badge.svg?figure=state").text


def test_evidence_is_as_the_tag_says(client: TestClient) -> None:
    """The digest in the list is that of the evidence."""
    card = client.get("/vreason/api/cards/shapes/1").json()["card"]
    assert card["summary"]["digest"] == hashlib.sha256(client.get("/vreason/cards/shapes/1/evidence.json").content).hexdigest()
    assert "vreason-card/1" == json.loads(client.get("/vreason/cards/shapes/1/evidence.json").content)["format"]


def test_every_operation(two: BundleWorld) -> None:
    """schemathesis: whatever the API's description says may be sent, and what it says may not, no answer is a fault of the server's."""
    application = make_card_application(two.catalog).routes[-1].app  # type: ignore[attr-defined]
    schema = schemathesis.openapi.from_asgi("/api/openapi.json", application)
    asked = 0
    for found in schema.get_all_operations():
        operation = found.ok()
        for mode in schemathesis.GenerationMode:
            strategy = operation.as_strategy(generation_mode=mode)

            @settings(max_examples=15, deadline=None, database=None, suppress_health_check=list(HealthCheck))
            @given(case=strategy)
            def ask(case: schemathesis.Case) -> None:
                nonlocal asked
                asked += 1
                assert case.call().status_code in (200, 404, 405, 422), case

            with suppress(Unsatisfiable):  # what takes nothing can be sent nothing wrong
                ask()
    assert asked >= 60
