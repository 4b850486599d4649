"""Evidence of recorded runs, for tests of cards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from vreason_tracking.cards import Curve, Evidence, VersionFacts, gather
from vreason_tracking.catalog import Catalog, recorded_runs
from vreason_tracking.comparison import named_runs


@contextmanager
def evidence_of(root: Path, uri: str, *names: str, title: str = "shapes") -> Iterator[Evidence]:
    """Gathered from a journal and a store."""
    found = named_runs(Catalog(root, uri, "vreason"), names)
    with recorded_runs(found.runs) as runs:
        yield gather(runs, title, root)


def registered(evidence: Evidence, label: str = "shapes/3", signed: bool = True) -> Evidence:
    """The same as of a registered version that answers with its last run."""
    facts = VersionFacts(label, evidence.runs[-1].name, signed, "0" * 64, "equal", None, None)
    return replace(evidence, model=facts)


def hostile(evidence: Evidence, text: str) -> Evidence:
    """The same with a text in the place of every text that comes from data, models or users."""
    run = evidence.runs[-1]
    changed = replace(
        run,
        name=text,
        variant=text,
        config=text,
        settings=[replace(each, name=text, value=text, why=text) for each in run.settings[:1]],
        provenance={text: text, "data.croissant": text, "model.revision": text, "version.torch": text},
        model={"id": text, "family": text},
        decoding=[(text, text)],
        identity={text: text, "run": text},
        departures=[text],
    )
    figures = [replace(each, run=text, group=text) if each.run == run.name else each for each in evidence.figures]
    curves = [replace(each, run=text) if each.run == run.name else each for each in evidence.curves]
    return replace(
        evidence,
        title=text,
        model=VersionFacts(text, text, False, text, text, text, text),
        runs=[*evidence.runs[:-1], changed],
        figures=figures,
        curves=curves or [Curve(text, [0, 1], [0.5, 0.25], [0.1, 0.2], [3, 2], 1)],
        warnings=[text],
        verdicts=[f"{text}: {text}"],
        missing=[text],
    )
