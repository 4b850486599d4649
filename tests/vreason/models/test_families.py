"""Model families: where the method finds its parts, and what becomes of frames."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import vreason
from tests.helpers.clips import write_clip
from tests.helpers.tiny_models import FAMILIES, KV_HEADS, LAYERS, Turn, processor, prompt, shared_model
from vreason.models import adapter_for
from vreason.video.config import VideoConfig
from vreason.video.frames import VideoFrames, read_video

SIDE = {"qwen2_vl": 28, "qwen2_5_vl": 28, "qwen3_vl": 32}  # pixels of a token's side


def clip(times: Sequence[float], fps: float = 10.0, size: tuple[int, int] = (64, 96)) -> VideoFrames:
    """Random frames of a 20-second clip, taken at `times`."""
    indices = tuple(round(time * fps) for time in times)
    pixels = np.random.default_rng(len(times)).integers(0, 256, (len(times), *size, 3), np.uint8)
    return VideoFrames("clip.mp4", pixels, indices, tuple(index / fps for index in indices), fps, round(20 * fps), 20.0)


def inputs(family: str, *clips: Sequence[VideoFrames], text: str = "Up?", pixels: tuple[int, int] | None = None) -> Any:
    """Model inputs of a turn for each list of clips."""
    adapter = adapter_for(shared_model(family).config)
    turns = []
    for shown in clips:
        chat = processor(family).apply_chat_template(adapter.messages(text, len(shown)), tokenize=False, add_generation_prompt=True)
        turns.append((chat, shown))
    return adapter.inputs(processor(family), turns, pixels)


def position_ids(family: str, batch: Any) -> torch.Tensor:
    """Rotary positions that the model itself derives from the inputs, (3, B, T)."""
    names = ("input_ids", "mm_token_type_ids", "video_grid_thw", "second_per_grid_ts", "attention_mask")
    positions: torch.Tensor
    positions, _ = shared_model(family).model.get_rope_index(**{name: batch[name] for name in names if name in batch})
    return positions


@pytest.mark.parametrize("tied", [False, True], ids=["untied", "tied"])
@pytest.mark.parametrize("family", FAMILIES)
def test_the_parts_found_are_the_ones_a_forward_pass_uses(family: str, tied: bool) -> None:
    """As many layers as cache layers, in order; norm, then head, give the logits from what the last layer puts out."""
    model = shared_model(family, tied)
    adapter = adapter_for(model.config)
    layers, (norm, head) = adapter.decoder_layers(model), adapter.head(model)
    seen: list[torch.Tensor] = []
    with layers[-1].register_forward_hook(lambda _, __, output: seen.append(output)), torch.no_grad():
        output = model(**prompt(family), use_cache=True)
        logits = head(norm(seen[0]))
    assert LAYERS == len(layers) == len(output.past_key_values.layers)
    assert KV_HEADS == output.past_key_values.layers[-1].values.shape[1]
    assert list(range(LAYERS)) == [getattr(layer.self_attn, "layer_idx", None) for layer in layers]
    torch.testing.assert_close(logits, output.logits)
    assert tied == (head.weight is model.get_input_embeddings().weight)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_video_mask_covers_videos_and_not_images(family: str) -> None:
    """Two videos, images and padding: as many tokens as the grids have cells, marked as video by the processor itself."""
    model, batch = shared_model(family), prompt(family, Turn((4, 6), images=1), Turn((2,)), Turn((), images=1))
    mask = adapter_for(model.config).video_mask(model, batch["input_ids"])
    assert torch.equal(batch["mm_token_type_ids"] == 2, mask)
    cells = (batch["video_grid_thw"].prod(dim=1) // 4).tolist()
    assert [cells[0] + cells[1], cells[2], 0] == mask.sum(dim=1).tolist()
    assert not mask[batch["attention_mask"] == 0].any()


@pytest.mark.parametrize("family", FAMILIES)
def test_messages_put_the_videos_before_the_text(family: str) -> None:
    """One user turn, rendered by the chat template with a placeholder for each video in front of the text."""
    messages = adapter_for(shared_model(family).config).messages("Which way?", 2)
    assert ["user"] == [message["role"] for message in messages]
    text = processor(family).apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    assert 2 == text.split("Which way?")[0].count("<|video_pad|>")
    assert text.endswith("<|im_start|>assistant\n")


@pytest.mark.parametrize("family", FAMILIES)
def test_a_batch_is_padded_on_the_left_and_the_tokenizer_left_as_it_was(family: str) -> None:
    """Rows of different lengths end together, whatever side the tokenizer pads on, and it pads there again afterwards."""
    tokenizer = processor(family).tokenizer
    side = tokenizer.padding_side
    tokenizer.padding_side = "right"
    try:
        batch = inputs(family, [clip([0, 1])], [clip([0, 1, 2, 3])], [])
        assert "right" == tokenizer.padding_side
        with pytest.raises(ValueError, match="text"):
            adapter_for(shared_model(family).config).inputs(processor(family), [(None, [clip([0, 1])])])  # type: ignore[list-item]
        assert "right" == tokenizer.padding_side
    finally:
        tokenizer.padding_side = side
    mask = batch["attention_mask"]
    assert torch.equal(mask.sort(dim=1).values, mask)
    assert bool((mask[:, 0] == 0).any())


def test_qwen2_5_positions_follow_the_frames_own_times() -> None:
    """A temporal patch of two frames 0.4 s, 1 s and 2 s apart lies 4, 10 and 20 positions (5 a second) after the one before it."""
    steps = (0.4, 1.0, 2.0)
    batch = inputs("qwen2_5_vl", [clip([index * step for index in range(6)]) for step in steps])
    assert pytest.approx([2 * step for step in steps]) == batch["second_per_grid_ts"].tolist()
    time = position_ids("qwen2_5_vl", batch)[0, 0]
    video = batch["input_ids"][0] == shared_model().config.video_token_id
    cells = (batch["video_grid_thw"].prod(dim=1) // 4).tolist()
    for step, part in zip(steps, torch.split(time[video], cells), strict=True):
        expected = [round(2 * step * 5 * patch) for patch in range(3)]
        assert expected == sorted({int(at - part.min()) for at in part})


def test_qwen3_prompt_names_the_frames_own_times() -> None:
    """Before each run of video tokens stands the mean time of its two frames, to a tenth of a second, one run a pair."""
    batch = inputs("qwen3_vl", [clip([0, 1, 4, 6, 15, 19.8])])
    text = processor("qwen3_vl").tokenizer.decode(batch["input_ids"][0])
    stamps = [part.rsplit("<", 1)[1] for part in text.split(" seconds>")[:-1]]
    assert ["0.5", "5.0", "17.4"] == stamps
    runs = "".join("v" if kind == 2 else " " for kind in batch["mm_token_type_ids"][0].tolist()).split()
    assert 3 == len(runs)
    assert "second_per_grid_ts" not in batch


@pytest.mark.parametrize("family", FAMILIES)
def test_times_of_an_uneven_clip(family: str, tmp_path: Path) -> None:
    """A clip of variable rate, from the file to the model: shown at 0, 0.1, 0.5, 2, 2.1 and 6 s, all of its frames."""
    read = read_video(write_clip(tmp_path / "uneven.mp4", ticks=[0, 100, 500, 2000, 2100, 6000]), VideoConfig(nframes=6))
    batch = inputs(family, [read])
    told = processor(family).tokenizer.decode(batch["input_ids"][0]).split(" seconds>")[:-1]
    assert (["0.1", "1.2", "4.0"] if family == "qwen3_vl" else []) == [part.rsplit("<", 1)[1] for part in told]
    expected = {"qwen2_5_vl": [pytest.approx(2 * 6 / 5)]}.get(family)
    assert expected == (batch["second_per_grid_ts"].tolist() if "second_per_grid_ts" in batch else None)
    assert pytest.approx(4.8 - 2.1) == read.uneven_seconds  # the fifth frame: evenly spaced it would be shown at 4.8 s


@pytest.mark.parametrize("family", FAMILIES)
def test_all_frames_are_shown_and_none_is_sampled_again(family: str) -> None:
    """The grid has a temporal patch for each pair of frames, however many the clip has and whatever its frame rate."""
    batch = inputs(family, [clip([0, 0.1]), clip([0, 2, 4, 6, 8, 10, 12, 14])], [clip([0, 9, 19.9, 19.9])])
    assert [1, 4, 2] == batch["video_grid_thw"][:, 0].tolist()


LIMITS = (8, 20)  # tokens a frame, least and most


@pytest.mark.parametrize("beside", [[], [8]], ids=["alone", "beside a longer clip"])
@pytest.mark.parametrize("size", [(40, 40), (120, 90), (700, 500)], ids=["small", "middle", "large"])
@pytest.mark.parametrize("family", FAMILIES)
def test_pixel_limits_bound_every_frame(family: str, size: tuple[int, int], beside: list[int]) -> None:
    """Whatever a frame's size and whatever clip stands beside it, its area is within the limits given."""
    area = SIDE[family] ** 2
    clips = [clip([float(time) for time in range(count)], size=size) for count in (2, *beside)]
    batch = inputs(family, clips, pixels=(LIMITS[0] * area, LIMITS[1] * area))
    tokens = [int(height * width) // 4 for _, height, width in batch["video_grid_thw"]]
    assert [] == [count for count in tokens if not LIMITS[0] <= count <= LIMITS[1]]


@pytest.mark.parametrize("family", FAMILIES)
def test_adapter_inputs_decode(family: str) -> None:
    """What the adapter makes goes into `generate` as it is: two rows, one without a video, with the method on."""
    model = shared_model(family)
    batch = inputs(family, [clip([0, 1, 2, 3])], [])
    output = model.generate(**batch, custom_generate=vreason.decode, max_new_tokens=6, do_sample=False)
    assert (2, batch["input_ids"].shape[1] + 6) == tuple(output.shape)
