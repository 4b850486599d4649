"""A model family for V-Reason. The guide docs/guides/model.md of vreason-track explains every place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from vreason.video import VideoFrames


class MyFamilyAdapter:
    """Stateless: everything is read from the model, or the processor, that is handed in."""

    def decoder_layers(self, model: Any) -> Sequence[torch.nn.Module]:
        """The language model's decoder layers, the first one first."""
        # PLACE 3: the layers
        raise NotImplementedError("place 3 of the template is not filled in")
        # END OF PLACE 3

    def head(self, model: Any) -> tuple[torch.nn.Module, torch.nn.Linear]:
        """What follows the last layer: the final norm and the LM head."""
        # PLACE 4: norm and head
        raise NotImplementedError("place 4 of the template is not filled in")
        # END OF PLACE 4

    def video_mask(self, model: Any, input_ids: torch.Tensor) -> torch.Tensor:
        """True at the tokens of the prompt that stand for video; bool, shape (B, T) like `input_ids`."""
        # PLACE 5: the mask
        raise NotImplementedError("place 5 of the template is not filled in")
        # END OF PLACE 5

    def messages(self, text: str, videos: int) -> list[dict[str, Any]]:
        """One user turn, the videos first, then the text, as the processor's chat template takes it."""
        # PLACE 6: the turn
        raise NotImplementedError("place 6 of the template is not filled in")
        # END OF PLACE 6

    def inputs(self, processor: Any, turns: Sequence[tuple[str, Sequence[VideoFrames]]], pixels: tuple[int, int] | None = None) -> Any:
        """Model inputs for a batch, padded on the left: each turn is a rendered chat and the frames of its videos."""
        # PLACE 7: what the processor makes of them
        raise NotImplementedError("place 7 of the template is not filled in")
        # END OF PLACE 7
