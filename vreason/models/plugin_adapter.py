"""The adapter of an installed package: what it returns is checked before a model is run with it, so that a mistake is said in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch

from vreason.errors import PluginError, VReasonError
from vreason.models.adapter import ModelAdapter, PixelLimits

if TYPE_CHECKING:
    from vreason.video import VideoFrames

_OF_THE_DATA = (ValueError, RuntimeError, MemoryError, VReasonError)
"""What `inputs` may raise of frames that cannot be used, or that do not fit into memory: an evaluation makes it the sample's error."""


class PluginAdapter:
    """Passes every call on to somebody else's adapter.

    Args:
        inner: theirs.
        what: the family and the package, for messages.

    Raises:
        PluginError: from every method: theirs raised, or returned something that cannot be used; the message says what to return.
    """

    def __init__(self, inner: ModelAdapter, what: str) -> None:
        self.inner, self._what = inner, what

    @property
    def model_types(self) -> tuple[str, ...]:
        """What theirs says; the entry point's name is what counts."""
        return tuple(getattr(self.inner, "model_types", ()))

    def decoder_layers(self, model: Any) -> Sequence[torch.nn.Module]:
        """Decoder layers as the package's adapter gives them."""
        made = self._checked_call("decoder_layers", model)
        modules = isinstance(made, torch.nn.ModuleList) or (isinstance(made, (list, tuple)) and all(map(_is_module, made)))
        if not modules or not len(made):
            raise self._wrong("decoder_layers", made, "the language model's layers, a list of modules")
        layers: Sequence[torch.nn.Module] = made
        return layers

    def head(self, model: Any) -> tuple[torch.nn.Module, torch.nn.Linear]:
        """Final norm and LM head as the package's adapter gives them."""
        made = self._checked_call("head", model)
        if not (isinstance(made, tuple) and len(made) == 2 and all(map(_is_module, made)) and hasattr(made[1], "weight")):
            raise self._wrong("head", made, "the final norm and the LM head, a tuple of two modules")
        norm, head = made
        return norm, head

    def video_mask(self, model: Any, input_ids: torch.Tensor) -> torch.Tensor:
        """Mask of video tokens, shape (B, T), as the package's adapter gives it."""
        made = self._checked_call("video_mask", model, input_ids)
        if not isinstance(made, torch.Tensor) or made.dtype is not torch.bool or made.shape != input_ids.shape:
            raise self._wrong("video_mask", made, f"a tensor of bool of the shape {tuple(input_ids.shape)} of input_ids")
        return made

    def messages(self, text: str, videos: int) -> list[dict[str, Any]]:
        """The user's turn as the package's adapter writes it."""
        made = self._checked_call("messages", text, videos)
        if not isinstance(made, list) or not all(isinstance(each, dict) for each in made):
            raise self._wrong("messages", made, "a list of messages, each a dict, as the processor's chat template takes them")
        return made

    def inputs(self, processor: Any, turns: Sequence[tuple[str, Sequence[VideoFrames]]], pixels: PixelLimits | None = None) -> Any:
        """Model inputs as the package's adapter makes them; what it raises of the frames themselves comes through as it is."""
        made = self._checked_call("inputs", processor, turns, pixels, passed=_OF_THE_DATA)
        ids = made.get("input_ids") if hasattr(made, "get") and hasattr(made, "to") else None
        if not isinstance(ids, torch.Tensor) or ids.ndim != 2 or len(ids) != len(turns):
            raise self._wrong("inputs", made, f"what the processor returns, with input_ids of shape ({len(turns)}, tokens)")
        mask = made.get("attention_mask")
        if mask is not None and not bool(mask[:, -1].all()):
            raise PluginError(f"the adapter {self._what}: inputs pads on the right; pad on the left: replies begin behind the prompt")
        return made

    def _checked_call(self, method: str, *arguments: Any, passed: tuple[type[BaseException], ...] = (VReasonError,)) -> Any:
        try:
            return getattr(self.inner, method)(*arguments)
        except Exception as error:  # whatever somebody else's code raises
            if isinstance(error, passed) and not isinstance(error, NotImplementedError):
                raise
            raise PluginError(f"the adapter {self._what}: {method} failed: {type(error).__name__}: {error}; fix it") from error

    def _wrong(self, method: str, made: Any, wanted: str) -> PluginError:
        found = f"a tensor of {made.dtype} of shape {tuple(made.shape)}" if isinstance(made, torch.Tensor) else f"a {type(made).__name__}"
        return PluginError(f"the adapter {self._what}: {method} returned {found}; return {wanted}")


def _is_module(value: object) -> bool:
    return isinstance(value, torch.nn.Module)
