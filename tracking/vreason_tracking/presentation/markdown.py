"""The comparison as Markdown for a pull request or a wiki: sentences first, details folded away."""

from __future__ import annotations

import re
from collections.abc import Iterable

from vreason_tracking.comparison.comparison import Comparison
from vreason_tracking.comparison.export.page_sections import groupings_of, opening, tables_of, title_of
from vreason_tracking.comparison.tables.verdicts import FEW_RUNS, in_short, verdicts
from vreason_tracking.presentation.table import Table

_SPECIAL = str.maketrans({each: f"\\{each}" for each in "\\`*_[]<>|#~$&"})
_BLOCK = re.compile(r"^(\d*)([-+.)]+)(?=\s|$)")  # what a line may begin with that makes a list of it


def to_markdown(comparison: Comparison) -> str:
    """The whole page."""
    parts = [f"# {escaped(title_of(comparison))}"]
    parts += [f"> **WARNING** {escaped(warning)}\n" for warning in comparison.warnings]
    parts += [escaped(opening(comparison)), *_verdicts(comparison)]
    for table in tables_of(comparison):
        parts += [f"## {escaped(table.title)}", *_table(table)]
    for grouping, tables in groupings_of(comparison):
        parts += [f"<details><summary>By {grouping}</summary>", *(part for each in tables for part in (f"### {each.title}", *_table(each)))]
        parts += ["</details>"]
    return "\n\n".join(parts) + "\n"


def _verdicts(comparison: Comparison) -> Iterable[str]:
    """A sentence a run; of many runs they are folded away behind one on all."""
    told = verdicts(comparison)
    listed = "\n".join(f"- {escaped(each)}" for each in told)
    if len(told) <= FEW_RUNS:
        return [listed]
    return [escaped(in_short(comparison)), "<details><summary>Run by run</summary>", listed, "</details>"]


def _table(table: Table) -> Iterable[str]:
    heads = [escaped(each.strip()) for each in table.columns]
    rule = ["---" if index < table.texts else "---:" for index in range(len(heads))]
    yield "\n".join("| " + " | ".join(row) + " |" for row in (heads, rule, *([escaped(cell) for cell in row] for row in table.rows)))
    if table.note:
        yield escaped(table.note)


def escaped(text: str) -> str:
    """Text of a user on one line, which means nothing to Markdown, nor to HTML in it."""
    return _BLOCK.sub(r"\1\\\2", " ".join(text.split()).translate(_SPECIAL))
