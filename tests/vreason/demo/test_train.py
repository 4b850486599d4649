"""Training: resumable to the bit, safe against interruptions, and an export that loads anywhere."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

import vreason.models.torchvision_shim  # noqa: F401  (before transformers)
from tests.helpers import random_demo
from vreason.demo import train
from vreason.demo.batches import FIRST_KINDS
from vreason.demo.network import build_processor, build_tokenizer, load_tokenizer
from vreason.demo.questions import KINDS
from vreason.demo.train import Schedule, Trainer, corpus, main, work
from vreason.demo.validate import accuracy_by_kind

TINY = Schedule(steps=4, see_first=1, recite_from=2, recite_until=3, workers=1, rows=6, text_rows=3)  # every stage in four steps


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The real tokenizer from fewer texts, and a real look at one question a kind."""
    threads = torch.get_num_threads()
    monkeypatch.setattr("vreason.demo.network.build_tokenizer", lambda texts: random_demo.tokenizer())
    monkeypatch.setattr(train, "accuracy_by_kind", partial(accuracy_by_kind, per_kind=1))
    monkeypatch.setattr(torch, "set_num_threads", lambda count: None)
    yield
    assert threads == torch.get_num_threads()


def drawn_step(trainer: Trainer) -> float:
    """One step, as `fit` does it."""
    return trainer.train_step(*trainer._draw(trainer.step))


def weights(trainer: Trainer) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in trainer.model.state_dict().items()}


def equal(a: Any, b: Any) -> bool:
    """Whether two states are equal bit for bit, through lists and dicts."""
    if isinstance(a, torch.Tensor):
        return torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(equal(value, b[key]) for key, value in a.items())
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(equal(x, y) for x, y in zip(a, b, strict=True))
    return bool(a == b)


def test_resuming_changes_no_bit(tmp_path: Path) -> None:
    """Four steps in one go (with a look at themselves) and two steps, an end, and two resumed: same weights, same optimisers."""
    work(0, TINY, tmp_path / "whole", False, "")
    half = Trainer(TINY, tmp_path / "parts")
    before = weights(half)
    losses = [drawn_step(half), drawn_step(half)]
    assert losses[0] != losses[1]
    half.save()
    half.export()
    del half
    work(0, TINY, tmp_path / "parts", True, "")
    whole, parts = (torch.load(tmp_path / name / "checkpoint.pt", weights_only=True) for name in ("whole", "parts"))
    assert 4 == whole["step"] == parts["step"]
    assert equal(whole, parts)
    assert not equal(before, whole["model"])


def test_resume_tells_whether_there_was_something(tmp_path: Path) -> None:
    """Without a checkpoint nothing changes and the answer is False."""
    trainer = Trainer(TINY, tmp_path)
    before = weights(trainer)
    assert not trainer.resume()
    assert 0 == trainer.step
    assert equal(before, weights(trainer))


def test_an_interrupted_save_leaves_the_one_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkpoint that is half written never stands under the checkpoint's name."""
    trainer = Trainer(TINY, tmp_path)
    trainer.save()
    before = (tmp_path / "checkpoint.pt").read_bytes()

    def breaks(state: object, path: Path) -> None:
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(torch, "save", breaks)
    with pytest.raises(KeyboardInterrupt):
        trainer.save()
    assert before == (tmp_path / "checkpoint.pt").read_bytes()


def test_nothing_to_resume_ends_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--resume` without a checkpoint names the folder, says what to do, trains nothing and makes no folder."""
    folder = tmp_path / "none"
    assert 2 == main(["--out", str(folder), "--resume"])
    message = capsys.readouterr().err
    assert str(folder) in message
    assert "--resume" in message
    assert not folder.exists()


def test_the_command_line_reaches_the_schedule(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps, seed and workers arrive; the rest are the defaults that made the shipped weights; the end is 0."""
    given: list[tuple[Any, ...]] = []
    monkeypatch.setattr(train, "work", lambda *arguments: given.append(arguments))
    assert 0 == main(["--out", str(tmp_path), "--steps", "7", "--seed", "3", "--workers", "1"])
    (arguments,) = given
    assert (0, Schedule(steps=7, seed=3, workers=1), tmp_path, False) == arguments[:4]


def test_an_export_loads_anywhere(tmp_path: Path) -> None:
    """The auto classes load processor and model; weights are the trainer's in float32, logits those of the trained model."""
    from transformers import AutoModelForImageTextToText, AutoProcessor

    trainer = Trainer(TINY, tmp_path)
    drawn_step(trainer)
    trainer.export()
    processor, model = AutoProcessor.from_pretrained(tmp_path), AutoModelForImageTextToText.from_pretrained(tmp_path)
    assert torch.float32 == model.dtype
    assert (tmp_path / "model.safetensors").exists()
    assert equal(trainer.model.state_dict(), model.state_dict())
    batch = trainer.batches.videos(0)
    with torch.no_grad():
        expected = trainer.model.eval()(**batch.inputs).logits
        torch.testing.assert_close(model.eval()(**batch.inputs).logits, expected, rtol=1e-4, atol=1e-4)
    text = "Which way does the red circle move?"
    assert trainer.processor.tokenizer(text)["input_ids"] == processor.tokenizer(text)["input_ids"]
    drawn_step(trainer)  # an export is no end: training goes on as before
    assert 2 == trainer.step


def test_fit_reports_saves_and_exports(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every few steps, and at the end, there are a checkpoint, an export, and a line with each kind's accuracy."""
    trainer = Trainer(Schedule(steps=3, workers=1, rows=3, text_rows=1), tmp_path)
    saved: list[int] = []
    save = trainer.save

    def counted() -> None:
        saved.append(trainer.step)
        save()

    trainer.save = counted  # type: ignore[method-assign]
    trainer.fit(every=2)
    assert [2, 3] == saved
    lines = [line for line in capsys.readouterr().out.splitlines() if "accuracy" in line]
    assert 2 == len(lines)
    assert all(kind in line for line in lines for kind in KINDS)
    assert (tmp_path / "config.json").exists()


def test_training_learns(tmp_path: Path) -> None:
    """Twelve steps on one batch lower its loss by a fifth."""
    trainer = Trainer(Schedule(steps=100, workers=1, rows=3, text_rows=2, warmup=1), tmp_path)
    given = (trainer.batches.videos(0), trainer.batches.texts(0, 2, False))
    losses = [trainer.train_step(*given) for _ in range(12)]
    assert losses[-1] < 0.8 * losses[0]


def test_letters_weigh_more_late(tmp_path: Path) -> None:
    """Before the recitals the loss is the mean cross-entropy of the reply's tokens; then a letter beside its word counts six times."""
    trainer = Trainer(TINY, tmp_path)
    batch = trainer.batches.texts(0, 6, True)
    with torch.no_grad():
        trainer.step = TINY.recite_from - 1
        early = trainer.loss(batch)
        trainer.step = TINY.recite_from
        late = trainer.loss(batch)
        with torch.autocast("cpu", torch.bfloat16):
            logits = trainer.model(**batch.inputs).logits[:, :-1].float()
    reply = batch.weights == 1
    each = -torch.log_softmax(logits, dim=-1).gather(2, batch.labels[..., None]).squeeze(2)[reply]
    letters = [random_demo.tokenizer().decode([token]) in (" A", " B", " C", " D") for token in batch.labels[reply]]
    counts = torch.where(torch.tensor(letters), 6.0, 1.0)
    assert any(letters)
    assert float(each.mean()) == pytest.approx(float(early), rel=1e-2)
    assert float((each * counts).sum() / counts.sum()) == pytest.approx(float(late), rel=1e-2)


def test_the_stages_follow_each_other(tmp_path: Path) -> None:
    """First places, then all kinds, then recitals without any clip, then clips with recitals beside them."""
    schedule = Schedule(steps=8, see_first=2, recite_from=4, recite_until=6, workers=1, rows=9, text_rows=4)
    trainer = Trainer(schedule, tmp_path)
    drawn = [trainer._draw(step) for step in range(8)]
    assert [True, True, True, True, False, False, True, True] == [videos is not None for videos, _ in drawn]
    assert [4, 4, 4, 4, 9, 9, 4, 4] == [len(texts.labels) for _, texts in drawn]
    decode = trainer.processor.tokenizer.decode
    recited = [any("Name the options" in decode(row) for row in texts.inputs["input_ids"]) for _, texts in drawn]
    assert [False] * 4 + [True] * 4 == recited
    asked = [{kind for kind in trainer.batches.kinds(step) if kind} for step in range(8)]
    assert [len(FIRST_KINDS)] * 2 + [len(KINDS)] * 6 == [len(kinds) for kinds in asked]
    assert set(FIRST_KINDS) == asked[0]


def test_a_checkpoint_alone_is_resumable(tmp_path: Path) -> None:
    """When a run ends between the checkpoint and the export after it, the checkpoint is all there is, and it is enough."""
    trainer = Trainer(TINY, tmp_path)
    drawn_step(trainer)
    trainer.save()
    resumed = Trainer(TINY, tmp_path)
    assert resumed.resume()
    assert 1 == resumed.step


def test_a_new_run_takes_nothing_from_an_old_one(tmp_path: Path) -> None:
    """Begun without --resume in a folder that holds another run's checkpoint, a run has the tokenizer of its own seed."""
    old = Trainer(Schedule(steps=1, workers=1, rows=3, text_rows=1), tmp_path)
    old.save()
    build_processor(build_tokenizer(["other texts altogether"] * 3)).save_pretrained(tmp_path)
    work(0, Schedule(steps=1, workers=1, rows=3, text_rows=1), tmp_path, False, "")
    assert random_demo.tokenizer().get_vocab() == load_tokenizer(tmp_path).get_vocab()


def test_the_schedule_s_shape() -> None:
    """A linear warm-up, a plateau of 1, a linear fall over the last third, down to nothing, never below."""
    schedule = Schedule(steps=3000, warmup=100)
    assert [0.01, 0.5, 1.0] == [pytest.approx(schedule.factor(step)) for step in (0, 49, 99)]
    assert {1.0} == {schedule.factor(step) for step in range(100, 2000)}
    assert [0.5, 0.1, 0.001] == [pytest.approx(schedule.factor(step)) for step in (2500, 2900, 2999)]
    assert 0.0 == schedule.factor(3000)


def test_a_longer_run_repeats_a_shorter_one_up_to_its_decay() -> None:
    """The rates of 3,000 and of 6,000 steps are the same for the first 2,000."""
    rates = [[Schedule(steps=steps).factor(step) for step in range(2000)] for steps in (3000, 6000)]
    assert rates[0] == rates[1]


def test_workers_share_the_rows(tmp_path: Path) -> None:
    """Each of two workers draws half of the rows, and draws others."""
    schedule = Schedule(workers=2, rows=6, text_rows=4)
    first, second = (Trainer(schedule, tmp_path, worker).batches for worker in (0, 1))
    assert 3 == len(first.videos(0).labels)
    assert not torch.equal(first.videos(0).inputs["pixel_values_videos"], second.videos(0).inputs["pixel_values_videos"])
    videos, texts = Trainer(schedule, tmp_path)._draw(0)
    assert videos is not None
    assert [3, 2] == [len(videos.labels), len(texts.labels)]


def test_every_matrix_has_an_optimiser(tmp_path: Path) -> None:
    """Each parameter is stepped by exactly one of the two; Muon has matrices only, no embedding among them."""
    trainer = Trainer(TINY, tmp_path)
    names = {id(parameter): name for name, parameter in trainer.model.named_parameters()}
    stepped = [[names[id(p)] for group in optimiser.param_groups for p in group["params"]] for optimiser in trainer.optimisers]
    assert sorted(names.values()) == sorted(stepped[0] + stepped[1])
    assert all(dict(trainer.model.named_parameters())[name].ndim == 2 and "embed" not in name for name in stepped[0])


def test_the_corpus_is_repeatable_and_complete() -> None:
    """The tokenizer's texts depend on the seed alone and hold every tag that a reply needs."""
    texts = list(corpus(0, clips=3))
    assert texts == list(corpus(0, clips=3))
    assert texts != list(corpus(1, clips=3))
    assert all(tag in text for text in texts for tag in ("<think>", "</think>", "<answer>", "</answer>"))
