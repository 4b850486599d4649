"""The embedded benchmark: questions about clips of the demo world, from seeds that training never saw."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from vreason.benchmarks.names import DEMO_SPLITS
from vreason.benchmarks.sample import Sample
from vreason.demo import KINDS, DemoClip, DemoQuestion, cache_folder, rng_for, sample_clip, write_clip
from vreason.errors import DataError

CLIPS = 120
QUESTIONS_A_CLIP = 4
QUESTION_KINDS = ("direction", "order", "counting", "distance", "position")
"""Kinds of the benchmark. "meeting" is trained but not asked: the shipped model answers it little better than a coin."""
SEED = 0


class DemoBenchmark:
    """The `test` or `validation` split: 120 clips, 4 questions each, the five kinds as evenly as the clips allow.

    Args:
        split: "test" or "validation".
        limit: at most this many questions; only their clips are written to disk.

    Raises:
        DataError: there is no such split.
    """

    name = "demo"

    def __init__(self, split: str = "test", limit: int | None = None) -> None:
        if split not in DEMO_SPLITS:
            raise DataError(f"the demo has no split {split!r}; use {' or '.join(DEMO_SPLITS)}")
        self.split, self.limit = split, limit

    def samples(self) -> Sequence[Sample]:
        """All questions in a fixed order; writes the clips that are not on disk yet."""
        counts: Counter[str] = Counter()
        samples: list[Sample] = []
        folder = cache_folder() / self.split
        for number in range(CLIPS):
            if self.limit is not None and len(samples) >= self.limit:
                break
            clip, questions = self._clip(number, counts)
            path = write_clip(clip, folder / f"{number:03d}.mp4")
            samples += [_sample(f"demo-{self.split}-{number:03d}-{question.kind}", str(path), question) for question in questions]
        return samples[: self.limit]

    def _clip(self, number: int, counts: Counter[str]) -> tuple[DemoClip, list[DemoQuestion]]:
        """Clip `number` with its questions: of the kinds that it allows, those asked least so far."""
        rng = rng_for(self.split, SEED, number)
        clip = sample_clip(rng)
        while not clip.clear_at_end:  # else a question could be asked about a shape that nobody sees
            clip = sample_clip(rng)
        possible = [question for kind in QUESTION_KINDS if (question := KINDS[kind](rng, clip)) is not None]
        possible.sort(key=lambda question: counts[question.kind])
        chosen = possible[:QUESTIONS_A_CLIP]
        counts.update(question.kind for question in chosen)
        return clip, chosen


def _sample(sample_id: str, video: str, question: DemoQuestion) -> Sample:
    return Sample(
        sample_id=sample_id,
        video=video,
        question=question.text,
        answer=question.answer,
        problem_type=question.problem_type,
        options=question.options,
        category=question.kind,
        benchmark=DemoBenchmark.name,
    )
