"""vreason_tracking.comparison.export.markdown_page: the comparison for a pull request."""

from __future__ import annotations

import re

import pytest

from vreason_tracking.comparison.export.markdown_page import to_markdown
from vreason_tracking.comparison.export.page_sections import tables_of
from vreason_tracking.comparison.tables.verdicts import in_short, verdicts
from vreason_tracking.presentation.markdown import escaped


def cells(line):
    """The cells of a table's line as a renderer sees them: a bar that is escaped is text."""
    assert ("| ", " |") == (line[:2], line[-2:])
    return [re.sub(r"\\(.)", r"\1", cell.strip()) for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def tables(text):
    """Every table's lines."""
    return [part.splitlines() for part in text.split("\n\n") if part.startswith("| ")]


def test_every_table_is_there_cell_by_cell(trio) -> None:
    """Heads, a rule with numbers on the right, and the cells that the comparison's tables have."""
    found = tables(to_markdown(trio))
    for table, (heads, rule, *rows) in zip(tables_of(trio), found, strict=False):
        assert [each.strip() for each in table.columns] == cells(heads)
        assert ["---"] * table.texts + ["---:"] * (len(table.columns) - table.texts) == cells(rule)
        assert [list(row) for row in table.rows] == [cells(row) for row in rows]


def test_added_tables_stand_last(trio, with_added) -> None:
    """Behind all of ours, which stay as they are; their texts mean nothing to Markdown."""
    ours, text = to_markdown(trio), to_markdown(with_added)
    assert text.startswith(ours.rstrip("\n"))
    own, hostile = tables(text[len(ours) :])
    assert ["| run | shelf | books |", "| --- | --- | ---: |", "| baseline | upper | 3 |"] == own
    assert "\n\n## By shelf\n\n| run" in text
    assert "\n\ncounted by hand\n\n" in text
    assert [" ".join(with_added.added_tables[1].title.split()), "1"] == cells(hostile[2])


def test_names_cannot_break_a_table(forced) -> None:
    """As many cells in each line as heads, whatever stands in them; and the run's name is there whole, on one line."""
    found = tables(to_markdown(forced))
    assert len(found) > 10
    for lines in found:
        assert {len(cells(lines[0]))} == {len(cells(line)) for line in lines}
    assert " ".join(forced.names[1].split()) in [cells(line)[0] for line in found[0]]


def test_nothing_is_html_or_a_link(forced) -> None:
    """Outside our own folds no tag, no entity, no link is left unescaped."""
    text = re.sub(r"</?(details|summary)>", "", to_markdown(forced)).replace("> **WARNING**", "")
    assert [] == re.findall(r"(?<!\\)[<>&\[\]`$#~_]", re.sub(r"^#+ ", "", text, flags=re.M))


def test_warnings_stand_right_below_the_title(forced) -> None:
    """Each in a block of its own, before anything else is said."""
    lines = [line for line in to_markdown(forced).splitlines() if line]
    assert lines[0].startswith("# ")
    assert [f"> **WARNING** {escaped(each)}" for each in forced.warnings] == lines[1 : 1 + len(forced.warnings)]
    assert len(forced.warnings) > 5


def test_verdicts_of_few_runs_stand_open_those_of_many_are_folded(trio, many) -> None:
    """Behind a sentence on all of them."""
    assert "".join(f"- {escaped(each)}\n" for each in verdicts(trio)) in to_markdown(trio)
    assert "Run by run" not in to_markdown(trio)
    folded = to_markdown(many).split("<details><summary>Run by run</summary>")
    assert escaped(in_short(many)) in folded[0]
    assert len(verdicts(many)) == folded[1].split("</details>")[0].count("\n- ")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("k=4", "k=4"),
        ("26.5", "26.5"),
        ("+12.5", "+12.5"),
        ("× 0.84", "× 0.84"),
        ("", ""),
        ("- a", "\\- a"),
        ("+ a", "\\+ a"),
        ("1. a", "1\\. a"),
        ("12) a", "12\\) a"),
        ("---", "\\---"),
        ("a|b", "a\\|b"),
        ("  a \n\n b\u2028c\r", "a b c"),
        ("&lt;", "\\&lt;"),
        ("\\|", "\\\\\\|"),
    ],
)
def test_escaping(text, told) -> None:
    """Only what means something is escaped; a figure is not."""
    assert told == escaped(text)
