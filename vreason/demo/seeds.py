"""Which random worlds belong to which split. The split's number is the first of every seed, so no two splits share one."""

from __future__ import annotations

import numpy as np

SPLITS = {"train": 1, "validation": 2, "test": 3, "tokenizer": 4, "progress": 5}


def rng_for(split: str, seed: int, *numbers: int) -> np.random.Generator:
    """The generator of one item of a split.

    Args:
        split: a key of `SPLITS`; "progress" is what training looks at, "validation" and "test" are benchmarks on disk.
        seed: of the training run or the benchmark.
        numbers: of the clip, or of the batch and what it is part of.
    """
    return np.random.default_rng([SPLITS[split], seed, *numbers])
