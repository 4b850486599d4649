"""What the method needs to know of a model family."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import torch

if TYPE_CHECKING:
    from vreason.video import VideoFrames


PixelLimits = tuple[int, int]
"""Least and most pixels of a frame after the processor's resizing."""


class ModelAdapter(Protocol):
    """One model family. Stateless: everything is read from the model that is handed in."""

    @property
    def model_types(self) -> tuple[str, ...]:
        """Values of ``config.model_type`` that this adapter serves."""
        ...

    def decoder_layers(self, model: Any) -> Sequence[torch.nn.Module]:
        """The language model's decoder layers in order; their number is the number of cache layers."""
        ...

    def head(self, model: Any) -> tuple[torch.nn.Module, torch.nn.Linear]:
        """The final norm and the LM head, tied or not."""
        ...

    def video_mask(self, model: Any, input_ids: torch.Tensor) -> torch.Tensor:
        """True at the video tokens of the prompt, shape (B, T) like `input_ids`; several runs and several videos are fine."""
        ...

    def messages(self, text: str, videos: int) -> list[dict[str, Any]]:
        """One user turn, the videos first, then the text, in the form of the processor's chat template."""
        ...

    def inputs(self, processor: Any, turns: Sequence[tuple[str, Sequence[VideoFrames]]], pixels: PixelLimits | None = None) -> Any:
        """Model inputs for a batch: each turn is the rendered chat text and its videos' frames. Left-padded.

        The clips' exact times reach the rotary positions (or the prompt's timestamps), whatever the sampling was. `pixels` bounds what
        the processor makes of a frame; None leaves the processor's own limits.
        """
        ...
