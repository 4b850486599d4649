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
        """Processor output; ``second_per_grid_ts`` (Qwen2.5-VL) is set from the frames' own times.

        It is one interval a clip: of unevenly spaced frames the mean. How far that is off is in the record (`uneven_seconds`).
        """
        clips = [clip for _, clips in turns for clip in clips]
        options: dict[str, Any] = {"padding": True, "return_tensors": "pt"}
        if clips:
            options |= {"video_metadata": [self._metadata(clip) for clip in clips], "do_sample_frames": False, "cap_pixels_per_frame": True}
            options |= self._videos(processor.video_processor, clips, pixels)
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

    def _metadata(self, clip: VideoFrames) -> Any:
        from transformers.video_utils import VideoMetadata

        return VideoMetadata(
            total_num_frames=clip.total_frames,
            fps=clip.fps,
            duration=clip.duration,
            frames_indices=list(clip.indices),
            height=clip.pixels.shape[1],
            width=clip.pixels.shape[2],
        )

    def _videos(self, video_processor: Any, clips: Sequence[VideoFrames], pixels: PixelLimits | None) -> dict[str, Any]:
        """The frames, each clip (T, 3, H, W), and what the video processor is told about their size."""
        limits = {} if pixels is None else {"size": {"shortest_edge": pixels[0], "longest_edge": pixels[1]}}
        return {"videos": [torch.from_numpy(clip.pixels).permute(0, 3, 1, 2) for clip in clips], **limits}


class Qwen3VLAdapter(QwenVLAdapter):
    """Qwen3-VL: one run of video tokens a timestamp, and pixel limits that count the whole clip."""

    model_types = ("qwen3_vl",)

    def _metadata(self, clip: VideoFrames) -> Any:
        """The processor writes "index / fps" into the prompt as a frame's time: at one frame a second, times stand for indices."""
        metadata = super()._metadata(clip)
        metadata.fps, metadata.frames_indices = 1.0, list(clip.times)
        return metadata

    def _videos(self, video_processor: Any, clips: Sequence[VideoFrames], pixels: PixelLimits | None) -> dict[str, Any]:
        """Each clip is resized by the processor's own `resize` under its own limits: one call takes one limit for all its clips."""
        from transformers.image_utils import SizeDict

        whole = super()._videos(video_processor, clips, None)
        patch = video_processor.temporal_patch_size
        videos = [video.repeat(patch, 1, 1, 1) if len(video) < patch else video for video in whole["videos"]]  # a single frame is refused
        if pixels is None:
            return {"videos": videos}
        factor = video_processor.patch_size * video_processor.merge_size
        resized = []
        for video in videos:
            limits = SizeDict(shortest_edge=pixels[0] * len(video), longest_edge=pixels[1] * len(video))
            options = {"resample": video_processor.resample, "factor": factor, "temporal_factor": patch, "cap_pixels_per_frame": False}
            made = video_processor.resize(videos=video[None], size=limits, **options)
            resized.append(made[0])
        return {"videos": resized, "do_resize": False}
