"""What a card rests on: figures recomputed from the raw samples, and where each comes from. Nothing that was not recorded.

The same record gives the same evidence, byte for byte: no time of day, no order but the record's own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property

from vreason import __version__
from vreason.errors import TrackingError
from vreason_tracking.cards.entropy_curve import Curve
from vreason_tracking.cards.method_card import Setting
from vreason_tracking.cards.plain_text import valid

FORMAT = "vreason-card/1"


@dataclass(frozen=True)
class Figure:
    """One number of a card.

    Attributes:
        run: the variant's name in the card.
        run_id: of its run.
        grouping, group: the questions it is of: "all", "benchmark", ...
        metric, statistic, unit, how: what it is.
        value, low, high: the number and its 95 % interval; None where there is none.
        n, clusters: questions and videos that it rests on.
    """

    run: str
    run_id: str
    grouping: str
    group: str
    metric: str
    statistic: str
    unit: str
    how: str | None
    value: float | None
    low: float | None
    high: float | None
    n: int | None
    clusters: int | None

    @property
    def name(self) -> str:
        """What it is called in a message."""
        return f"{self.metric} ({self.statistic}) of {self.run}, {self.group}"


@dataclass(frozen=True)
class AuditPosition:
    """An entry of the journal's audit trail about a run."""

    index: int
    action: str
    time: str
    leaf: str


@dataclass(frozen=True)
class RunFacts:
    """A run that a card rests on.

    Attributes:
        name, run_id, journal_id, variant, config, status, started: of the run.
        asked, answered, failed: questions.
        files: SHA-256 by file: the samples, which all figures are computed from.
        settings: of the method; empty for the model as it is.
        decoding: prompt, frames and decoding.
        model: what is said of the base model.
        provenance: tags of the run: commit, versions, machine, digests.
        identity: digests of what the result depends on.
        departures: in what it departs from the paper's protocol of evaluation; empty where it follows it.
        audit: entries about it, oldest first; empty where no trail was found.
    """

    name: str
    run_id: str
    journal_id: str | None
    variant: str
    config: str
    status: str
    started: str
    asked: int | None
    answered: int
    failed: int
    files: Mapping[str, str]
    settings: Sequence[Setting]
    decoding: Sequence[tuple[str, str]]
    model: Mapping[str, str]
    provenance: Mapping[str, str]
    identity: Mapping[str, str]
    departures: Sequence[str]
    audit: Sequence[AuditPosition]


@dataclass(frozen=True)
class VersionFacts:
    """The registered version that a card is of.

    Attributes:
        label: as it is written: "NAME/3".
        variant: that it answers with; one of the card's runs.
        signed: whether a signature over all its files lies in it.
        files_sha256: digest of its files, as registered.
        example: what came of its example when it was registered.
        forced: why it was registered whatever spoke against it; None where nothing did.
        against: what spoke against it.
    """

    label: str
    variant: str
    signed: bool
    files_sha256: str
    example: str
    forced: str | None
    against: str | None


@dataclass(frozen=True)
class Evidence:
    """Everything that a card says.

    Attributes:
        title: of the card.
        model: the registered version that it is of; None for a card of runs.
        runs: the baseline among them; figures are in their order.
        baseline: its name; None for a single run.
        scoring: the profile by which replies were scored.
        questions, videos: that all runs were asked.
        warnings: what a reader must know first.
        verdicts: a sentence a run, against the baseline.
        curves: entropy along the reply, a run that has steps.
        figures: every number.
        missing: what a card should say, and the record does not have.
        version: of the program that computed it.
    """

    title: str
    model: VersionFacts | None
    runs: Sequence[RunFacts]
    baseline: str | None
    scoring: str
    questions: int
    videos: int
    warnings: Sequence[str]
    verdicts: Sequence[str]
    curves: Sequence[Curve]
    figures: Sequence[Figure]
    missing: Sequence[str]
    version: str = __version__

    def to_json(self) -> str:
        """One JSON document, the same for the same record; a line a figure, for there are many."""
        whole = {"format": FORMAT, **asdict(replace(self, figures=()))}
        del whole["figures"]
        text = json.dumps(whole, indent=1, ensure_ascii=False, allow_nan=False).removesuffix("\n}")
        lines = ",\n  ".join(json.dumps(vars(each), ensure_ascii=False, allow_nan=False) for each in self.figures)
        return valid(f'{text},\n "figures": [\n  {lines}\n ]\n}}\n')

    @classmethod
    def from_json(cls, text: str) -> Evidence:
        """The evidence that `to_json` wrote.

        Raises:
            TrackingError: it is damaged, or of a later version.
        """
        from pydantic import TypeAdapter, ValidationError

        try:
            data = json.loads(text)
            if not isinstance(data, dict) or data.pop("format", None) != FORMAT:
                raise ValueError(f"it is no evidence of the format {FORMAT}")
            found = TypeAdapter(cls).validate_python(data)
            uneven = [each for each in found.curves if len({len(each.tokens), len(each.entropy), len(each.ema), len(each.samples)}) > 1]
            if uneven or not found.runs:
                raise ValueError("it has no runs, or a curve without a value at each of its tokens")
            return found
        except (ValueError, ValidationError, RecursionError) as error:
            told = " ".join(str(error).splitlines()[:3])
            raise TrackingError(f"the evidence of a card cannot be read ({told}); build the card anew, or upgrade vreason-track") from error

    @property
    def benchmarks(self) -> list[str]:
        """Names, in the record's order; without the halves that some have, "NAME (acc)" and "NAME (MRA)"."""
        groups = dict.fromkeys(figure.group for figure in self.figures if figure.grouping == "benchmark")
        halves = {f"{name} ({part})" for name in groups for part in ("acc", "MRA")}
        return [name for name in groups if name not in halves]

    def figures_of(self, run: str, grouping: str, metric: str, statistic: str) -> Sequence[Figure]:
        """The figures of a run, of every group of a grouping, in the record's order."""
        return self._by_name.get((run, grouping, metric, statistic), ())

    def figure(self, run: str, metric: str, statistic: str) -> Figure | None:
        """A figure of all questions; None where the record has none."""
        return next((each for each in self.figures_of(run, "all", metric, statistic) if each.value is not None), None)

    @cached_property
    def _by_name(self) -> dict[tuple[str, str, str, str], list[Figure]]:
        found: dict[tuple[str, str, str, str], list[Figure]] = {}
        for each in self.figures:
            found.setdefault((each.run, each.grouping, each.metric, each.statistic), []).append(each)
        return found
