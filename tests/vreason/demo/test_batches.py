"""Training batches: repeatable by number, learning from replies only, asking every kind, in the real processor's form."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
import torch

from tests.helpers import random_demo
from vreason.demo import batches
from vreason.demo.batches import FIRST_KINDS, Batch, BatchMaker, draw
from vreason.demo.questions import KINDS, DemoQuestion
from vreason.demo.world import FPS, SHOWN
from vreason.prompts import SHORT

ROWS = 6


def maker(seed: int = 0, rows: int = ROWS, worker: int = 0) -> BatchMaker:
    return BatchMaker(random_demo.processor(), seed, rows, worker)


def share(made: BatchMaker, part: str, number: int) -> Batch:
    """One batch: clips, look-ups, or recitals."""
    return made.videos(number) if part == "videos" else made.texts(number, 8, part == "recitals")


def tensors(batch: Batch) -> dict[str, torch.Tensor]:
    return {**batch.inputs, "labels": batch.labels, "weights": batch.weights}


def same(a: Batch, b: Batch) -> bool:
    """Whether two batches are equal in every tensor."""
    ours, theirs = tensors(a), tensors(b)
    return ours.keys() == theirs.keys() and all(torch.equal(value, theirs[name]) for name, value in ours.items())


@pytest.mark.parametrize("part", ["videos", "lookups", "recitals"])
def test_a_number_is_a_batch(part: str) -> None:
    """The same number gives the same batch, whatever was drawn before it; another number, seed or worker gives another."""
    first = share(maker(), part, 3)
    used = maker()
    for number in (7, 3, 0):
        share(used, part, number)
    torch.rand(5)
    assert same(first, share(used, part, 3))
    for other in (share(maker(), part, 4), share(maker(seed=1), part, 3), share(maker(worker=1), part, 3)):
        assert not same(first, other)


@pytest.fixture
def questions(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str | None, DemoQuestion]]:
    """Every question that is drawn for a clip, with the kind that was asked for."""
    drawn: list[tuple[str | None, DemoQuestion]] = []

    def kept(rng: np.random.Generator, kind: str | None) -> Any:
        question, pixels = draw(rng, kind)
        drawn.append((kind, question))
        return question, pixels

    monkeypatch.setattr(batches, "draw", kept)
    return drawn


@pytest.mark.parametrize("rows", [6, 9, 12, 24])
def test_every_kind_is_trained(rows: int) -> None:
    """Every third row is a description; the others are all six kinds, alike often to within a tenth, whatever the number of rows."""
    made = maker(rows=rows)
    counts = Counter(kind for number in range(30) for kind in made.kinds(number))
    assert 30 * (rows // 3) == counts.pop(None)
    assert set(KINDS) == set(counts)
    assert max(counts.values()) <= 1.1 * min(counts.values())


def test_first_kinds_come_first() -> None:
    """Before batch `see_first` only the first kinds are asked, each alike often; from there on all six."""
    made = BatchMaker(random_demo.processor(), 0, 24, see_first=10)
    early = Counter(kind for number in range(10) for kind in made.kinds(number) if kind)
    assert dict.fromkeys(FIRST_KINDS, 40) == dict(early)
    assert set(KINDS) == {kind for number in range(10, 16) for kind in made.kinds(number) if kind}


def test_kinds_are_what_is_drawn(questions: list[tuple[str | None, DemoQuestion]]) -> None:
    """A batch holds the kinds that its number calls for, row by row."""
    made = maker()
    made.videos(2)
    assert made.kinds(2) == [kind for kind, _ in questions]
    assert [kind or "describe" for kind in made.kinds(2)] == [question.kind for _, question in questions]


def test_only_replies_are_learnt(questions: list[tuple[str | None, DemoQuestion]]) -> None:
    """The weighted labels of a row, decoded, are its whole target and the turn's end: no prompt, no video, no padding."""
    batch = maker().videos(0)
    tokenizer = random_demo.tokenizer()
    assert batch.labels.shape == batch.weights.shape == (ROWS, batch.inputs["input_ids"].shape[1] - 1)
    for row, (_, question) in enumerate(questions):
        kept = batch.labels[row][batch.weights[row] == 1]
        assert question.target + "<|im_end|>" == tokenizer.decode(kept)
        assert question.text in tokenizer.decode(batch.inputs["input_ids"][row])
    assert {0.0, 1.0} == set(batch.weights.flatten().tolist())


@pytest.mark.parametrize("part", ["videos", "lookups", "recitals"])
def test_labels_are_the_next_tokens(part: str) -> None:
    """Label t is input t + 1, and rows are padded on the right."""
    batch = share(maker(), part, 1)
    ids = batch.inputs["input_ids"]
    assert torch.equal(ids[:, 1:], batch.labels)
    pad = random_demo.tokenizer().pad_token_id
    assert (ids == pad).any()
    for row in ids:
        padded = (row == pad).int()
        assert (padded.diff() >= 0).all()
    assert (batch.weights[batch.labels == pad] == 0).all()


@pytest.mark.parametrize("recitals", [False, True])
def test_texts_hold_no_video(recitals: bool) -> None:
    """Texts alone, as many as asked for, learnt in the same way; with recitals, three of four are such."""
    batch, tokenizer = maker().texts(0, 8, recitals), random_demo.tokenizer()
    assert 8 == len(batch.labels)
    assert {"input_ids", "mm_token_type_ids"} == set(batch.inputs)
    assert 0 == batch.inputs["mm_token_type_ids"].sum()
    replies = [tokenizer.decode(labels[weights == 1]) for labels, weights in zip(batch.labels, batch.weights, strict=True)]
    assert all(reply.startswith("<think>") and reply.endswith("</answer><|im_end|>") for reply in replies)
    assert (6 if recitals else 0) == sum("Name the options" in tokenizer.decode(row) for row in batch.inputs["input_ids"])


def test_the_prompt_is_the_processor_s(questions: list[tuple[str | None, DemoQuestion]]) -> None:
    """Up to the reply a row has the ids and the video marks that the real processor makes of the question, chat template included."""
    batch, processor = maker().videos(0), random_demo.processor()
    for row, (_, question) in enumerate(questions):
        user = SHORT.render(question.text, question.options, question.problem_type)
        message = [{"role": "user", "content": [{"type": "video"}, {"type": "text", "text": user}]}]
        text = processor.apply_chat_template(message, tokenize=False, add_generation_prompt=True)
        clip = torch.zeros(8, 3, 84, 84, dtype=torch.uint8)
        expected = processor(text=[text], videos=[clip], return_tensors="pt")
        length = expected["input_ids"].shape[1]
        assert torch.equal(expected["input_ids"][0], batch.inputs["input_ids"][row, :length])
        assert torch.equal(expected["mm_token_type_ids"][0], batch.inputs["mm_token_type_ids"][row, :length])
        assert length - 1 == int(batch.weights[row].argmax())


def test_patches_are_the_processor_s(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pixels become what the real video processor makes of the frames; a little noise stands in for the codec's."""
    shown: list[np.ndarray] = []

    def kept(rng: np.random.Generator, kind: str | None) -> Any:
        question, pixels = draw(rng, kind)
        shown.append(pixels)
        return question, pixels

    monkeypatch.setattr(batches, "draw", kept)
    inputs = maker().videos(0).inputs
    clips = [torch.from_numpy(pixels).permute(0, 3, 1, 2) for pixels in shown]
    expected = random_demo.processor().video_processor(clips, return_tensors="pt")
    assert torch.equal(expected["video_grid_thw"], inputs["video_grid_thw"])
    difference = (expected["pixel_values_videos"] - inputs["pixel_values_videos"]).abs()
    assert expected["pixel_values_videos"].shape == inputs["pixel_values_videos"].shape
    assert 0 < difference.mean() < 5 / 255 / 0.26  # a few grey levels, in units of the processor's standard deviation
    assert difference.max() < 10 / 255 / 0.26


def test_seconds_per_patch() -> None:
    """Two shown frames, four frames of a tenth of a second apart: 0.8 s a temporal patch."""
    assert [pytest.approx(2 * (SHOWN[1] - SHOWN[0]) / FPS)] * ROWS == maker().videos(0).inputs["second_per_grid_ts"].tolist()
    assert 0.8 == pytest.approx(batches.SECONDS_PER_GRID)


@pytest.mark.parametrize("kind", [None, *KINDS])
def test_draw_gives_what_is_asked(kind: str | None) -> None:
    """A question of the kind, and the eight rendered frames of the clip that it is about."""
    question, pixels = draw(np.random.default_rng(0), kind)
    assert (kind or "describe") == question.kind
    assert (8, 84, 84, 3) == pixels.shape
