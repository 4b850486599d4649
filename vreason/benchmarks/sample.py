"""One question about one video, as every benchmark yields it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol


@dataclass(frozen=True)
class Sample:
    """A question.

    Attributes:
        sample_id: unique within the benchmark.
        video: path of the file.
        question: the problem.
        answer: what is expected; for multiple choice the letter.
        problem_type: one of `vreason.prompts.PROBLEM_TYPES`.
        options: options without letters; empty unless multiple choice.
        category: the benchmark's own kind of question; "" when it has none.
        benchmark: the benchmark that the question belongs to, for example "VSI-Bench".
        metadata: whatever else is known of the question, by name; recorded with it, and no part of what is asked.
    """

    sample_id: str
    video: str
    question: str
    answer: str
    problem_type: str
    options: tuple[str, ...] = ()
    category: str = ""
    benchmark: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict, hash=False)


class Benchmark(Protocol):
    """A named list of samples."""

    name: str

    def samples(self) -> Sequence[Sample]:
        """All samples, in a fixed order."""
        ...


def data_digest(samples: Iterable[Sample]) -> str:
    """Digest of questions, expected answers and the videos' names and sizes: 32 hexadecimal digits (MLflow holds at most 36).

    A video counts by name and size in bytes, not by its contents: hashing hundreds of gigabytes before a run would cost more than it tells.
    """
    digest = hashlib.sha256()
    for sample in samples:
        row = asdict(sample)
        del row["metadata"]
        del row["benchmark"]  # what it is called is no part of what is asked, and digests of older runs stay valid
        path = Path(sample.video)
        row["video"] = path.name
        row["bytes"] = path.stat().st_size if path.is_file() else None
        digest.update(json.dumps(row, sort_keys=True).encode())
    return digest.hexdigest()[:32]
