"""A variant's figures out of its samples: what the table at the end shows and what the run's summary metrics hold."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from math import isfinite
from typing import TYPE_CHECKING

from vreason.evaluation import ADVICE, NOT_FINITE
from vreason.events import SampleRecord
from vreason_tracking.records import metric_names as names
from vreason_tracking.records.metrics import percentile
from vreason_tracking.records.tags import text_tag
from vreason_tracking.telemetry import best_source

if TYPE_CHECKING:
    from vreason_tracking.statistics import Estimate


@dataclass
class RunSummary:
    """Grows by one `SampleRecord` at a time; holds a few numbers a sample, not the sample."""

    answers: list[tuple[float, int]] = field(default_factory=list)  # score and the number of its video
    videos: dict[str, int] = field(default_factory=dict)  # numbers of the videos, in the order in which they came; what has none is its own
    scores: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    categories: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    tokens: list[float] = field(default_factory=list)
    latency: list[float] = field(default_factory=list)
    first_token: list[float] = field(default_factory=list)
    per_token: list[float] = field(default_factory=list)
    control_ms: float = 0.0
    failed: int = 0
    peaks: dict[str, int] = field(default_factory=dict)  # by source: they measure different things and must not outbid each other
    torch_peaks: dict[str, int] = field(default_factory=dict)  # by name of the metric
    signatures: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, records: Iterable[SampleRecord]) -> RunSummary:
        """The summary of finished samples."""
        summary = cls()
        for record in records:
            summary.add(record)
        return summary

    def add(self, record: SampleRecord) -> None:
        """Take in one finished sample. The memory of a failed one counts: what ran out of memory is the one to look at."""
        self.signatures.update(record.signatures)
        self._add_memory(record)
        if record.error is not None:
            self.failed += 1
            return
        if record.score is not None:
            self.answers.append((record.score, self.videos.setdefault(record.video or record.sample_id, len(self.videos))))
            self.scores[record.problem_type].append(record.score)
            self.categories[record.category].append(record.score)
        self.tokens.append(record.output_tokens)
        for values, value in (
            (self.latency, record.generation_ms),
            (self.first_token, record.time_to_first_token_ms),
            (self.per_token, record.ms_per_token),
        ):
            if value is not None:
                values.append(value)
        self.control_ms += record.control_ms or 0.0

    def _add_memory(self, record: SampleRecord) -> None:
        if record.peak_memory_bytes is not None:
            _raise(self.peaks, record.memory_source or "unknown", record.peak_memory_bytes)
        for template, peaks in ((names.PEAK_ALLOCATED, record.peak_allocated_bytes), (names.PEAK_RESERVED, record.peak_reserved_bytes)):
            for device, used in enumerate(peaks):
                _raise(self.torch_peaks, names.filled(template, device), used)

    @property
    def memory_source(self) -> str | None:
        """The best source that any sample's peak came from; None where memory was not measured."""
        return best_source(self.peaks)

    @property
    def peak_memory(self) -> int | None:
        """The greatest memory in use over the samples whose peak came from `memory_source`, bytes."""
        return self.peaks[self.memory_source] if self.memory_source else None

    @property
    def answered(self) -> int:
        """Samples with an answer."""
        return len(self.tokens)

    @property
    def accuracy(self) -> float | None:
        """Mean score of the answered samples; None before the first."""
        return _mean([score for scores in self.scores.values() for score in scores])

    def accuracy_estimate(self) -> Estimate | None:
        """The accuracy with its 95 % interval, questions about one video being one cluster, as `compare` has it; None without an answer."""
        import numpy as np  # here: the process of a run does without them until its end

        from vreason_tracking.statistics import estimates

        if not self.answers or not all(isfinite(score) for score, _ in self.answers):
            return None
        scores, videos = zip(*self.answers, strict=True)
        return estimates.mean(np.array(scores, np.float64), np.array(videos, np.int64))

    @property
    def tokens_per_second(self) -> float | None:
        """Tokens generated a second of generation."""
        return sum(self.tokens) / (sum(self.latency) / 1000) if sum(self.latency) else None

    def metrics(self) -> dict[str, float]:
        """Every summary metric that has a value, by the names of `metrics.SUMMARY_METRICS`."""
        plain = [score for kind, scores in self.scores.items() if kind != "regression" for score in scores]
        estimate = self.accuracy_estimate() if len(self.videos) > 1 else None
        values: dict[str, float | None] = {
            names.ACCURACY: self.accuracy,
            names.ACCURACY_LOW: estimate.low if estimate else None,
            names.ACCURACY_HIGH: estimate.high if estimate else None,
            **{names.filled(template, text): _mean(scores) for template, text, scores in self._kinds()},
            names.MEAN_ACC: _mean(plain),
            names.MEAN_MRA: _mean(self.scores.get("regression", [])),
            names.ANSWERED: self.answered,
            names.FAILED: self.failed,
            names.VIDEOS: len(self.videos),
            names.CONTROL_SHARE: self.control_ms / sum(self.latency) if sum(self.latency) else None,
            names.PEAK_MEMORY: self.peak_memory,
            **self.torch_peaks,
            **{names.filled(names.SIGNATURE, name): self.signatures[name] for name in ADVICE},
        }
        for spread, series in (
            (names.TOKENS, self.tokens),
            (names.LATENCY, self.latency),
            (names.FIRST_TOKEN, self.first_token),
            (names.PER_TOKEN, self.per_token),
        ):
            if series:
                values |= {spread.mean: _mean(series), spread.p50: percentile(series, 0.5), spread.p95: percentile(series, 0.95)}
        return {name: float(value) for name, value in values.items() if value is not None}

    def name_tags(self) -> dict[str, str]:
        """The whole text of each problem type and category that its metric's name does not spell, by the tag that holds it."""
        return {text_tag(names.filled(template, text)): text for template, text, _ in self._kinds() if names.segment(text) != text}

    def _kinds(self) -> Iterator[tuple[str, str, list[float]]]:
        """Template of the metric's name, text and scores of each problem type, and of each category; of no category there is none."""
        yield from ((names.ACCURACY_OF_TYPE, text, scores) for text, scores in sorted(self.scores.items()))
        yield from ((names.ACCURACY_OF_CATEGORY, text, scores) for text, scores in sorted(self.categories.items()) if text)

    def live(self) -> dict[str, float]:
        """The figures so far, by the names of `metrics.LIVE_METRICS`."""
        values = {
            names.LIVE_ACCURACY: self.accuracy,
            names.LIVE_FAILED: self.failed,
            names.LIVE_TOKENS: _mean(self.tokens),
            names.LIVE_SPEED: self.tokens_per_second,
            names.LIVE_PEAK_MEMORY: self.peak_memory,
        }
        return {name: float(value) for name, value in values.items() if value is not None}

    def advice(self) -> list[str]:
        """One line for each signature found: how often, and what to do. Beside entropies that are not finite nothing else is advised."""
        if count := self.signatures[NOT_FINITE]:
            return [f"{NOT_FINITE}: {count} sample(s); {ADVICE[NOT_FINITE]}"]
        return [f"{name}: {self.signatures[name]} sample(s); {ADVICE[name]}" for name in ADVICE if self.signatures[name]]


def _mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _raise(peaks: dict[str, int], name: str, used: int) -> None:
    peaks[name] = max(used, peaks.get(name, used))
