"""The card as a README.md that the Hugging Face Hub reads: front matter with its model-index, and text that means nothing but what it says.

What somebody has written by hand stands between two marks, and is the only part that is not derived.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from vreason_tracking.cards.evidence import FORMAT, Evidence, RunFacts
from vreason_tracking.cards.tables import method_tables, provenance_tables, result_tables
from vreason_tracking.presentation import Table, escaped, markdown_table

BEGIN, END = "<!-- hand-written: begin -->", "<!-- hand-written: end -->"
_PART = re.compile(f"^{re.escape(BEGIN)}$(.*?)^{re.escape(END)}$", re.MULTILINE | re.DOTALL)

_TASK = "video-text-to-text"
_PAPER = "https://arxiv.org/abs/2510.17045"
_NOBODY = "Nobody has written anything: intended use, who it is for, and what only a person can judge."
_DERIVED = (
    "Every figure below was computed from recorded runs by vreason-track; `vreason-track card check` computes them again and names each "
    "one that differs. Nothing but the part marked as hand-written was written by anybody."
)


def to_readme(evidence: Evidence, notes: str = "") -> str:
    """The whole file; the same evidence and notes give the same bytes.

    Args:
        evidence: of the card.
        notes: Markdown that somebody has written by hand; "" where nobody has.
    """
    return f"---\n{_front_matter(evidence)}\n---\n\n" + "\n\n".join(_blocks(evidence, notes)) + "\n"


def _inert(notes: str) -> str:
    """Notes cannot end their own part."""
    return notes.replace(BEGIN, "").replace(END, "").strip()


def hand_written(readme: str) -> str:
    """The part of a card that somebody has written; "" where there is none."""
    part = _PART.search(readme)  # the marks stand on lines of their own, which no text of the record does
    found = part[1].strip() if part else ""
    return "" if found == _NOBODY else found


def _plain(text: str) -> str:
    """On one line: a line of dashes would end the front matter."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def _front_matter(evidence: Evidence) -> str:
    from huggingface_hub import EvalResult, ModelCardData

    results = [
        EvalResult(
            task_type=_TASK,
            dataset_type=_plain(figure.group),
            dataset_name=_plain(figure.group),
            dataset_config=_plain(run.config) or None,
            metric_type="accuracy",
            metric_value=figure.value,
            metric_name=f"accuracy of {_plain(run.name)}",
        )
        for run in evidence.runs
        for figure in evidence.figures
        if (figure.run, figure.grouping, figure.metric, figure.statistic) == (run.name, "benchmark", "accuracy", "mean")
        and figure.value is not None
    ]
    base = {_plain(run.model.get("id", "")) for run in evidence.runs}
    data = ModelCardData(
        model_name=_plain(evidence.title) or "card",
        base_model=next(iter(base)) if len(base) == 1 and "/" in next(iter(base)) else None,
        pipeline_tag=_TASK,
        tags=["training-free", "v-reason", "video-reasoning"],
        eval_results=results or None,
        vreason={
            "format": FORMAT,
            "runs": [run.journal_id or run.run_id for run in evidence.runs],
            "baseline": _plain(evidence.baseline) if evidence.baseline else None,
        },
    )
    return str(data.to_yaml()).rstrip()


def _blocks(evidence: Evidence, notes: str) -> Iterator[str]:
    yield f"# {escaped(evidence.title)}"
    yield _DERIVED
    if evidence.warnings:
        yield "## Read this first"
        yield "\n".join(f"- {escaped(each)}" for each in evidence.warnings)
    yield "## In short"
    yield "\n".join(f"- {escaped(each)}" for each in (_asked(evidence), *evidence.verdicts))
    yield "## Hand-written"
    yield f"{BEGIN}\n{_inert(notes) or _NOBODY}\n{END}"
    yield "## Results"
    for table in result_tables(evidence):
        yield from _titled(table)
    yield "## Method"
    yield (
        "The weights are frozen; while a reply is made, a controller on the last layer's value cache is tuned by the entropy of the next "
        f"token ([V-Reason]({_PAPER}); an independent implementation). Variants without a table answer as the model does."
    )
    for table in method_tables(evidence):
        yield from _titled(table)
    yield "## Limits"
    yield "\n".join(f"- {escaped(each)}" for each in _limits(evidence))
    yield "## Not in the record"
    yield "\n".join(f"- {escaped(each)}" for each in evidence.missing)
    yield "## Where it comes from"
    yield "\n".join(f"- {escaped(_origin(run))}" for run in evidence.runs)
    for table in provenance_tables(evidence):
        yield from _titled(table)
    yield f"Computed by vreason-track {escaped(evidence.version)}."


def _titled(table: Table) -> Iterator[str]:
    yield f"### {escaped(table.title)}"
    yield from markdown_table(table)


def _asked(evidence: Evidence) -> str:
    return f"{evidence.questions:,} question(s) about {evidence.videos:,} video(s), asked of {len(evidence.runs)} variant(s)."


def _limits(evidence: Evidence) -> Iterator[str]:
    """What the figures do not say, from what they are of."""
    yield f"The figures hold for these {evidence.questions:,} questions, this prompt, these frames and this decoding, and for nothing else."
    if evidence.videos < 100:
        yield f"They rest on {evidence.videos:,} videos: intervals are over videos, for questions about one are not independent."
    if any(run.model.get("id") == "demo" for run in evidence.runs):
        yield "The model is the embedded demo, a small one that knows a world of moving shapes: nothing follows for real models."
    for run in evidence.runs:
        if run.failed:
            yield f"{run.name}: {run.failed:,} question(s) failed and have no score; counted as wrong they would lower it."


def _origin(run: RunFacts) -> str:
    asked = f" of {run.asked:,}" if run.asked is not None else ""
    known = f", {run.journal_id} in its journal" if run.journal_id and run.journal_id != run.run_id else ""
    return f"{run.name}: run {run.run_id}{known}, {run.status}, {run.answered:,}{asked} answered, begun {run.started}, config {run.config}."
