"""From a loaded model's config to its adapter."""

from __future__ import annotations

from typing import Any

from vreason.errors import UnsupportedModelError
from vreason.models.adapter import ModelAdapter
from vreason.models.qwen_vl import Qwen3VLAdapter, QwenVLAdapter

_ADAPTERS: tuple[ModelAdapter, ...] = (QwenVLAdapter(), Qwen3VLAdapter())


def supported_families() -> tuple[str, ...]:
    """Every ``config.model_type`` that has an adapter."""
    return tuple(name for adapter in _ADAPTERS for name in adapter.model_types)


def adapter_for(config: Any) -> ModelAdapter:
    """The adapter of a model's family.

    Args:
        config: a transformers config; only its ``model_type`` is read.

    Raises:
        UnsupportedModelError: the family has none; the message says how to write one.
    """
    kind = getattr(config, "model_type", None)
    for adapter in _ADAPTERS:
        if kind in adapter.model_types:
            return adapter
    raise UnsupportedModelError(
        f"no adapter for model family {kind!r}; there are adapters for {', '.join(supported_families())}."
        " To add one, write a class with the five methods of vreason.models.adapter.ModelAdapter (vreason/models/qwen_vl.py is an"
        " example of 60 lines) and name it in vreason/models/registry.py"
    )
