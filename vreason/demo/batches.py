"""Training batches of the demo world: clips and questions drawn afresh, tokenized and padded on the right.

Batch number n of a seed is always the same, whatever was drawn before it: that is what makes a training run resumable.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from vreason.demo.questions import KINDS, Question, lookup
from vreason.demo.world import FPS, SHOWN, render, sample_clip
from vreason.prompts import SHORT

SPLITS = {"train": 1, "validation": 2, "test": 3, "tokenizer": 4}  # first number of every seed: worlds never share one
SECONDS_PER_GRID = 2 * (SHOWN[1] - SHOWN[0]) / FPS  # two shown frames make one temporal patch
_NOISE = 6  # grey levels, in place of what H.264 does to flat areas


def rng_for(split: str, seed: int, number: int) -> np.random.Generator:
    """The generator of item `number` of a split."""
    return np.random.default_rng([SPLITS[split], seed, number])


def draw(rng: np.random.Generator, kind: str) -> tuple[Question, np.ndarray]:
    """A clip that allows a question of `kind`, the question, and its shown frames (uint8, T x H x W x 3)."""
    while True:
        clip = sample_clip(rng)
        question = KINDS[kind](rng, clip)
        if question is not None:
            return question, render(clip)


@dataclass
class Batch:
    """Model inputs, and `weights` (B, T - 1): 1 where the next token belongs to the reply."""

    inputs: dict[str, Any]
    labels: torch.Tensor
    weights: torch.Tensor


class BatchMaker:
    """Draws batches for one tokenizer and video processor."""

    def __init__(self, processor: Any, seed: int, rows: int, text_rows: int) -> None:
        self.processor, self.seed, self.rows, self.text_rows = processor, seed, rows, text_rows
        self.video_token = processor.video_token

    def videos(self, number: int) -> Batch:
        """`rows` questions about as many clips, the kinds in turn."""
        rng = rng_for("train", self.seed, 2 * number)
        kinds = list(KINDS)
        drawn = [draw(rng, kinds[(index + number * self.rows) % len(kinds)]) for index in range(self.rows)]
        frames = np.stack([pixels for _, pixels in drawn]).astype(np.int16)
        frames += rng.integers(-_NOISE, _NOISE + 1, frames.shape, dtype=np.int8)
        pixels = torch.from_numpy(frames.clip(0, 255).astype(np.uint8)).permute(0, 1, 4, 2, 3)
        features = self.processor.video_processor(list(pixels), return_tensors="pt")
        grid = features["video_grid_thw"]
        batch = self._tokenize([question for question, _ in drawn], int(grid[0].prod()) // 4)
        batch.inputs |= {
            "pixel_values_videos": features["pixel_values_videos"],
            "video_grid_thw": grid,
            "second_per_grid_ts": torch.full((self.rows,), SECONDS_PER_GRID),
        }
        return batch

    def texts(self, number: int) -> Batch:
        """`text_rows` look-ups without a video."""
        rng = rng_for("train", self.seed, 2 * number + 1)
        return self._tokenize([lookup(rng) for _ in range(self.text_rows)], 0)

    def _tokenize(self, questions: list[Question], video_tokens: int) -> Batch:
        tokenizer = self.processor.tokenizer
        video = f"<|vision_start|>{self.video_token * video_tokens}<|vision_end|>" if video_tokens else ""
        prompts, replies = [], []
        for question in questions:
            user = SHORT.render(question.text, question.options, question.problem_type)
            prompts.append(f"<|im_start|>user\n{video}{user}<|im_end|>\n<|im_start|>assistant\n")
            replies.append(question.target + "<|im_end|>")
        heads, tails = tokenizer(prompts)["input_ids"], tokenizer(replies)["input_ids"]
        length = max(len(head) + len(tail) for head, tail in zip(heads, tails, strict=True))
        ids = torch.full((len(questions), length), tokenizer.pad_token_id)
        weights = torch.zeros(len(questions), length)
        for row, (head, tail) in enumerate(zip(heads, tails, strict=True)):
            ids[row, : len(head) + len(tail)] = torch.tensor(head + tail)
            weights[row, len(head) : len(head) + len(tail)] = 1.0
        kinds = (ids == self.processor.video_token_id).int() * 2
        return Batch({"input_ids": ids, "mm_token_type_ids": kinds}, ids[:, 1:], weights[:, 1:])
