"""Every private name of transformers that we use, in one place: what each does, and the version it was checked against.

A release may change them without notice; `tests/vreason/models/test_hf_internals.py` then fails by the name that changed.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import torch

F = TypeVar("F", bound=Callable[..., Any])

CHECKED_WITH = "5.23.0"
"""The version of transformers whose private names were read and tested."""


def prefill(model: Any, input_ids: torch.Tensor, generation: Any, model_kwargs: dict[str, Any]) -> Any:
    """`GenerationMixin._prefill`: the forward pass over the whole prompt; returns the model's output, with its cache."""
    return model._prefill(input_ids, generation, model_kwargs)


def decode_optimizations(model: Any) -> AbstractContextManager[None]:
    """`GenerationMixin._optimize_model_for_decode`: what `generate` does around its loop for some mixture-of-experts models."""
    made: AbstractContextManager[None] = model._optimize_model_for_decode()
    return made


def next_model_kwargs(model: Any, outputs: Any, model_kwargs: dict[str, Any]) -> dict[str, Any]:
    """`GenerationMixin._update_model_kwargs_for_generation`: cache, attention mask and position ids for one token more."""
    made: dict[str, Any] = model._update_model_kwargs_for_generation(outputs, model_kwargs)
    return made


def pad_token(generation: Any, device: torch.device) -> torch.Tensor:
    """`GenerationConfig._pad_token_tensor`: what a finished row is filled with."""
    pad: torch.Tensor = generation._pad_token_tensor
    return pad.to(device)


def commit_of(config: Any) -> str | None:
    """`PretrainedConfig._commit_hash`: the hub commit that a config was read from; None for a folder."""
    commit = getattr(config, "_commit_hash", None)
    return str(commit) if commit else None


def caller_argument(model: Any, name: str) -> Any:
    """An argument of the `generate` call that is running, read from its frame; None when there is none.

    transformers hands a `custom_generate` callable everything but `streamer`, `assistant_model` and a few more, which it keeps for its own
    loops. A user who passes a streamer expects it to stream, so it is taken from where it is.
    """
    frame = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_name == "generate" and frame.f_locals.get("self") is model and name in frame.f_locals:
            return frame.f_locals[name]
        frame = frame.f_back  # type: ignore[assignment]
    return None


def told_of_tokenizer(function: F) -> F:
    """A `custom_generate` function for which `generate` keeps its `tokenizer`, as `stop_strings` need it.

    `GenerationMixin._extract_generation_mode_kwargs` takes `tokenizer` out of the arguments before it looks in the signature of a custom
    function for what that wants, so that it is lost even where the function names it. At that look it is put back.
    """
    whole = inspect.signature(function)
    function.__signature__ = _Signature(list(whole.parameters.values()), return_annotation=whole.return_annotation)  # type: ignore[attr-defined]
    return function


class _Signature(inspect.Signature):
    @property
    def parameters(self) -> Any:
        """The function's own; `generate`'s look at them puts the tokenizer back."""
        caller = sys._getframe(1)
        if caller.f_code.co_name == "_extract_generation_mode_kwargs":
            given, taken = caller.f_locals.get("kwargs"), caller.f_locals.get("generation_mode_kwargs")
            if isinstance(given, dict) and isinstance(taken, dict) and "tokenizer" in taken:
                given.setdefault("tokenizer", taken["tokenizer"])
        return super().parameters
