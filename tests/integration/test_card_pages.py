"""`vreason-track card serve` in real Chromium: a card is found by the keyboard, compared, printed, read on a phone; axe finds nothing."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.helpers.bundle_world import BundleWorld
from tests.helpers.ports import wait_until
from tests.integration.mlflow_pages import CHROMIUM

pytestmark = pytest.mark.slow

PROGRAM = Path(sys.executable).with_name("vreason-track")
PAGES = ("cards", "cards/shapes/1", "cards/shapes", "card-difference?one=shapes/2&other=shapes/1", "cards/nobody", "cards?stale=yes")


@pytest.fixture(scope="module")
def address(bundles: BundleWorld, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The service as a process, over two versions with cards; it ends well when it is told to."""
    folder = tmp_path_factory.mktemp("cards")
    world = bundles.copied(folder)
    world.register("baseline", with_card=True)
    log = folder / "serve.log"
    with log.open("w") as file:
        command = [PROGRAM, "card", "serve", "--port", "0", *world.places]
        process = subprocess.Popen(command, stdout=file, stderr=file, cwd=folder, env=os.environ)
    try:
        wait_until(lambda: "http://" in log.read_text(), lambda: process.poll() is None, 60, log.read_text)
        found = re.search(r"http://[0-9.:]+", log.read_text())
        assert found is not None
        yield found[0]
    finally:
        process.send_signal(signal.SIGTERM)
        assert 0 == process.wait(20), log.read_text()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium."""
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield found
        found.close()


def opened(browser: Browser, **settings: Any) -> tuple[Page, list[str]]:
    """A window, and what its console says and which other servers it asks."""
    page, said = browser.new_context(**settings).new_page(), []
    page.on("console", lambda message: said.append(message.text) if "status of 404" not in message.text else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: said.append(request.url) if "127.0.0.1" not in request.url and "data:" not in request.url else None)
    return page, said


def test_a_card_is_found_by_the_keyboard(browser: Browser, address: str) -> None:
    """Search, open, compare with another version, go to its history; nothing is asked of another server, and no script fails."""
    page, said = opened(browser)
    page.goto(f"{address}/")
    page.wait_for_url("**/vreason/cards")
    page.get_by_label("Search").focus()
    page.keyboard.type("v-reason: champion")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=*")
    expect(page.get_by_role("listitem")).to_have_count(1)
    page.get_by_role("link", name="shapes/1").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("shapes/1")
    expect(page.get_by_role("img", name="Entropy along the reply")).to_be_visible()
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_role("heading", name="Question by question")).to_be_visible()
    expect(page.get_by_role("cell", name="controller.lr")).to_be_visible()
    page.goto(f"{address}/vreason/cards/shapes")
    expect(page.get_by_role("cell", name="alias.moved").first).to_be_visible()
    assert [] == said


def test_without_script(browser: Browser, address: str) -> None:
    """Filters are a form, and pages are pages."""
    page, _ = opened(browser, java_script_enabled=False)
    page.goto(f"{address}/vreason/cards")
    page.get_by_label("Alias").select_option("champion")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**alias=champion*")
    assert 1 == page.locator(".tiles li").count()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_accessible(browser: Browser, address: str, scheme: str, width: int) -> None:
    """axe-core finds nothing on any page, and no page is wider than the window."""
    page, _ = opened(browser, viewport={"width": width, "height": 844}, color_scheme=scheme)
    for path in PAGES:
        page.goto(f"{address}/vreason/{path}")
        found = Axe().run(page)
        assert 0 == found.violations_count, f"{path}\n{found.generate_report()}"
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path


def test_printed(browser: Browser, address: str) -> None:
    """On paper there is neither navigation nor form, and tables are not cut off at the right."""
    page, _ = opened(browser, viewport={"width": 790, "height": 1100})
    page.goto(f"{address}/vreason/cards/shapes/1")
    page.emulate_media(media="print")
    expect(page.locator("header")).to_be_hidden()
    expect(page.locator("form")).to_be_hidden()
    widest = page.evaluate("Math.max(...[...document.querySelectorAll('table')].map(each => each.getBoundingClientRect().right))")
    assert widest <= 790
    assert len(page.pdf()) > 10_000
