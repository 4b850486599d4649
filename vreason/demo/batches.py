"""Training batches of the demo world: clips and questions drawn afresh, tokenized and padded on the right.

Batch number n of a seed is always the same, whatever was drawn before it: that is what makes a training run resumable.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import cycle, islice
from typing import Any

import numpy as np
import torch

from vreason.demo.questions import KINDS, DemoQuestion, describe, lookup, recital
from vreason.demo.seeds import rng_for
from vreason.demo.world import FPS, SHOWN, render, sample_clip
from vreason.prompts import SHORT

SECONDS_PER_GRID = 2 * (SHOWN[1] - SHOWN[0]) / FPS  # two shown frames make one temporal patch
FIRST_KINDS = ("order", "meeting", "distance", "position")
"""What is asked until places are learnt. With all six from the start the one run that we tried was still blind to places at step 1,075;
with these four, places came at about step 850."""
_NOISE = 6  # grey levels, in place of what H.264 does to flat areas


def draw(rng: np.random.Generator, kind: str | None) -> tuple[DemoQuestion, np.ndarray]:
    """A clip that allows a question of `kind` (None: a description), the question, and its shown frames (uint8, T x H x W x 3)."""
    make = describe if kind is None else KINDS[kind]
    while True:
        clip = sample_clip(rng)
        question = make(rng, clip)
        if question is not None:
            return question, render(clip)


@dataclass
class Batch:
    """Model inputs; `labels` (B, T - 1), the next tokens; `weights` (B, T - 1), 1 where the next token belongs to the reply."""

    inputs: dict[str, Any]
    labels: torch.Tensor
    weights: torch.Tensor


class BatchMaker:
    """Draws one worker's share of every batch, for one tokenizer and video processor.

    Args:
        processor: the demo's processor.
        seed: of the training run.
        rows: questions about clips in a share; every third is a description.
        worker: which share this is.
        see_first: batches before this number ask only `FIRST_KINDS`.
    """

    def __init__(self, processor: Any, seed: int, rows: int, worker: int = 0, see_first: int = 0) -> None:
        self.processor, self.seed, self.rows, self.worker = processor, seed, rows, worker
        self.see_first = see_first

    def videos(self, number: int) -> Batch:
        """`rows` questions about as many clips: a description, then two of the kinds in turn, and so on."""
        rng = rng_for("train", self.seed, number, self.worker, 0)
        drawn = [draw(rng, kind) for kind in self.kinds(number)]
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

    def kinds(self, number: int) -> list[str | None]:
        """What batch `number` asks in this share: every third row a description (None), the others the kinds in turn."""
        chosen = self.rows - (self.rows + 2) // 3
        kinds = FIRST_KINDS if number < self.see_first else tuple(KINDS)
        in_turn = islice(cycle(kinds), number * chosen % len(kinds), None)
        return [None if row % 3 == 0 else next(in_turn) for row in range(self.rows)]

    def texts(self, number: int, rows: int, recitals: bool) -> Batch:
        """`rows` questions without a video: look-ups, or with `recitals` three recitals to one look-up."""
        rng = rng_for("train", self.seed, number, self.worker, 1)
        return self._tokenize([recital(rng) if recitals and row % 4 else lookup(rng) for row in range(rows)], 0)

    def _tokenize(self, questions: list[DemoQuestion], video_tokens: int) -> Batch:
        tokenizer = self.processor.tokenizer
        video = f"<|vision_start|>{self.processor.video_token * video_tokens}<|vision_end|>" if video_tokens else ""
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
