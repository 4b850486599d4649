"""What a card says, section by section, in plain text: each form of the card prints it in its own way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from vreason_tracking.cards.evidence import Evidence, RunFacts, VersionFacts
from vreason_tracking.cards.tables import entropy_table, method_tables, provenance_tables, result_tables
from vreason_tracking.presentation import Table

HAND_WRITTEN = "Hand-written"
"""Title of the section that somebody writes; it has nothing of ours in it."""

DERIVED = (
    "Every figure below was computed from recorded runs by vreason-track; vreason-track card check computes them again and names each "
    "one that differs. Nothing but its title and the quotation marked as hand-written was written by anybody."
)
ENTROPY = "Entropy along the reply"
_ENTROPY = (
    "The mean over samples of the next token's entropy and of its moving average, which the controller steers by (the paper's Figure 1); "
    "later tokens are those of the longer replies only."
)
_METHOD = (
    "The weights are frozen; while a reply is made, a controller on the last layer's value cache is tuned by the entropy of the next "
    "token (V-Reason, arXiv 2510.17045; an independent implementation). Variants without a table answer as the model does."
)


@dataclass(frozen=True)
class Section:
    """A part of a card.

    Attributes:
        title: above it.
        text: a paragraph; "" for none.
        points: a list.
        tables: each with its own title.
    """

    title: str
    text: str = ""
    points: Sequence[str] = ()
    tables: Sequence[Table] = ()


def sections(evidence: Evidence) -> Iterator[Section]:
    """All sections, in their order."""
    if evidence.warnings:
        yield Section("Read this first", points=evidence.warnings)
    yield Section("In short", points=[_asked(evidence), *evidence.verdicts])
    yield Section(HAND_WRITTEN)
    yield Section("Results", tables=list(result_tables(evidence)))
    if evidence.curves:
        yield Section(ENTROPY, _ENTROPY, tables=[entropy_table(evidence)])
    yield Section("Where the evaluation departs from the paper's protocol", points=list(_departures(evidence)))
    yield Section("Method", _METHOD, tables=list(method_tables(evidence)))
    yield Section("Limits", points=list(limits(evidence)))
    yield Section("Not in the record", points=evidence.missing)
    if evidence.model is not None:
        yield Section("Registered as", points=list(_registered(evidence.model)))
    origins = [_origin(run) for run in evidence.runs]
    yield Section("Where it comes from", points=origins, tables=list(provenance_tables(evidence)))


def _asked(evidence: Evidence) -> str:
    return f"{evidence.questions:,} question(s) about {evidence.videos:,} video(s), asked of {len(evidence.runs)} variant(s)."


def _departures(evidence: Evidence) -> Iterator[str]:
    """What all runs share once, then each run's own."""
    shared = [each for each in evidence.runs[0].departures if all(each in run.departures for run in evidence.runs)]
    yield from shared or ([] if any(run.departures for run in evidence.runs) else ["It departs in nothing that the record has."])
    for run in evidence.runs:
        yield from (f"{run.name}: {each}" for each in run.departures if each not in shared)


def _registered(model: VersionFacts) -> Iterator[str]:
    yield f"{model.label}, which answers with {model.variant}; SHA-256 of its files {model.files_sha256 or 'not recorded'}."
    signed = "A signature over all its files lies in it; vreason-track model verify checks it with the team's public key."
    yield signed if model.signed else "It is not signed."
    yield f"Its example, when it was registered: {model.example or 'not recorded'}."
    if model.forced is not None:
        yield f"Registered by force ({model.forced}), although: {model.against or 'nothing is said'}."


def limits(evidence: Evidence) -> Iterator[str]:
    """What the figures do not say, from what they are of, a sentence each."""
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
