"""Greedy accuracy on fresh worlds, by kind of question: the quick look that training takes at itself."""

from __future__ import annotations

import re
from typing import Any

import torch

from vreason.demo.batches import SECONDS_PER_GRID, draw
from vreason.demo.questions import KINDS
from vreason.demo.seeds import rng_for
from vreason.prompts import SHORT


@torch.no_grad()
def accuracy_by_kind(model: Any, processor: Any, seed: int, per_kind: int = 24) -> dict[str, float]:
    """Share of exactly right answers among `per_kind` fresh questions of each kind, from rendered frames."""
    shares = {}
    model.eval()
    for kind_index, kind in enumerate(KINDS):
        drawn = [draw(rng_for("progress", seed, 10_000 * kind_index + i), kind) for i in range(per_kind)]
        texts = []
        for question, _ in drawn:
            user = SHORT.render(question.text, question.options, question.problem_type)
            content = [{"type": "video"}, {"type": "text", "text": user}]
            message = [{"role": "user", "content": content}]
            texts.append(processor.apply_chat_template(message, tokenize=False, add_generation_prompt=True))
        videos = [torch.from_numpy(pixels).permute(0, 3, 1, 2) for _, pixels in drawn]
        inputs = processor(text=texts, videos=videos, padding=True, return_tensors="pt")
        inputs["second_per_grid_ts"] = torch.full((len(drawn),), SECONDS_PER_GRID)
        output = model.generate(**inputs, max_new_tokens=96, do_sample=False)
        replies = processor.batch_decode(output[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
        found = [re.search(r"<answer>(.*?)</answer>", reply) for reply in replies]
        right = sum(match is not None and match[1] == question.answer for match, (question, _) in zip(found, drawn, strict=True))
        shares[kind] = right / per_kind
    model.train()
    model.model.rope_deltas = None
    return shares
