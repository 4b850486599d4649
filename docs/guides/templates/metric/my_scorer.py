"""A scorer for vreason-track. The guide docs/guides/metric.md explains every place."""

from __future__ import annotations

# PLACE 1: what your function needs
# END OF PLACE 1
from vreason.benchmarks import Sample


def score_answer(prediction: str, sample: Sample) -> float:
    """The score of one answer, from 0 (wrong) to 1 (right)."""
    # PLACE 2: compare `prediction` with `sample.answer`
    raise NotImplementedError("place 2 of the template is not filled in")
    # END OF PLACE 2
