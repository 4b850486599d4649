"""The server's own pages in real Chromium: a team looks for a run, follows it through the audit trail, compares, and verifies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
import requests
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.helpers import like_runs, readback, records
from tests.helpers.team_server import PASSWORDS, Team
from tests.integration.mlflow_pages import CHROMIUM
from vreason.clock import unix_ms
from vreason_tracking.journal.folder import RunFolder
from vreason_tracking.stores import MlflowStore

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    """A server with users, on which Bob has recorded two runs and compared them."""
    made = Team(tmp_path_factory.mktemp("team"))
    made.server.start()
    like_runs.pair(made.folder / "vreason-journal", MlflowStore(made.uri("bob"), "vreason"))
    made.program("compare", "baseline", "v-reason")
    made.log().sign(made.key)
    yield made
    made.server.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium."""
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield found
        found.close()


@contextmanager
def window(browser: Browser, **settings: Any) -> Iterator[Page]:
    """A window of its own; what its console says is a failure, but for answers that a test asked for."""
    context = browser.new_context(**settings)
    page, said = context.new_page(), []
    page.on("console", lambda message: said.append(message.text) if "/vreason/" in page.url else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    yield page
    context.close()
    assert not [each for each in said if "status of 401" not in each]


def log_in(page: Page, team: Team, user: str = "ada") -> None:
    """By the form, with the keyboard."""
    page.goto(f"{team.address}/vreason/")
    expect(page.get_by_label("Name")).to_be_focused()
    page.keyboard.type(user)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORDS[user])
    page.keyboard.press("Enter")
    page.wait_for_url("**/vreason/")


def test_a_look_through(team: Team, browser: Browser) -> None:
    """Log in, find a run, follow its timeline to a proved entry, read the comparison, verify everything, log out."""
    with window(browser) as page:
        page.goto(f"{team.address}/vreason/audit")
        page.get_by_label("Name").fill("ada")
        page.get_by_label("Password").fill("not her password")
        page.get_by_role("button", name="Log in").click()
        expect(page.get_by_role("alert")).to_have_text("Wrong name or password.")
        page.get_by_label("Password").fill(PASSWORDS["ada"])
        page.get_by_role("button", name="Log in").click()
        page.wait_for_url("**/vreason/audit")

        page.goto(f"{team.address}/vreason")
        page.get_by_role("region", name="Finished").get_by_role("link", name="v-reason", exact=True).click()
        expect(page.get_by_role("heading", level=1)).to_have_text("v-reason")
        timeline = page.get_by_role("region", name="Entries about this run")
        expect(timeline.get_by_text("mlflow.runs.log-batch").first).to_be_visible()
        expect(timeline.get_by_text("mlflow.artifacts.put").first).to_be_visible()
        expect(timeline.get_by_role("cell", name="bob").first).to_be_visible()
        timeline.get_by_role("row").nth(1).get_by_role("link").first.click()
        expect(page.locator(".mark")).to_have_text("proved")

        page.get_by_role("link", name="Overview").click()
        for name in ("baseline", "v-reason"):
            page.get_by_role("checkbox", name=f"Choose {name} of").check()
        page.get_by_role("button", name="Compare the chosen in MLflow").click()
        expect(page.get_by_text("Comparing 2 Runs").first).to_be_visible(timeout=60_000)
        page.goto(f"{team.address}/vreason/")

        page.get_by_role("link", name="Reports").click()
        page.get_by_role("link", name="comparison: v-reason against baseline").click()
        expect(page.locator(".verdicts")).to_contain_text("v-reason")
        expect(page.get_by_text("(baseline)")).to_be_visible()
        page.get_by_role("link", name="The whole report").click()
        expect(page.get_by_role("heading", name="Pictures")).to_be_visible()
        assert page.locator("figure svg").count() > 3
        page.go_back()

        page.get_by_role("link", name="Audit trail").click()
        expect(page.locator("#verdict")).to_contain_text("not verified yet")
        page.get_by_role("button", name="Verify every entry now").click()
        expect(page.locator("#verdict")).to_contain_text("intact")
        with page.expect_download() as download:
            page.get_by_role("link", name="Export, to verify elsewhere").click()
        download.value.save_as(team.folder / "seen.jsonl")
        told = team.program("audit", "verify", "seen.jsonl", "--public-key", team.public_key)
        assert "all as they were entered" in told

        page.get_by_role("button", name="Log out").click()
        page.wait_for_url("**/vreason/login")
        page.goto(f"{team.address}/vreason/users")
        page.wait_for_url("**/vreason/login?next=*")


def test_mlflow_in_the_same_session(team: Team, browser: Browser) -> None:
    """Who has logged in is known to MLflow's own pages as well: an editor creates an experiment there, which is entered under that name."""
    with browser.new_context() as context:
        page = context.new_page()
        log_in(page, team, "bob")
        answer = page.evaluate(
            """async () => (await fetch('/ajax-api/2.0/mlflow/experiments/create', {method: 'POST',
            headers: {'content-type': 'application/json'}, body: JSON.stringify({name: 'by-page'})})).status"""
        )
        assert 200 == answer
        page.goto(f"{team.address}/#/experiments")
        expect(page.get_by_text("by-page").first).to_be_visible(timeout=60_000)
    found = [entry for entry in team.log().entries() if entry.subject == "experiment:by-page"]
    assert {"bob"} == {entry.actor for entry in found}


def test_where_a_request_comes_from(team: Team) -> None:
    """The connection says so; what a client claims in a header is nobody's word."""
    headers = {"authorization": f"Bearer {team.token('bob')}", "x-forwarded-for": "6.6.6.6", "forwarded": "for=6.6.6.6"}
    address = f"{team.address}/api/2.0/mlflow/experiments/create"
    assert 200 == requests.post(address, json={"name": "from-here"}, headers=headers, timeout=60).status_code
    found = [entry for entry in team.log().entries() if entry.subject == "experiment:from-here"]
    assert {"127.0.0.1"} == {entry.address for entry in found}


PAGES = ("", "reports", "audit", "audit/1", "account", "users", "login")


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 390), ("dark", 390)])
def test_for_everybody(team: Team, browser: Browser, scheme: Any, width: int) -> None:
    """No page breaks a rule of axe-core, light or dark, and none is wider than a phone."""
    with window(browser, color_scheme=scheme, viewport={"width": width, "height": 800}) as page:
        log_in(page, team)
        run = page.get_by_role("link", name="v-reason", exact=True).get_attribute("href") or ""
        page.goto(f"{team.address}/vreason/reports")
        report = page.get_by_role("link", name="comparison").get_attribute("href") or ""
        for path in [*(f"/vreason/{each}" for each in PAGES), run, report]:
            page.goto(team.address + path)
            found = Axe().run(page).response["violations"]
            assert not [(each["id"], each["nodes"][0]["html"]) for each in found], path
            assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), path


def test_keyboard(team: Team, browser: Browser) -> None:
    """The first stop leads past the navigation, and every stop is seen."""
    with window(browser) as page:
        log_in(page, team)
        page.goto(f"{team.address}/vreason/audit")
        page.keyboard.press("Tab")
        expect(page.get_by_text("Skip to the content")).to_be_focused()
        expect(page.get_by_text("Skip to the content")).to_be_in_viewport()
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        expect(page.get_by_role("button", name="Verify every entry now")).to_be_focused()
        assert "solid" == page.evaluate("getComputedStyle(document.activeElement).outlineStyle")


def test_a_run_appears(team: Team, browser: Browser) -> None:
    """What begins while somebody looks is there without loading the page again, with its samples as they come."""
    with window(browser) as page:
        log_in(page, team, "eve")
        expect(page.get_by_text("Nothing runs.")).to_be_visible()
        recorder = readback.recorder_of(team.folder / "vreason-journal", "under-way", sample_ids=("q-00", "q-01"), created_ms=unix_ms())
        folder: RunFolder = recorder.folder
        recorder.on_steps(records.steps("q-00", 3))
        readback.deliver(folder, MlflowStore(team.uri("bob"), "vreason"))
        row = page.get_by_role("row").filter(has_text="under-way")
        expect(row).to_contain_text("RUNNING", timeout=20_000)
        expect(row).to_contain_text("of 2")
        recorder.finish("KILLED")


def test_fuzzed_by_its_description(team: Team) -> None:
    """schemathesis: whatever the API's description says may be sent, and what it says may not, no answer is a fault of the server's."""
    import schemathesis
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis.errors import Unsatisfiable

    headers = {"authorization": f"Bearer {team.token('ada')}"}
    schema = schemathesis.openapi.from_url(f"{team.address}/vreason/api/openapi.json", headers=headers)
    seen: set[int] = set()

    def send(case: Any) -> None:
        answer = case.call(timeout=40, headers=headers)
        seen.add(answer.status_code)
        assert answer.status_code < 500, (case.method, case.path, answer.status_code, answer.text[:500])

    few = settings(max_examples=15, deadline=None, database=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
    operations = [each.ok() for each in schema.get_all_operations()]
    assert len(operations) >= 12
    for operation in operations:
        for mode in schemathesis.GenerationMode:
            with suppress(Unsatisfiable):  # what takes nothing can be sent nothing wrong
                few(given(case=operation.as_strategy(generation_mode=mode))(send))()
    assert {200, 404, 422} <= seen
