"""vreason_tracking.server.pages: what is shown, to whom, and what browsers are told."""

from __future__ import annotations

import re
from dataclasses import asdict
from urllib.parse import quote

import pytest

from tests.helpers.server_pages import KEY, SAME, make
from vreason_tracking.audit import NewEntry
from vreason_tracking.server.pages.api import LARGEST_HANDOVER

pytestmark = pytest.mark.slow  # MLflow's store of users takes seconds to make


@pytest.mark.parametrize(
    "path", ["", "audit", "reports", "account", "users", "audit/0", "nothing", "api/docs", "login", "static/web/pages.js"]
)
def test_headers(pages, path) -> None:
    """No page runs a script that is not ours, or stands in a frame; none has one in its text that its policy does not name."""
    answer = pages.client("ada").get(f"/vreason/{path}")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe-inline" not in policy.partition("script-src")[2].partition(";")[0]
    assert "nosniff" == answer.headers["x-content-type-options"]
    assert "same-origin" == answer.headers["referrer-policy"]
    if path not in ("api/docs", "static/web/pages.js"):
        assert not re.search(r"<script>|<style| on[a-z]+=|style=", answer.text)


def test_audit_pages(pages) -> None:
    """Entries by filter, a page at a time; one with its proof; a time that is none is refused by name."""
    client = pages.client("eve")
    assert "run:one" in client.get("/vreason/audit?subject=run:*").text
    assert "No entry." in client.get("/vreason/audit?subject=run:none").text
    assert "run.started" in client.get("/vreason/audit/1").text
    assert "proved" in client.get("/vreason/audit/1").text
    found = client.get("/vreason/api/audit/entries?limit=1").json()
    older = client.get(f"/vreason/api/audit/entries?limit=1&before={found['next_before']}").json()
    assert found["entries"][0]["index"] == older["entries"][0]["index"] + 1
    for path in ("audit?since=soon", "api/audit/entries?since=soon"):
        answer = client.get(f"/vreason/{path}")
        assert 422 == answer.status_code
        assert "since" in answer.text
    assert 422 == client.get("/vreason/api/audit/entries?limit=0").status_code
    assert 404 == client.get("/vreason/audit/99999").status_code
    assert 200 == client.get("/vreason/api/audit/entries/1/proof").status_code


def test_runs(pages) -> None:
    """Finished runs with their accuracy; one of them, by either of its ids; one that is not there."""
    client = pages.client("eve")
    found = client.get("/vreason/api/runs").json()["runs"]
    assert {"baseline", "v-reason"} == {run["variant"] for run in found}
    assert all(run["status"] == "FINISHED" and run["accuracy"] is not None for run in found)
    for name in ("id", "journal_id"):
        assert found[0] == client.get(f"/vreason/api/runs/{found[0][name]}").json()
    assert found[:1] == client.get(f"/vreason/api/runs?variant={found[0]['variant']}").json()["runs"]
    assert found[0]["variant"] in client.get(f"/vreason/runs/{found[0]['id']}").text
    for path in ("runs/none", "api/runs/none", "reports/none", "nothing", "api/nothing"):
        answer = client.get(f"/vreason/{path}")
        assert 404 == answer.status_code
        assert "none" in answer.text or "nothing" in answer.text or "Not there" in answer.text


def test_without_users(open_pages) -> None:
    """On this machine alone everybody sees everything but users, of which there are none; a verification is entered."""
    client = open_pages.client()
    assert 200 == client.get("/vreason/").status_code
    assert {"name": "anonymous", "role": None, "read_only": None} == client.get("/vreason/api/me").json()
    for path in ("users", "account", "api/users"):
        answer = client.get(f"/vreason/{path}")
        assert 404 == answer.status_code
        assert "this server has no users" in answer.text
    assert 404 == client.get("/vreason/login").status_code
    assert 403 == client.post("/vreason/api/audit/verification").status_code
    assert client.post("/vreason/api/audit/verification", headers=SAME).json()["problem"] is None
    assert "intact" in client.get("/vreason/audit").text
    assert "anonymous" in [actor for actor, _ in open_pages.entered("log.verified")]


def test_export(open_pages, tmp_path) -> None:
    """What the newest checkpoint signs, which verifies with the public key alone; without a checkpoint the answer says what to do."""
    from vreason_tracking.audit import verify_export

    client = open_pages.client()
    assert "audit checkpoint" in client.get("/vreason/api/audit/export").json()["error"]
    open_pages.log.sign(KEY)
    answer = client.get("/vreason/api/audit/export")
    assert 200 == answer.status_code
    (tmp_path / "audit.jsonl").write_bytes(answer.content)
    assert verify_export(tmp_path / "audit.jsonl", KEY.public).intact


def test_damage_is_shown(store, tmp_path) -> None:
    """After somebody has changed an entry in the database, the page says damaged, and the entry is not proved."""
    import sqlite3
    from contextlib import closing

    building = make(tmp_path, store, with_users=False)
    made = next(building)
    client = made.client()
    assert client.post("/vreason/api/audit/verification", headers=SAME).json()["problem"] is None
    with closing(sqlite3.connect(tmp_path / "audit.db")) as connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f'DROP TRIGGER "{name}"')
        connection.execute("UPDATE audit_entries SET body = replace(body, 'run:one', 'run:two')")
        connection.commit()
    assert 1 == client.post("/vreason/api/audit/verification", headers=SAME).json()["bad_entry"]
    assert "damaged" in client.get("/vreason/audit").text
    assert "not proved" in client.get("/vreason/audit/1").text
    assert 500 == client.get("/vreason/api/audit/entries/1/proof").status_code
    building.close()


def test_handed_over(pages, tmp_path) -> None:
    """An editor's journal is taken over under the editor's name; a viewer's is not; what proves nothing is told so by name."""
    from vreason_tracking.audit import journal_log, make_handover

    local = journal_log(tmp_path / "journal", "bob")
    local.append([NewEntry("run.started", "bob", "run:laptop", "laptop")])
    made = make_handover(local, KEY, None)
    assert made
    body = asdict(made)
    path = "/vreason/api/audit/adopted"
    assert pages.client("bob").get(path, params={"origin": local.origin()}).json() is None
    assert 403 == pages.client("eve").post(path, json=body).status_code
    assert 2 == pages.client("bob").post(path, json=body).json()["entries"]
    assert ("bob", "run:laptop") == pages.entered("local.run.started")[0]
    again = pages.client("bob").post(path, json=body)
    assert 409 == again.status_code
    assert "does not continue" in again.json()["error"] or "comes where entry" in again.json()["error"]
    for wrong in (b"", b"{", b"[]", b'{"note": 1}'):
        assert 422 == pages.client("bob").post(path, content=wrong).status_code
    assert 413 == pages.client("bob").post(path, content=b" " * (LARGEST_HANDOVER + 1)).status_code


NASTY = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "javascript:alert(1)",
    "{{ 7*7 }}",
    "</dd><dd>",
    "\u202eevil",
    "a/../b?c#d&e=f",
)


@pytest.mark.parametrize("text", NASTY)
def test_hostile_text(pages, text) -> None:
    """Whatever an entry says is text: as subject, actor, outcome, reason or detail, in a list, on its own page, in a filter."""
    new = NewEntry("run.started", text, f"run:{text}", text, text, text, {text: [text], "more": text})
    made = pages.appender.append(new).result(10)
    client = pages.client("eve")
    for path in (
        f"audit/{made.index}",
        "audit",
        f"audit?actor={quote(text)}&subject={quote(text)}",
        f"models/{quote(text, safe='')}",
        "login",
    ):
        page = client.get(f"/vreason/{path}", params={"next": text} if path == "login" else None)
        assert page.status_code in (200, 404), path
        assert "<script>alert" not in page.text
        assert "<img" not in page.text
        assert "49" not in re.findall(r"<dd[^>]*>(.*?)</dd>", page.text)
        assert 'href="javascript:' not in page.text
    assert client.get(f"/vreason/api/audit/entries/{made.index}").json()["details"]["more"] == text


@pytest.mark.parametrize("before", ["-1", "99999999999999999999999", "x", "1e3"])
def test_places_that_cannot_be(pages, before) -> None:
    """An index that no log has is refused by name, on the page and by the API."""
    for path in ("audit", "api/audit/entries"):
        answer = pages.client("eve").get(f"/vreason/{path}?before={before}")
        assert 422 == answer.status_code
        assert "before" in answer.text


def test_filters_that_cannot_be(pages) -> None:
    """A text with a NUL, and one that is longer than any subject."""
    for text in ("a%00", "x" * 2000):
        for path in ("audit", "api/audit/entries"):
            assert 422 == pages.client("eve").get(f"/vreason/{path}?subject={text}").status_code
