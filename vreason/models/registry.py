"""From a loaded model's config to its adapter: one of this package, or of an installed one.

A package offers an adapter by an entry point of the group ``vreason.models`` whose name is the family's ``model_type``.
"""

from __future__ import annotations

from typing import Any

from vreason.errors import PluginError, UnsupportedModelError
from vreason.models.adapter import ModelAdapter
from vreason.models.plugin_adapter import PluginAdapter
from vreason.models.qwen_vl import Qwen3VLAdapter, QwenVLAdapter
from vreason.plugins import MODELS, find_plugin, plugins

_METHODS = ("decoder_layers", "head", "video_mask", "messages", "inputs")
_ADAPTERS: tuple[ModelAdapter, ...] = (QwenVLAdapter(), Qwen3VLAdapter())


def supported_families() -> tuple[str, ...]:
    """Every ``config.model_type`` that has an adapter, here or in an installed package."""
    return (*(name for adapter in _ADAPTERS for name in adapter.model_types), *(plugin.name for plugin in plugins(MODELS)))


def adapter_for(config: Any) -> ModelAdapter:
    """The adapter of a model's family.

    Args:
        config: a transformers config; only its ``model_type`` is read.

    Raises:
        UnsupportedModelError: the family has none; the message says how to write one.
        PluginError: the package that offers one cannot be loaded.
    """
    kind = getattr(config, "model_type", None)
    for adapter in _ADAPTERS:
        if kind in adapter.model_types:
            return adapter
    if kind is not None and (plugin := find_plugin(MODELS, kind)) is not None:
        return _made(plugin.load(), f"{kind!r} of {plugin.distribution}")
    raise UnsupportedModelError(
        f"no adapter for model family {kind!r}; there are adapters for {', '.join(supported_families())}."
        " To add one, write a class with the methods of vreason.models.ModelAdapter and offer it under its model_type as an entry point of"
        f" the group {MODELS!r}: docs/guides/model.md has a template"
    )


def _made(found: Any, what: str) -> ModelAdapter:
    """The adapter that an entry point leads to: an object, or a class that is made without arguments."""
    try:
        adapter = found() if isinstance(found, type) else found
    except Exception as error:  # whatever somebody else's class raises
        raise PluginError(f"the adapter {what} cannot be made: {type(error).__name__}: {error}; upgrade or remove that package") from error
    if missing := [name for name in _METHODS if not callable(getattr(adapter, name, None))]:
        raise PluginError(f"the adapter {what} lacks {', '.join(missing)}; see vreason.models.ModelAdapter")
    return PluginAdapter(adapter, what)
