"""vreason_tracking.comparison.export.html_page: one file that needs nothing else."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from vreason_tracking.comparison.export import html_page
from vreason_tracking.comparison.export.page_sections import tables_of, title_of
from vreason_tracking.comparison.report import make_report
from vreason_tracking.comparison.sample_pages.page import anchor
from vreason_tracking.comparison.tables.verdicts import in_short, verdicts

_ADDRESSES = ("src", "href", "xlink:href", "srcset", "poster", "data", "action", "background", "formaction")


class Elements(HTMLParser):
    """Every element's tag and attributes, in order, and every piece of text with the tag that it stands in."""

    def __init__(self, text):
        super().__init__()
        self.found, self.texts, self._open = [], [], [""]
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        self._open.append(tag)

    def handle_data(self, data):
        self.texts.append((self._open[-1], data))

    def tags(self):
        return {tag for tag, _ in self.found}


@pytest.fixture(scope="module")
def page(trio):
    """The trio's file with three samples' pages."""
    return make_report(trio, pages=3).html()


@pytest.fixture(scope="module")
def hostile_page(forced):
    """The file of unlike runs with a hostile name."""
    return make_report(forced, pages=3).html()


def ids(elements):
    """Every id."""
    return [own["id"] for _, own in elements.found if "id" in own]


@pytest.mark.parametrize("which", ["page", "hostile_page"])
def test_nothing_outside_is_referred_to(which, request) -> None:
    """Addresses are data: or an anchor that is there; styles have no url but data: or a fragment, and import nothing."""
    text = request.getfixturevalue(which).text
    elements = Elements(text)
    addresses = [value for _, own in elements.found for name, value in own.items() if name in _ADDRESSES]
    assert [] == [each for each in addresses if not each.startswith(("data:", "#"))]
    assert [] == sorted({each[1:] for each in addresses if each.startswith("#")} - {*ids(elements), ""})
    styles = [data for tag, data in elements.texts if tag == "style"]
    styles += [own[name] for _, own in elements.found for name in own if name in ("style", "clip-path", "fill", "filter", "mask")]
    assert [] == [
        each for style in styles for each in re.findall(r"url\(([^)]*)\)", style) if not each.strip("'\" ").startswith(("data:", "#"))
    ]
    assert [] == [style for style in styles if "@import" in style]


@pytest.mark.parametrize("which", ["page", "hostile_page"])
def test_no_script_and_no_foreign_element(which, request) -> None:
    """Neither a script, nor a handler, nor anything that loads; a hostile name makes no element of its own."""
    elements = Elements(request.getfixturevalue(which).text)
    loading = {"script", "iframe", "object", "embed", "link", "base", "form", "audio", "video", "foreignobject", "animate", "set"}
    assert set() == elements.tags() & loading
    assert [] == [(tag, name) for tag, own in elements.found for name in own if name.startswith("on")]
    assert [] == [own for tag, own in elements.found if tag == "img" and not own.get("src", "").startswith("data:image/")]
    assert "default-src 'none'" in next(own["content"] for tag, own in elements.found if own.get("http-equiv") == "Content-Security-Policy")


@pytest.mark.parametrize("which", ["page", "hostile_page"])
def test_ids_are_there_once(which, request) -> None:
    """So that a link leads to one place."""
    found = ids(Elements(request.getfixturevalue(which).text))
    assert len(set(found)) == len(found) > 10


def test_a_hostile_name_is_text(hostile_page, forced) -> None:
    """It stands as it is in the heading, in the title and in the tables."""
    elements = Elements(hostile_page.text)
    for tag in ("h1", "title"):
        assert title_of(forced) == "".join(data for where, data in elements.texts if where == tag).rstrip()
    assert sum(data == forced.names[1] for where, data in elements.texts if where == "td") > 10


def test_warnings_stand_above_the_heading(hostile_page, page, forced) -> None:
    """All of them; without any there is no such box."""
    before = hostile_page.text.split("<h1>")[0]
    elements = Elements(before)
    told = [data for where, data in elements.texts if where == "li"]
    assert list(forced.warnings) == [each for each in told if each.strip()]
    assert "alert" == next(own["role"] for _, own in elements.found if own.get("class") == "warning")
    assert 'class="warning"' not in page.text


def test_every_cell_of_every_table_is_there(page, trio) -> None:
    """As the comparison's tables have them."""
    found = [data for where, data in Elements(page.text).texts if where == "td"]
    told = " ".join(found)
    for table in tables_of(trio):
        for row in table.rows:
            assert " ".join(cell for cell in row if cell) in told, table.name


def test_added_tables_stand_behind_ours(trio, with_added) -> None:
    """With a heading, a link to it at the top, and words that stay words; nothing else of the page changes."""
    plain, text = (make_report(each, pages=0).html().text for each in (trio, with_added))
    elements = Elements(text)
    headings = [own["id"] for tag, own in elements.found if tag == "h2" and "id" in own]
    before = [own["id"] for tag, own in Elements(plain).found if tag == "h2" and "id" in own]
    assert [*before[:-1], "added-by-shelf", "added-hostile", "questions"] == headings
    assert ["#added-by-shelf", "#added-hostile"] == [
        own["href"] for tag, own in elements.found if own.get("href", "").startswith("#added-")
    ]
    assert '<table class="t2"><thead><tr><th>run<th>shelf<th>books</thead>' in text
    assert "counted by hand" in [data for where, data in elements.texts if where == "p"]
    assert with_added.added_tables[1].title in [data for where, data in elements.texts if where == "td"]
    assert "script" not in [tag for tag, _ in elements.found]


def test_verdicts(page, trio, many) -> None:
    """A few stand open; many are folded behind a sentence."""
    shown = [data.replace("\u00a0", " ") for where, data in Elements(page.text).texts if where == "li"]
    assert [] == [each for each in verdicts(trio) if each not in shown]
    assert "Run by run" not in page.text
    folded = make_report(many, pages=0).html().text
    assert f"<p>{in_short(many)}</p><details><summary>Run by run</summary>" in folded


def test_questions_lead_to_pages_and_back(page, trio) -> None:
    """A link a page; each page has one to the report."""
    elements = Elements(page.text)
    links = [own["href"] for tag, own in elements.found if tag == "a" and own.get("href", "").startswith("#")]
    pages = [own["id"] for _, own in elements.found if "sample" in own.get("class", "").split()]
    assert 3 == len(pages)
    assert [] == [each for each in pages if f"#{each}" not in links]
    assert set(pages) <= {anchor(name) for name in trio.frame.ids}
    sections = page.text.split('<section class="sample"')[1:]
    assert 3 == sum('<a href="#questions">' in section for section in sections)


def test_pages_that_do_not_fit_are_left_out_and_named(trio, monkeypatch) -> None:
    """The last ones; the file stays below the limit, and no link leads to what is not there."""
    report = make_report(trio, pages=5)
    whole = report.html()
    assert ([], 5) == (whole.excluded, whole.text.count('class="sample'))
    sizes = [len(html_page._rendered_page(each).encode()) for each in report.pages]
    rest = len(whole.text.encode()) - sum(sizes)
    monkeypatch.setattr(html_page, "LARGEST", rest + sum(sizes[:2]) + 50_000 + sizes[2] // 2)
    found = report.html()
    assert [each.sample_id for each in report.pages[2:]] == found.excluded
    assert len(found.text.encode()) < html_page.LARGEST
    elements = Elements(found.text)
    links = {own["href"][1:] for tag, own in elements.found if tag == "a" and own.get("href", "").startswith("#")}
    assert set() == links - {*ids(elements), ""}


def test_a_sample_whose_page_is_larger_than_the_file_may_be(trio) -> None:
    """It is left out with all after it, and the report stands without."""
    report = make_report(trio, pages=2)
    vast = replace(report.pages[0], question="x" * html_page.LARGEST)
    found = html_page.to_html(trio, report.figures, [vast, report.pages[1]])
    assert [vast.sample_id, report.pages[1].sample_id] == found.excluded
    assert len(found.text.encode()) < html_page.LARGEST


def test_the_same_comparison_makes_the_same_bytes(page, trio) -> None:
    """Drawn anew."""
    assert page.text == make_report(trio, pages=3).html().text


def test_no_place_on_this_machine_is_in_it(page, trio) -> None:
    """Neither the folder of the files nor a time of day."""
    assert str(trio.runs[0].samples.parent.parent) not in page.text
    assert [] == re.findall(r"\d\d:\d\d:\d\d", page.text)


def test_data_behind_pictures_is_cut_where_nothing_else_helps(trio, monkeypatch) -> None:
    """A table of thousands of rows does not keep the file from being sent; what is cut is said, and nothing is cut without need."""
    report = make_report(trio, pages=0)
    long = replace(report.figures[0], rows=[[f"row {number}"] for number in range(3_000)])
    whole = html_page.to_html(trio, [long], [])
    assert "row 2999" in whole.text
    monkeypatch.setattr(html_page, "LARGEST", whole.size - 1)
    cut = html_page.to_html(trio, [long], [])
    assert ("row 99" in cut.text, "row 100" in cut.text, "the first 100 of 3,000 rows" in cut.text) == (True, False, True)
    assert cut.size < whole.size
