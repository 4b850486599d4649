"""The comparison as Markdown for a pull request or a wiki: sentences first, details folded away."""

from __future__ import annotations

from collections.abc import Iterable

from vreason_tracking.comparison.comparison import Comparison
from vreason_tracking.comparison.export.page_sections import groupings_of, opening, tables_of, title_of
from vreason_tracking.comparison.tables.verdicts import FEW_RUNS, in_short, verdicts
from vreason_tracking.presentation import escaped, markdown_table


def to_markdown(comparison: Comparison) -> str:
    """The whole page."""
    parts = [f"# {escaped(title_of(comparison))}"]
    parts += [f"> **WARNING** {escaped(warning)}\n" for warning in comparison.warnings]
    parts += [escaped(opening(comparison)), *_verdicts(comparison)]
    for table in tables_of(comparison):
        parts += [f"## {escaped(table.title)}", *markdown_table(table)]
    for grouping, tables in groupings_of(comparison):
        parts += [
            f"<details><summary>By {grouping}</summary>",
            *(part for each in tables for part in (f"### {each.title}", *markdown_table(each))),
        ]
        parts += ["</details>"]
    for table in comparison.added_tables:
        parts += [f"## {escaped(table.title)}", *markdown_table(table)]
    return "\n\n".join(parts) + "\n"


def _verdicts(comparison: Comparison) -> Iterable[str]:
    """A sentence a run; of many runs they are folded away behind one on all."""
    told = verdicts(comparison)
    listed = "\n".join(f"- {escaped(each)}" for each in told)
    if len(told) <= FEW_RUNS:
        return [listed]
    return [escaped(in_short(comparison)), "<details><summary>Run by run</summary>", listed, "</details>"]
