"""The card service alone: pages, files, API and what is refused, over a registry with two versions."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from starlette.testclient import TestClient

from tests.helpers.bundle_world import BundleWorld
from tests.helpers.waiting import wait_until
from vreason_tracking.audit import enter
from vreason_tracking.cards import make_card_application, store_card, stored_card, version_evidence
from vreason_tracking.catalog import Catalog

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
    told = client.get("/vreason/api/card-difference?one=shapes/2&other=shapes/champion").json()
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
        ("api/card-difference?one=shapes/1", 422, "other: "),
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


def test_the_list_says_something_else(two: BundleWorld, tmp_path: Path) -> None:
    """Somebody has changed the tag: the card's page says so; a tag that cannot be drawn is no card, and harms no other."""
    world = two.copied(tmp_path)
    version = world.registry.find("shapes/1")
    told = json.loads(version.tags["vreason.card"])
    world.registry.tag(version, {"vreason.card": json.dumps({**told, "accuracy": 0.999, "finding": "best of all"})})
    other = world.registry.find("shapes/2")
    broken = {**json.loads(other.tags["vreason.card"]), "runs": []}
    world.registry.tag(other, {"vreason.card": json.dumps(broken)})
    with TestClient(make_card_application(world.catalog)) as client:
        assert "The list says something else of it than its files do." in client.get("/vreason/cards/shapes/1").text
        assert not client.get("/vreason/api/cards/shapes/1").json()["proved"]["listed"]
        assert 1 == client.get("/vreason/cards").text.count('class="finding"')


def test_a_card_that_is_stored_anew_is_shown(own_bundles: BundleWorld) -> None:
    """With other notes: as soon as the list is read again, and it is the one that was stored."""
    world = own_bundles
    world.register("baseline", with_card=True)
    registry, version = world.registry, world.registry.find("shapes/2")
    application = make_card_application(world.catalog)
    with TestClient(application) as client:
        assert "Ask Ada." not in client.get("/vreason/cards/shapes/2").text
        store_card(registry, version, version_evidence(registry, version, world.catalog), "Ask Ada.")
        wait_until(lambda: "Ask Ada." in client.get("/vreason/cards/shapes/2").text)
        told = client.get("/vreason/api/cards/shapes/2").json()["proved"]
        assert (True, True) == (told["same"], told["listed"])


@pytest.mark.parametrize("content", [b"[" * 200_000, b"\xff\xfe", b"{}", b'{"format": "vreason-card/1"}'])
def test_files_that_are_no_evidence(two: BundleWorld, tmp_path: Path, content: bytes) -> None:
    """Are said to be unreadable, and bring nothing down."""
    registry = two.registry
    version = registry.find("shapes/2")
    whole = stored_card(registry, version)["evidence.json"]
    (tmp_path / "card").mkdir()
    try:
        (tmp_path / "card" / "evidence.json").write_bytes(content)
        registry.add_files(version, tmp_path)
        with TestClient(make_card_application(two.catalog)) as client:
            answer = client.get("/vreason/cards/shapes/2")
            assert (503, True) == (answer.status_code, "cannot be read" in answer.text)
            assert 200 == client.get("/vreason/cards").status_code
    finally:
        (tmp_path / "card" / "evidence.json").write_bytes(whole)
        registry.add_files(version, tmp_path)


def test_a_version_that_lies_on_another_server(two: BundleWorld, tmp_path: Path) -> None:
    """Nobody has this one ask it."""
    world = two.copied(tmp_path)
    client = world.registry.client
    made = client.create_model_version("shapes", "ftp://127.0.0.1:1/x", tags=world.registry.find("shapes/1").tags)
    with TestClient(make_card_application(world.catalog)) as browser:
        answer = browser.get(f"/vreason/cards/shapes/{made.version}")
        assert (503, True) == (answer.status_code, "which is not asked" in answer.text)


def test_names_of_all_kinds(two: BundleWorld, tmp_path: Path) -> None:
    """A model that MLflow takes has a card that opens, whatever letters its name has; a star stands for nobody else's history."""
    world = two.copied(tmp_path)
    client, source = world.registry.client, world.registry.find("shapes/1")
    uri = client.get_model_version(source.name, source.version).source
    names = ("it's odd 100%", "a@b", "x*", "diff erence")
    with world.registry.translated():
        for name in names:
            client.create_registered_model(name)
            client.create_model_version(name, uri, run_id=source.run_id, tags=source.tags, model_id=uri.rpartition("/")[2])
    with TestClient(make_card_application(world.catalog)) as browser:
        for name in names:
            assert 200 == browser.get(f"/vreason/cards/{quote(name, safe='')}/1").status_code, name
            assert 200 == browser.get(f"/vreason/cards/{quote(name, safe='')}").status_code, name
        assert 404 == browser.get("/vreason/cards/*").status_code
        assert 404 == browser.get("/vreason/api/cards/sha*").status_code
        assert [] == browser.get("/vreason/api/cards/x*").json()["entries"]


def test_other_hosts(two: BundleWorld) -> None:
    """A page of another name that leads here is none of ours; entries of the feed stay the same under every name."""
    application = make_card_application(two.catalog, ["localhost", "127.0.0.1"])
    with TestClient(application, base_url="http://localhost") as client:
        assert 400 == client.get("/vreason/cards", headers={"host": "evil.example"}).status_code
        here, there = (client.get("/vreason/cards.atom", headers={"host": host}).text for host in ("localhost", "127.0.0.1"))
        assert re.findall("<id>(.*?)</id>", here) == re.findall("<id>(.*?)</id>", there)
        assert "/vreason/cards.atom" in here


def test_badges_may_be_shown_elsewhere(client: TestClient) -> None:
    """And nothing else may."""
    assert "cross-origin" == client.get("/vreason/cards/shapes/1/badge.svg").headers["cross-origin-resource-policy"]
    assert "same-origin" == client.get("/vreason/cards/shapes/1/evidence.json").headers["cross-origin-resource-policy"]


def test_a_page_that_is_not_there(client: TestClient) -> None:
    assert "There is no such page." in client.get("/vreason/cards?page=99").text


def test_a_record_that_was_stored_anew(two: BundleWorld, tmp_path: Path) -> None:
    """The audit trail has other digests of a run's files than the card: its page says which."""
    shutil.copytree(two.root, tmp_path / "journal")
    run = two.catalog.find("v-reason")
    assert run.journal_id is not None
    enter(tmp_path / "journal", "artifact.stored", "ada", f"run:{run.journal_id}", details={"sha256": {"samples.parquet": "0" * 64}})
    with TestClient(make_card_application(Catalog(tmp_path / "journal", two.uri, None))) as client:
        text = client.get("/vreason/cards/shapes/1").text
        assert "samples.parquet of v-reason has been stored anew since this card was made" in text
    with TestClient(make_card_application(two.catalog)) as client:
        assert "stored anew" not in client.get("/vreason/cards/shapes/1").text
