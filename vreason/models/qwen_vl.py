"""Qwen2-VL, Qwen2.5-VL and Qwen3-VL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch

from vreason.models.adapter import PixelLimits

if TYPE_CHECKING:
    from vreason.video import VideoFrames


class QwenVLAdapter:
    """Qwen2-VL and Qwen2.5-VL: the prompt marks video tokens with ``config.video_token_id``."""

    model_types: tuple[str, ...] = ("qwen2_vl", "qwen2_5_vl")

    def decoder_layers(self, model: Any) -> Sequence[torch.nn.Module]:
        """The language model's layers."""
        layers: Sequence[torch.nn.Module] = model.model.language_model.layers
        return layers

    def head(self, model: Any) -> tuple[torch.nn.Module, torch.nn.Linear]:
        """The final RMSNorm and the LM head."""
        return model.model.language_model.norm, model.lm_head

    def video_mask(self, model: Any, input_ids: torch.Tensor) -> torch.Tensor:
        """True at ``<|video_pad|>``, shape (B, T); image tokens have another id and are left alone."""
        mask: torch.Tensor = input_ids == model.config.video_token_id
        return mask

    def messages(self, text: str, videos: int) -> list[dict[str, Any]]:
        """The videos, then the text."""
        content: list[dict[str, Any]] = [{"type": "video"} for _ in range(videos)]
        return [{"role": "user", "content": [*content, {"type": "text", "text": text}]}]

    def inputs(self, processor: Any, turns: Sequence[tuple[str, Sequence[VideoFrames]]], pixels: PixelLimits | None = None) -> Any:
        """Processor output; ``second_per_grid_ts`` (Qwen2.5-VL) is set from the frames' own times."""
        clips = [clip for _, clips in turns for clip in clips]
        options: dict[str, Any] = {"padding": True, "return_tensors": "pt"}
        if clips:
            options |= {"videos": [torch.from_numpy(clip.pixels).permute(0, 3, 1, 2) for clip in clips], "do_sample_frames": False}
            options |= {"video_metadata": [_metadata(clip) for clip in clips]}
            options |= self._resizing(clips, pixels)
        tokenizer = processor.tokenizer
        side, tokenizer.padding_side = tokenizer.padding_side, "left"
        try:
            batch = processor(text=[text for text, _ in turns], **options)
        finally:
            tokenizer.padding_side = side
        if "second_per_grid_ts" in batch:
            patch = processor.video_processor.temporal_patch_size
            batch["second_per_grid_ts"] = torch.tensor([patch * clip.seconds_per_frame for clip in clips])
        return batch

    def _resizing(self, clips: Sequence[VideoFrames], pixels: PixelLimits | None) -> dict[str, Any]:
        """What the video processor is told about sizes; `cap_pixels_per_frame` is what Qwen's own utilities do."""
        limits = {} if pixels is None else {"size": {"shortest_edge": pixels[0], "longest_edge": pixels[1]}}
        return {**limits, "cap_pixels_per_frame": True}


class Qwen3VLAdapter(QwenVLAdapter):
    """Qwen3-VL: one run of video tokens a timestamp, and pixel limits that count the whole clip."""

    model_types = ("qwen3_vl",)

    def _resizing(self, clips: Sequence[VideoFrames], pixels: PixelLimits | None) -> dict[str, Any]:
        if pixels is None:
            return {}
        frames = max(len(clip.indices) for clip in clips)
        return {"size": {"shortest_edge": pixels[0] * frames, "longest_edge": pixels[1] * frames}}


def _metadata(clip: VideoFrames) -> Any:
    from transformers.video_utils import VideoMetadata

    return VideoMetadata(
        total_num_frames=clip.total_frames,
        fps=clip.fps,
        duration=clip.duration,
        frames_indices=list(clip.indices),
        height=clip.pixels.shape[1],
        width=clip.pixels.shape[2],
    )
