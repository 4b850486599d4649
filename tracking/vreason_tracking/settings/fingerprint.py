"""What a result depends on, as digests: two runs of one identity were asked the same, of the same model, by the same method, in the same
way.

A digest a part, so that what differs between two runs can be named, and one for the whole.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from vreason_tracking.settings.loading import RunSettings
from vreason_tracking.settings.variants import Variant

PARTS = ("model", "method", "decoding", "prompt", "video", "data")
WHOLE = "run"


def fingerprint_of(settings: RunSettings, variant: Variant, revision: str, dtype: str, data: str) -> dict[str, str]:
    """The parts' digests and, as "run", the whole's: 16 hexadecimal digits each.

    Args:
        settings: of the run; where it is recorded, and what it is called, are no part of its identity.
        variant: the method.
        revision: identifies the weights (see `vreason.models.loading.LoadedModel`).
        dtype: type of the weights as they were loaded, so that "auto" is not taken for a type.
        data: digest of the questions asked (see `vreason.benchmarks.data_digest`), the limit with it.
    """
    prompt = settings.prompt_template()
    parts: dict[str, Any] = {
        "model": {"revision": revision, "dtype": dtype, "attention": settings.model.attention},
        "method": variant.flattened(),
        "decoding": {**settings.generation.model_dump(), "seed": settings.seed, "batch_size": settings.batch_size},
        "prompt": {"text": prompt.text, "suffixes": dict(prompt.suffixes)},
        "video": {name: value for name, value in asdict(settings.video).items() if name != "timeout"},
        "data": {"digest": data, "scoring": settings.data.scoring},
    }
    digests = {name: _digest(parts[name]) for name in PARTS}
    return {WHOLE: _digest(digests), **digests}


def differing_parts(one: Mapping[str, str], other: Mapping[str, str]) -> list[str]:
    """Names of the parts in which two identities differ."""
    return [name for name in PARTS if one.get(name) != other.get(name)]


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:16]
