"""docs/README.md lists every page, and no link in the documentation leads nowhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
INDEX = DOCS / "README.md"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.glob("**/*.md")])


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def links_of(text: str) -> list[str]:
    """Where the links and pictures of a page lead, outside of code."""
    prose = re.sub(r"^```.*?^```|`[^`\n]*`", "", text, flags=re.DOTALL | re.MULTILINE)
    return re.findall(r"\]\(([^)\s]+)", prose)


def anchors_of(page: Path) -> set[str]:
    """The anchors that a reader's page has for its headings."""
    headings = re.findall(
        r"^#+ (.+)$", re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE), re.MULTILINE
    )
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def broken(page: Path, link: str) -> bool:
    path, _, anchor = link.partition("#")
    target = (page.parent / path).resolve() if path else page
    if not target.exists() or not target.is_relative_to(ROOT):
        return True
    return bool(anchor) and target.suffix == ".md" and anchor not in anchors_of(target)


def test_every_page_is_in_the_index():
    """Each page of docs/ stands there once, in a numbered line that says what it is for, and nothing else does."""
    lines = re.findall(r"^(\d+)\. \[([^]]+)\]\(([^)]+)\): \S.{20,}$", INDEX.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(str(page.relative_to(DOCS)) for page in PAGES if page.is_relative_to(DOCS) and page != INDEX) == sorted(
        link for *_, link in lines
    )
    assert [] == [(shown, link) for _, shown, link in lines if shown != link]
    assert list(range(1, len(lines) + 1)) == [int(number) for number, *_ in lines]


def test_the_readme_leads_to_the_index():
    """A reader of the README finds the pages."""
    assert "docs/README.md" in links_of((ROOT / "README.md").read_text(encoding="utf-8"))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_relative_link_leads_to_a_file(page):
    """Each names a file of this repository, and a heading of it where it names one."""
    links = [link for link in links_of(page.read_text(encoding="utf-8")) if not re.match(r"[a-z]+:", link)]
    assert [] == [link for link in links if broken(page, link)]


def test_a_link_that_leads_nowhere_is_found(tmp_path):
    """A missing file, a missing heading, and a file outside of the repository are; text in code is no link."""
    page = ROOT / "README.md"
    leading = ["docs/cli.md", "docs/records.md#recorded-runs", "#two-commands"]
    assert [False] * 3 == [broken(page, link) for link in leading]
    assert [True] * 4 == [broken(page, link) for link in ("docs/none.md", "docs/cli.md#none", "#none", "../elsewhere.md")]
    assert ["a.md"] == links_of("[a](a.md) `x[0](b.md)`\n```\n[c](c.md)\n```\n")
