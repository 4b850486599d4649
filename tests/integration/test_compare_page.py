"""The page of a comparison in real Chromium, and its run on MLflow's own pages."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from mlflow_pages import browser_page, mlflow_server

from tests.helpers import clips, compared, like_runs, records
from vreason_tracking.catalog.catalog import Catalog
from vreason_tracking.catalog.run_record import recorded_runs
from vreason_tracking.comparison.comparison import compare
from vreason_tracking.comparison.publishing import publish
from vreason_tracking.comparison.report import make_report
from vreason_tracking.comparison.sample_pages.page import anchor
from vreason_tracking.comparison.selection import named_runs
from vreason_tracking.stores.mlflow_store import MlflowStore

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

HOSTILE = '<img src="http://127.0.0.1:9/x" onerror="document.title=1">|' + "unbreakable" * 12
_SIDEWAYS = """[...document.querySelectorAll('body *')].filter(each => each.getBoundingClientRect().right > innerWidth + 1
    && !each.closest('.wide, .many, svg')).map(each => each.outerHTML.slice(0, 80))"""


def comparison(folder: Path, count: int):
    """So many runs of hostile names that were not asked alike, with failures, about a real clip."""
    clip = clips.write_clip(folder / "clip.mp4", 16, size=(320, 240), texture=True)
    runs = []
    for number in range(count):
        samples = [
            (replace(sample, video=str(clip)) if not place else sample, steps)
            for place, (sample, steps) in enumerate(compared.make_samples(24, 8, number, steps=20))
        ]
        old = samples[5][0]
        asked = {name: getattr(old, name) for name in ("video", "question", "options", "problem_type", "category")}
        if number:
            samples[5] = (records.failed(old.sample_id, error=HOSTILE, **asked), ())
        settings = {"method.controller.k": str(number), "generation.max_new_tokens": str(96 + number)}
        run = compared.recorded(folder, f"run {number}", samples, "v-reason" if number else "baseline", params=settings)
        runs.append(replace(run, name=f"{number} {HOSTILE}" if number else "baseline"))
    return compare(runs, force=True)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Pages of 3 and of 30 runs; and the first one's comparison."""
    folder = tmp_path_factory.mktemp("made")
    files, found = {}, {}
    for count in (3, 30):
        (folder / str(count)).mkdir()
        found[count] = comparison(folder / str(count), count)
        files[count] = folder / f"{count}.html"
        files[count].write_text(make_report(found[count], ["q-0000"], 3).html().text, encoding="utf-8")
    return files, found


@pytest.fixture
def opened(made, tmp_path):
    """Opens a page at a width in a browser; returns it with what it asked for or complained about."""
    with browser_page(tmp_path) as page:
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "request", lambda request: complaints.append(request.url) if not request.url.startswith(("file:", "data:", "about:")) else None
        )

        def open_at(count=3, width=1280, fragment=""):
            page.set_viewport_size({"width": width, "height": 900})
            page.goto("about:blank")
            page.goto(made[0][count].as_uri() + fragment)
            return page, complaints

        yield open_at


@pytest.mark.parametrize(("count", "width"), [(3, 1280), (3, 390), (30, 1280), (30, 390)])
def test_it_opens_without_a_complaint_and_only_tables_scroll(opened, count, width) -> None:
    """No violation of its own policy, no request; the page is as wide as the window, open folds and all."""
    page, complaints = opened(count, width)
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert (width, []) == (page.evaluate("document.documentElement.scrollWidth"), page.evaluate(_SIDEWAYS))
    assert [] == complaints
    assert page.title() != "1"
    assert page.evaluate("[...document.querySelectorAll('.wide')].some(each => each.scrollWidth > each.clientWidth)")


def test_warnings_are_the_first_thing_seen(opened, made) -> None:
    """Above the heading, in the first window."""
    page, _ = opened()
    box = page.locator(".warning")
    assert box.bounding_box()["y"] < page.locator("h1").bounding_box()["y"]
    assert list(made[1][3].warnings) == [each.strip() for each in box.locator("li").all_inner_texts()]


def test_folds_open_by_a_click_without_a_script(opened) -> None:
    """The data below a picture is hidden, then there."""
    page, _ = opened()
    assert 0 == page.locator("script").count()
    fold = page.locator("figure details").first
    assert not fold.locator("td").first.is_visible()
    fold.locator("summary").click()
    assert fold.locator("td").first.is_visible()


def test_from_the_questions_to_a_sample_and_back(opened) -> None:
    """The link leads to the sample's page, in place of the report; back leads to the questions."""
    page, _ = opened()
    page.locator("#questions ~ .wide a", has_text="q-0000").click()
    assert [anchor("q-0000")] == page.evaluate("[...document.querySelectorAll('.sample')].filter(e => e.offsetParent).map(e => e.id)")
    assert not page.locator("h1").is_visible()
    assert page.locator(f"#{anchor('q-0000')} img").count() > 0
    page.locator(f"#{anchor('q-0000')}").get_by_text("back to the report").click()
    assert page.locator("h1").is_visible()
    assert 0 <= page.locator("#questions").bounding_box()["y"] < 900


def test_print(opened, tmp_path) -> None:
    """A PDF of several pages; on paper the warnings are there and no table is cut off at the side."""
    page, _ = opened()
    data = page.pdf(format="A4")
    assert b"%PDF" == data[:4]
    assert data.count(b"/Type /Page\n") + data.count(b"/Type /Page ") + data.count(b"/Type /Page/") > 3
    page.set_viewport_size({"width": 718, "height": 1000})  # A4 between margins, in CSS pixels
    page.emulate_media(media="print")
    assert page.locator(".warning").is_visible()
    assert not page.locator("nav").first.is_visible()
    cut = "[...document.querySelectorAll('main table')].filter(e => e.checkVisibility() && e.getBoundingClientRect().right > 719).length"
    assert [0, 0] == [opened(count, 718)[0].evaluate(cut) for count in (3, 30)]


def test_in_mlflow(tmp_path, tracking_uri) -> None:
    """The comparison's run shows its description, and its artifacts as a tree."""
    root = tmp_path / "journal"
    store = MlflowStore(tracking_uri, "trial")
    like_runs.pair(root, store)
    with recorded_runs(named_runs(Catalog(root, tracking_uri, None), ["baseline", "v-reason"]).runs) as runs:
        report = make_report(compare(runs), pages=2)
        run_id = publish(report, {"comparison.html": report.html().text}, store)
    with mlflow_server(tracking_uri, tmp_path) as address, browser_page(tmp_path) as page:
        page.set_default_timeout(60_000)
        page.goto(f"{address}/#/experiments/1/runs/{run_id}")
        page.get_by_text("comparison: v-reason against baseline").first.wait_for()
        page.get_by_text("2 runs of trial, 14 questions about 14 videos").first.wait_for()
        page.goto(f"{address}/#/experiments/1/runs/{run_id}/artifacts")
        page.get_by_text("figures", exact=True).first.wait_for()
        for name in ("comparison.html", "comparison_table.json"):
            page.get_by_text(name, exact=True).first.wait_for()
        page.get_by_text("figures", exact=True).first.click()
        page.get_by_text(f"{report.figures[0].name}.svg", exact=True).first.wait_for()
        page.get_by_text(f"{report.figures[0].name}.svg", exact=True).first.click()
        picture = page.locator("img[src^='blob:'], img[src*='get-artifact']").first
        picture.wait_for()
        assert picture.bounding_box()["height"] > 100
        page.get_by_text("comparison_table.json", exact=True).first.click()
        page.get_by_text("standard_error_lmms_eval").first.wait_for()
        page.get_by_text("comparison.html", exact=True).first.click()
        page.frame_locator("iframe").get_by_role("heading", name="v-reason against baseline").wait_for()
