"""Pages of single samples in real Chromium: opened by their address, without a script."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest
from jinja2 import Environment, PackageLoader, StrictUndefined

sys.path.insert(0, str(Path(__file__).parent))
from mlflow_pages import browser_page

from tests.helpers import clips, compared, records
from vreason_tracking.comparison.comparison import compare
from vreason_tracking.comparison.sample_pages.page import anchor
from vreason_tracking.comparison.sample_pages.reading import read_pages
from vreason_tracking.records.step_table import read_steps

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

FRAME = """<!doctype html><meta charset="utf-8"><style>body{margin:0}%s</style><main><h1>the report</h1></main>%s"""
QUESTION = "<script>document.title = 'stolen'</script> أين تتحرك الدائرة الحمراء؟ 🙂 " + "unbreakable" * 40
OUTPUT = "<think>\n  Two  spaces,\n\tand a tab. 🙂 مرحبا</think>\n<answer>" + "x" * 300 + "</answer>"
NAME = "clips/7 “odd” #?&<b>.mp4"


def steps_of(name: str, count: int):
    """Steps of ever more entropy, a hundredth of a nat each."""
    return [replace(step, entropy=step.token_index / 100) for step in records.steps(name, count)]


def document(folder: Path, count: int) -> str:
    """A report of so many runs that answered a harmless sample and a hostile one."""
    clip = clips.write_clip(folder / "clip.mp4", 16, size=(320, 240), texture=True)
    ends = tuple(range(1, len(OUTPUT) + 1))
    odd = {"question": QUESTION, "output": OUTPUT, "token_ends": ends, "video": str(clip), "options": (QUESTION, "b")}
    runs = []
    for number in range(count):
        samples = []
        for name, changes in (("s-1", {}), (NAME, odd)):
            reply = steps_of(name, len(changes.get("output", "")) or 12)
            samples.append((records.sample(name, reply, score=float(number % 2), **changes), reply))
        runs.append(compared.recorded(folder, f"run number {number} with a long name", samples, "v-reason"))
    names = ["s-1", NAME]
    steps = read_steps([run.steps for run in runs], set(names), names)
    loader = PackageLoader("vreason_tracking.comparison", "templates")
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined)
    body = environment.get_template("sample.html.j2").module.sample_pages(read_pages(compare(runs), names, steps))
    return FRAME % (environment.get_template("sample.css").render(), body)


@pytest.fixture
def opened(tmp_path):
    """A browser in which the document of so many runs can be opened at a sample's page, at a width."""
    with browser_page(tmp_path) as page:

        def open_at(count, name=None, width=1280):
            path = tmp_path / f"{count}.html"
            if not path.exists():
                (tmp_path / str(count)).mkdir()
                path.write_text(document(tmp_path / str(count), count), encoding="utf-8")
            page.set_viewport_size({"width": width, "height": 900})
            page.goto("about:blank")
            page.goto(path.as_uri() + (f"#{anchor(name)}" if name else ""))
            return page

        yield open_at


def shown(page):
    """Ids of the pages that can be seen, and whether the report can."""
    script = "[...document.querySelectorAll('.sample')].filter(each => each.offsetParent).map(each => each.id)"
    return page.evaluate(script), page.is_visible("h1")


def widths(page):
    """Width of the document, of the window; and the elements that stick out of the window without standing in a scroller."""
    script = """[...document.querySelectorAll('body *')].filter(each => each.getBoundingClientRect().right > innerWidth + 1
        && !each.closest('.many')).map(each => each.outerHTML.slice(0, 80))"""
    return page.evaluate("[document.documentElement.scrollWidth, innerWidth]"), page.evaluate(script)


def test_a_page_opens_and_closes_by_its_address(opened) -> None:
    """The report alone, then one page in its place, then its neighbour, then the report again."""
    page = opened(3)
    assert ([], True) == shown(page)
    page = opened(3, "s-1")
    assert ([anchor("s-1")], False) == shown(page)
    page.get_by_text("next sample").first.click()
    assert ([anchor(NAME)], False) == shown(page)
    page.locator(f"#{anchor(NAME)}").get_by_text("back to the report").click()
    assert ([], True) == shown(page)


def test_texts_are_shown_as_they_are(opened) -> None:
    """Markup is text, whitespace and line breaks are kept, other scripts run their own way."""
    page = opened(3, NAME)
    assert "stolen" not in page.title()
    section = page.locator(f"#{anchor(NAME)}")
    assert NAME == section.locator("h2").inner_text()
    assert QUESTION == section.locator(".question").inner_text()
    assert [OUTPUT] * 3 == section.locator(".t").all_text_contents()
    reply = section.locator(".t").first
    lines = reply.evaluate("each => each.getBoundingClientRect().height / parseFloat(getComputedStyle(each).lineHeight)")
    assert lines > 4
    assert OUTPUT == reply.inner_text()


def test_tokens_are_tinted_and_marked(opened) -> None:
    """By entropy, lightest to darkest; updates are underlined; explore has its dotted line; each says its figures."""
    page = opened(3, NAME)
    tokens = page.locator(f"#{anchor(NAME)} article:first-child .t > *")
    steps = steps_of(NAME, len(OUTPUT))
    assert len(OUTPUT) == tokens.count()
    script = """all => all.map(each => { const look = getComputedStyle(each);
        return [look.backgroundColor, look.textDecorationLine === 'underline', look.backgroundImage !== 'none', each.title]; })"""
    looks = tokens.evaluate_all(script)
    colours = list(dict.fromkeys(colour for colour, *_ in looks))
    assert [10, 15, 25, 50, 50, 50, 100] == [sum(colour == each for colour, *_ in looks) for each in colours[:7]]
    assert (8, "rgba(0, 0, 0, 0)") == (len(colours), colours[0])
    greens = [int(colour.split(", ")[1]) for colour in colours[1:]]
    assert sorted(greens, reverse=True) == greens
    assert [step.updated for step in steps] == [underlined for _, underlined, _, _ in looks]
    assert [step.alpha > 0 for step in steps] == [dotted for _, _, dotted, _ in looks]
    assert f"t = 5, H = {steps[5].entropy:.2f} nats, {steps[5].phase}" == looks[5][3]


def test_frames_are_shown(opened) -> None:
    """Eight pictures, decoded from the document itself."""
    page = opened(3, NAME)
    sizes = page.locator(f"#{anchor(NAME)} img").evaluate_all("all => all.map(each => [each.naturalWidth, each.naturalHeight])")
    assert [[120, 90]] * 8 == sizes


@pytest.mark.parametrize(("count", "width"), [(3, 1280), (3, 500), (30, 1280)])
def test_nothing_sticks_out(opened, count, width) -> None:
    """Whatever the texts and however many runs: replies wrap, and many of them scroll within their row."""
    (document_width, window), outside = widths(opened(count, NAME, width))
    assert (window, []) == (document_width, outside)


def test_many_runs_scroll_in_their_row(opened) -> None:
    """All replies stand side by side, and the row can be reached with the keyboard."""
    row = opened(30, NAME).locator(f"#{anchor(NAME)} .replies")
    assert 1 == len(set(row.locator("article").evaluate_all("all => all.map(each => each.offsetTop)")))
    assert [True, 0] == row.evaluate("each => [each.scrollWidth > 1.2 * each.clientWidth, each.tabIndex]")


def test_on_paper(opened) -> None:
    """What is printed is what is open: the report without pages, or one page."""
    page = opened(3)
    page.emulate_media(media="print")
    assert ([], True) == shown(page)
    page = opened(3, "s-1")
    assert ([anchor("s-1")], False) == shown(page)
