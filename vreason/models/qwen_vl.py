"""Qwen2-VL, Qwen2.5-VL and Qwen3-VL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from vreason.video import VideoFrames


class QwenVLAdapter:
    """Families whose prompt marks video tokens with ``config.video_token_id`` (Qwen3-VL: one run a timestamp)."""

    model_types: tuple[str, ...] = ("qwen2_vl", "qwen2_5_vl", "qwen3_vl")

    def decoder_layers(self, model: Any) -> Sequence[torch.nn.Module]:
        """The language model's layers."""
        layers: Sequence[torch.nn.Module] = model.model.language_model.layers
        return layers

    def head(self, model: Any) -> tuple[torch.nn.Module, torch.nn.Linear]:
        """The final RMSNorm and the LM head."""
        return model.model.language_model.norm, model.lm_head

    def video_mask(self, model: Any, input_ids: torch.Tensor) -> torch.Tensor:
        """True at ``<|video_pad|>``, shape (B, T); image tokens have another id and are left alone."""
        return input_ids == model.config.video_token_id

    def messages(self, text: str, videos: int) -> list[dict[str, Any]]:
        """The videos, then the text."""
        content: list[dict[str, Any]] = [{"type": "video"} for _ in range(videos)]
        return [{"role": "user", "content": [*content, {"type": "text", "text": text}]}]

    def inputs(self, processor: Any, turns: Sequence[tuple[str, Sequence[VideoFrames]]]) -> Any:
        """Processor output; ``second_per_grid_ts`` (Qwen2.5-VL) is set from the frames' own times."""
        from transformers.video_utils import VideoMetadata

        clips = [clip for _, clips in turns for clip in clips]
        metadata = [
            VideoMetadata(
                total_num_frames=clip.total_frames,
                fps=clip.fps,
                duration=clip.duration,
                frames_indices=list(clip.indices),
                height=clip.pixels.shape[1],
                width=clip.pixels.shape[2],
            )
            for clip in clips
        ]
        videos = [torch.from_numpy(clip.pixels).permute(0, 3, 1, 2) for clip in clips]
        tokenizer = processor.tokenizer
        side, tokenizer.padding_side = tokenizer.padding_side, "left"
        try:
            batch = processor(
                text=[text for text, _ in turns],
                videos=videos or None,
                video_metadata=metadata or None,
                do_sample_frames=False,
                padding=True,
                return_tensors="pt",
            )
        finally:
            tokenizer.padding_side = side
        if "second_per_grid_ts" in batch:
            patch = processor.video_processor.temporal_patch_size
            batch["second_per_grid_ts"] = torch.tensor([patch * clip.seconds_per_frame for clip in clips])
        return batch
