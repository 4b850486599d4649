"""Tables and texts as Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable

from vreason_tracking.presentation.table import Table

_SPECIAL = str.maketrans({each: f"\\{each}" for each in "\\`*_[]<>|#~$&"})
_BLOCK = re.compile(r"^(\d*)([-+.)]+)(?=\s|$)")  # what a line may begin with that makes a list of it


def markdown_table(table: Table) -> Iterable[str]:
    """The table, and its note, as blocks of Markdown."""
    heads = [escaped(each.strip()) for each in table.columns]
    rule = ["---" if index < table.texts else "---:" for index in range(len(heads))]
    yield "\n".join("| " + " | ".join(row) + " |" for row in (heads, rule, *([escaped(cell) for cell in row] for row in table.rows)))
    if table.note:
        yield escaped(table.note)


def escaped(text: str) -> str:
    """Text of a user on one line, which means nothing to Markdown, nor to HTML in it."""
    return _BLOCK.sub(r"\1\\\2", " ".join(text.split()).translate(_SPECIAL))
