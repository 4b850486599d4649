"""The comparison as Markdown for a pull request or a wiki: sentences first, details folded away."""

from __future__ import annotations

from collections.abc import Iterable

from vreason_tracking.comparison.comparison import Comparison
from vreason_tracking.comparison.outputs.contents import groupings_of, opening, tables_of, title_of
from vreason_tracking.comparison.outputs.table import Table
from vreason_tracking.comparison.outputs.verdicts import verdicts

_SPECIAL = str.maketrans({each: f"\\{each}" for each in "\\`*_[]<>|#~$"} | {"\n": " ", "\r": " "})


def to_markdown(comparison: Comparison) -> str:
    """The whole page."""
    parts = [f"# {_cell(title_of(comparison))}"]
    parts += [f"> **WARNING** {_cell(warning)}\n" for warning in comparison.warnings]
    parts += [_cell(opening(comparison)), "\n".join(f"- {_cell(each)}" for each in verdicts(comparison))]
    for table in tables_of(comparison):
        parts += [f"## {_cell(table.title)}", *_table(table)]
    for grouping, tables in groupings_of(comparison):
        parts += [f"<details><summary>By {grouping}</summary>", *(part for each in tables for part in (f"### {each.title}", *_table(each)))]
        parts += ["</details>"]
    return "\n\n".join(parts) + "\n"


def _table(table: Table) -> Iterable[str]:
    heads = [_cell(each.strip()) for each in table.columns]
    rule = ["---" if place < table.texts else "---:" for place in range(len(heads))]
    yield "\n".join("| " + " | ".join(row) + " |" for row in (heads, rule, *([_cell(cell) for cell in row] for row in table.rows)))
    if table.note:
        yield _cell(table.note)


def _cell(text: str) -> str:
    """Text of a user that means nothing to Markdown, nor to HTML in it."""
    return text.translate(_SPECIAL)
