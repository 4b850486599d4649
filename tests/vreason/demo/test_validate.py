"""Training's own look at itself: the share of right answers by kind."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from tests.helpers import random_demo
from vreason.demo.batches import draw
from vreason.demo.questions import KINDS
from vreason.demo.seeds import rng_for
from vreason.demo.validate import accuracy_by_kind


class Knowing:
    """Stands for a model that gives prepared replies, batch by batch; the question it is asked must be the one it has prepared."""

    def __init__(self, replies: list[list[tuple[str, str]]]) -> None:
        self.replies, self.modes = list(replies), list[str]()
        self.model = self
        self.rope_deltas: Any = "left behind"

    def eval(self) -> None:
        self.modes.append("eval")

    def train(self) -> None:
        self.modes.append("train")

    def generate(self, input_ids: torch.Tensor, **_: Any) -> torch.Tensor:
        tokenizer = random_demo.tokenizer()
        now = self.replies.pop(0)
        for row, (text, _reply) in zip(input_ids, now, strict=True):
            assert text in tokenizer.decode(row)
        replies = [reply + "<|im_end|>" for _text, reply in now]
        ids = tokenizer(replies, padding=True, padding_side="right", return_tensors="pt")["input_ids"]
        return torch.cat([input_ids, ids], dim=1)


def test_shares_are_of_exactly_right_answers() -> None:
    """One right, one wrong, one without tags, one with more than the answer in them: a quarter, for every kind."""
    replies = []
    for index in range(len(KINDS)):
        questions = [draw(rng_for("progress", 5, 10_000 * index + i), list(KINDS)[index])[0] for i in range(4)]
        said = [
            questions[0].target,
            "<think>so</think><answer>no such</answer>",
            questions[2].answer,
            f"<answer>{questions[3].answer}, I think</answer>",
        ]
        replies.append([(question.text, reply) for question, reply in zip(questions, said, strict=True)])
    model = Knowing(replies)
    assert dict.fromkeys(KINDS, 0.25) == accuracy_by_kind(model, random_demo.processor(), 5, per_kind=4)
    assert [] == model.replies
    assert ["eval", "train"] == [model.modes[0], model.modes[-1]]


def test_a_real_model_can_go_on_training() -> None:
    """A random model gets a share for each kind, and is left in training mode, without a trace of the prompts' positions."""
    model = random_demo.model()
    shares = accuracy_by_kind(model, random_demo.processor(), 0, per_kind=1)
    assert set(KINDS) == set(shares)
    assert set(shares.values()) <= {0.0, 1.0}
    assert model.training
    assert model.model.rope_deltas is None
    assert all(parameter.requires_grad and parameter.grad is None for parameter in model.parameters())
    assert torch.is_grad_enabled()


@pytest.mark.parametrize("seed", [0, 1])
def test_questions_are_fresh(seed: int) -> None:
    """What training looks at is drawn from seeds of no other split."""
    draws = [tuple(rng_for(split, seed, 0).integers(0, 2**60, 2)) for split in ("progress", "train", "test", "validation", "tokenizer")]
    assert len(draws) == len(set(draws))
