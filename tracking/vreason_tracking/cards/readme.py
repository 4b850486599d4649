"""The card as a README.md that the Hugging Face Hub reads: front matter with its model-index, and text that means nothing but what it says.

What somebody has written by hand stands between two marks, and is the only part that is not derived.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from vreason_tracking.cards.evidence import FORMAT, Evidence
from vreason_tracking.cards.plain_text import one_line, unbroken, valid
from vreason_tracking.cards.sections import DERIVED, HAND_WRITTEN, sections
from vreason_tracking.presentation import escaped, markdown_table

BEGIN, END = "<!-- hand-written: begin -->", "<!-- hand-written: end -->"
_PART = re.compile(f"^{re.escape(BEGIN)}$(.*?)^{re.escape(END)}$", re.MULTILINE | re.DOTALL)

_FRONT = re.compile(r"\A\s*^---\n(.*?)^---(?:\n|\Z)", re.MULTILINE | re.DOTALL)  # rules on lines of their own, as the Hub reads it

_TASK = "video-text-to-text"
NOBODY = "Nobody has written anything: intended use, who it is for, and what only a person can judge."


def to_readme(evidence: Evidence, notes: str = "") -> str:
    """The whole file; the same evidence and notes give the same bytes.

    Args:
        evidence: of the card.
        notes: Markdown that somebody has written by hand; "" where nobody has.
    """
    return valid(f"---\n{_front_matter(evidence)}\n---\n\n" + "\n\n".join(_blocks(evidence, notes)) + "\n")


def _quoted(notes: str) -> str:
    """Notes as a quotation: no heading, fence or element of theirs reaches beyond it, and none of its lines is a mark."""
    return "\n".join(f"> {line}".rstrip() for line in notes.strip().splitlines())


def parts_of(readme: str) -> tuple[str, str]:
    """The front matter, without its rules, and what is below it; a text that has none is all below."""
    found = _FRONT.match(readme)
    return (found[1], readme[found.end() :]) if found else ("", readme)


def hand_written(readme: str) -> str:
    """The part of a card that somebody has written; "" where there is none."""
    part = _PART.search(readme)  # the marks stand on lines of their own, which no text of the record does
    lines = part[1].strip().splitlines() if part else []
    found = "\n".join(line.removeprefix(">").removeprefix(" ") for line in lines).strip()
    return "" if found == NOBODY else found


def _front_matter(evidence: Evidence) -> str:
    from huggingface_hub import EvalResult, ModelCardData

    results = [
        EvalResult(
            task_type=_TASK,
            dataset_type=one_line(figure.group),
            dataset_name=one_line(figure.group),
            dataset_config=one_line(run.config) or None,
            metric_type="accuracy",
            metric_value=figure.value,
            metric_name=f"accuracy of {one_line(run.name)}",
        )
        for run in evidence.runs
        for figure in evidence.figures_of(run.name, "benchmark", "accuracy", "mean")
        if figure.value is not None
    ]
    base = {one_line(run.model.get("id", "")) for run in evidence.runs}
    data = ModelCardData(
        model_name=one_line(evidence.title) or "card",
        base_model=next(iter(base)) if len(base) == 1 and "/" in next(iter(base)) else None,
        pipeline_tag=_TASK,
        tags=["training-free", "v-reason", "video-reasoning"],
        eval_results=results or None,
        vreason={
            "format": FORMAT,
            "version": one_line(evidence.version),
            "title": unbroken(evidence.title),
            "runs": [run.journal_id or run.run_id for run in evidence.runs],
            "baseline": unbroken(evidence.baseline) if evidence.baseline is not None else None,
            **({"model": unbroken(evidence.model.label)} if evidence.model else {}),
        },
    )
    return str(data.to_yaml()).rstrip()


def _blocks(evidence: Evidence, notes: str) -> Iterator[str]:
    yield f"# {escaped(evidence.title)}"
    yield escaped(DERIVED)
    for section in sections(evidence):
        yield f"## {section.title}"
        if section.title == HAND_WRITTEN:
            yield f"{BEGIN}\n\n{_quoted(notes) or NOBODY}\n\n{END}"
        if section.text:
            yield escaped(section.text)
        if section.points:
            yield "\n".join(f"- {escaped(each)}" for each in section.points)
        for table in section.tables:
            yield f"### {escaped(table.title)}"
            yield from markdown_table(table)
    yield f"Computed by vreason-track {escaped(evidence.version)}."
