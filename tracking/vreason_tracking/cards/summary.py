"""What a list of cards shows of each: the one finding, what it is of, the runs that it rests on, and a small entropy curve.

It stands as a tag on the registered version, so that a registry of ten thousand versions is an index of cards without reading their files.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise

from pydantic import TypeAdapter, ValidationError

from vreason_tracking.cards.entropy_curve import POINTS, Curve
from vreason_tracking.cards.evidence import Evidence, RunFacts
from vreason_tracking.cards.plain_text import valid
from vreason_tracking.presentation import percent

_LARGEST = 4900
"""Characters of a tag's value that every store takes."""
_TILE_POINTS = 20
_LONGEST_FINDING = 400
_NAMES = 8
_LONGEST_REPLY, _HIGHEST = 10_000_000, 1_000.0  # tokens, nats: beyond is no curve of anybody's


@dataclass(frozen=True)
class SummarisedRun:
    """A run that a card rests on.

    Attributes:
        id: its name in the store or the journal.
        identity: digest of what its result depends on; "" where it is not known.
        accuracy: over all its questions; None where it has none.
        stored: whether the store had it when the card was made; else only a journal did.
    """

    id: str
    identity: str
    accuracy: float | None
    stored: bool


@dataclass(frozen=True)
class Summary:
    """A card in short.

    Attributes:
        title, finding: of the card; the finding is one sentence.
        base_model: what is frozen.
        methods: names of the variants that are no baseline, the card's own first.
        benchmarks: of the questions.
        questions, videos: counts.
        accuracy, low, high: of the card's own variant, with its interval; None where there is none.
        runs: the card's own first, then its baseline, then others while there is room.
        curves: entropy, the card's own and its baseline's, in few points.
        baseline: name of the baseline; None without one.
        digest: SHA-256 of the evidence.
        files: digest of all of the card's files; "" where they are not stored.
        version: of the program that computed it.
    """

    title: str
    finding: str
    base_model: str
    methods: Sequence[str]
    benchmarks: Sequence[str]
    questions: int
    videos: int
    accuracy: float | None
    low: float | None
    high: float | None
    runs: Sequence[SummarisedRun]
    curves: Sequence[Curve]
    baseline: str | None
    digest: str
    version: str
    files: str = ""

    def to_text(self) -> str:
        """As a tag's value holds it; runs beside the own one and the baseline are left out where there is no room for them."""
        told = asdict(self)
        while len(text := valid(json.dumps(told, ensure_ascii=False, separators=(",", ":")))) > _LARGEST and (
            told["runs"][2:] or told["curves"]
        ):
            told["runs" if told["runs"][2:] else "curves"].pop()
        return text


_READER = TypeAdapter(Summary)


def read_summary(text: str) -> Summary | None:
    """A summary out of a tag's value; None where it is none, for anybody can write tags."""
    try:
        found = _READER.validate_json(text)
    except (ValidationError, ValueError, RecursionError):
        return None
    return found if found.runs and all(_is_drawable(curve) for curve in found.curves) and _are_shares(found) else None


def _is_drawable(curve: Curve) -> bool:
    """Whether a curve has a value at each of its tokens, which go up."""
    sizes = {len(curve.tokens), len(curve.entropy), len(curve.ema), len(curve.samples)}
    if len(sizes) > 1 or not curve.tokens or len(curve.tokens) > POINTS:
        return False
    ordered = all(0 <= one < other <= _LONGEST_REPLY for one, other in pairwise([*curve.tokens, _LONGEST_REPLY]))
    return ordered and all(value is None or 0 <= value < _HIGHEST for value in (*curve.entropy, *curve.ema))


def _are_shares(summary: Summary) -> bool:
    shares = (summary.accuracy, summary.low, summary.high, *(run.accuracy for run in summary.runs))
    return all(value is None or 0.0 <= value <= 1.0 for value in shares)


def summary_of(evidence: Evidence) -> Summary:
    """The summary of a card.

    Args:
        evidence: of the card.
    """
    own = own_run(evidence)
    accuracy = evidence.figure(own.name, "accuracy", "mean")
    ordered = sorted(evidence.runs, key=lambda run: (run is not own, run.name != evidence.baseline))
    return Summary(
        title=_short(evidence.title),
        finding=_short(finding(evidence), _LONGEST_FINDING),
        base_model=_short(own.model.get("id", "")),
        methods=[_short(run.name) for run in ordered if run.settings][:_NAMES],
        benchmarks=[_short(name) for name in evidence.benchmarks][:_NAMES],
        questions=evidence.questions,
        videos=evidence.videos,
        accuracy=accuracy.value if accuracy else None,
        low=accuracy.low if accuracy else None,
        high=accuracy.high if accuracy else None,
        runs=[_run(evidence, run) for run in ordered],
        curves=[_thinned(curve) for run in ordered[:2] for curve in evidence.curves if curve.run == run.name],
        baseline=_short(evidence.baseline) if evidence.baseline else None,
        digest=hashlib.sha256(evidence.to_json().encode()).hexdigest(),
        version=evidence.version,
    )


def own_run(evidence: Evidence) -> RunFacts:
    """The run that a card is about: the registered version's, else the last that is no baseline."""
    wanted = evidence.model.variant if evidence.model else None
    named = [run for run in evidence.runs if wanted is not None and wanted in (run.name, run.variant)]
    others = [run for run in evidence.runs if run.name != evidence.baseline]
    return (named or others or list(evidence.runs))[-1]


def finding(evidence: Evidence) -> str:
    """What the card says of its own run in one sentence: against the baseline where there is one."""
    own = own_run(evidence)
    told = next((each for each in evidence.verdicts if each.startswith(f"{own.name}: ")), None)
    if told is not None:
        return told
    found = evidence.figure(own.name, "accuracy", "mean")
    if found is None:
        return f"{own.name}: no question was answered."
    interval = f" ({percent(found.low)} to {percent(found.high)})" if found.low is not None and found.high is not None else ""
    return f"{own.name}: {percent(found.value)} of {found.n} questions right{interval}."


def _run(evidence: Evidence, run: RunFacts) -> SummarisedRun:
    found = evidence.figure(run.name, "accuracy", "mean")
    stored = run.run_id != run.journal_id
    return SummarisedRun(_short(run.run_id), _short(run.identity.get("run", "")), found.value if found else None, stored)


def _thinned(curve: Curve) -> Curve:
    every = -(-len(curve.tokens) // _TILE_POINTS)
    return Curve(
        run=_short(curve.run),
        tokens=curve.tokens[::every],
        entropy=[_rounded(value) for value in curve.entropy[::every]],
        ema=[_rounded(value) for value in curve.ema[::every]],
        samples=curve.samples[::every],
        peak=curve.peak,
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def _short(text: str, most: int = 120) -> str:
    text = valid(text)
    return text if len(text) <= most else f"{text[: most - 1]}…"
