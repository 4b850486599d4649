"""Samples one after another: what one draws owes nothing to the others, clips are read ahead, records come as they are made."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch

from tests.helpers.evaluations import CONFIG, SAMPLING, Events, answered, run
from vreason.benchmarks import Sample
from vreason.errors import DataError
from vreason.evaluation import batch
from vreason.evaluation.evaluator import Evaluator
from vreason.events import SampleRecord
from vreason.models.loading import LoadedModel
from vreason.video.config import VideoConfig
from vreason.video.frames import read_video


def test_seeds_do_not_depend_on_the_order(loaded: LoadedModel, samples: list[Sample]) -> None:
    """Sampled replies are the same forwards, shuffled, and with samples left out; another seed gives others."""
    torch.manual_seed(1)
    forwards = {record.sample_id: record.output for record in run(loaded, samples[:4], generation=SAMPLING)}
    shuffled = random.Random(0).sample(samples[:4], 3)
    torch.manual_seed(2)
    assert {sample.sample_id: forwards[sample.sample_id] for sample in shuffled} == {
        record.sample_id: record.output for record in run(loaded, shuffled, generation=SAMPLING)
    }
    other = {record.sample_id: record.output for record in run(loaded, samples[:4], generation=SAMPLING, seed=1)}
    assert forwards.keys() == other.keys()
    assert all(forwards[name] != output for name, output in other.items())


@pytest.mark.parametrize("batch_size", [1, 3])
def test_a_sampled_reply_owes_nothing_to_its_batch(loaded: LoadedModel, samples: list[Sample], batch_size: int) -> None:
    """Sampled in batches, cut from the list forwards, backwards and with two left out: each reply is the one it gets alone."""
    alone = {record.sample_id: record.output for record in run(loaded, samples, generation=SAMPLING)}
    assert len(samples) == len(set(alone.values()))
    for asked in (samples, samples[::-1], [samples[i] for i in (4, 0, 5, 2)]):
        together = run(loaded, asked, generation=SAMPLING, batch_size=batch_size)
        assert [alone[sample.sample_id] for sample in asked] == [record.output for record in together]


def test_torch_s_generator_is_left_alone(loaded: LoadedModel, samples: list[Sample]) -> None:
    """Who calls an evaluation, sampled or not, finds torch's generator as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(8)
        before = torch.get_rng_state()
        run(loaded, samples[:3], generation=SAMPLING, batch_size=2)
        run(loaded, samples[:1])
        assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("ids", [["a", "b", "a"], ["a", "a", "b"]], ids=["apart", "side by side"])
def test_two_samples_of_one_id_are_refused(loaded: LoadedModel, samples: list[Sample], ids: list[str]) -> None:
    """In one batch or in two: DataError names the id and how often it comes, before anything is answered."""
    doubled, events = [replace(sample, sample_id=name) for sample, name in zip(samples, ids, strict=False)], Events()
    with pytest.raises(DataError, match=r"'a' \(2 times\).*give each sample its own"):
        run(loaded, doubled, [events], batch_size=2)
    assert ([], {}, []) == (events.prefills, events.steps, events.samples)


def test_many_repeated_ids_are_counted(loaded: LoadedModel, samples: list[Sample]) -> None:
    """The first ten are named, the rest is counted."""
    with pytest.raises(DataError, match=r"'id-9' \(2 times\) and 15 more") as caught:
        run(loaded, [replace(samples[0], sample_id=f"id-{i % 25}") for i in range(50)])
    assert "id-10" not in str(caught.value)


@pytest.mark.parametrize("skipped", [[], [1], [0, 2, 3]], ids=str)
def test_the_next_clip_is_read_meanwhile(
    loaded: LoadedModel, samples: list[Sample], monkeypatch: pytest.MonkeyPatch, skipped: list[int]
) -> None:
    """While one batch is generated the next one's frames are read: generation waits for that reading and is not left waiting.

    The next one is the next that is not done; what is done is never read.
    """
    given = [replace(sample, video=f"{sample.video}#{i}") for i, sample in enumerate(samples)]
    done = [given[i].sample_id for i in skipped]
    renamed = [sample for sample in given if sample.sample_id not in done]
    begun = {sample.video: threading.Event() for sample in renamed}
    readers: set[int] = set()
    real = loaded.model.generate

    def read(path: str, config: VideoConfig) -> Any:
        begun[path].set()
        readers.add(threading.get_ident())
        return read_video(path.split("#")[0], config)

    following = dict(zip((sample.sample_id for sample in renamed), [*renamed[1:], None], strict=True))
    waited: list[bool] = []

    def generate(**inputs: Any) -> Any:
        after = following[inputs["sample_ids"][0]]
        if after is not None:
            waited.append(begun[after.video].wait(60))
        return real(**inputs)

    monkeypatch.setattr(batch, "read_video", read)
    monkeypatch.setattr(loaded.model, "generate", generate)
    records = run(loaded, given, done=done)
    assert [True] * (len(renamed) - 1) == waited
    assert [True] * len(renamed) == [answered(record) for record in records]
    assert threading.get_ident() not in readers


def test_records_come_as_they_are_made(loaded: LoadedModel, samples: list[Sample]) -> None:
    """The first record is there before the second sample is generated, and a run may be left early without a thread left behind."""
    events = Events()
    running: Iterator[SampleRecord] = Evaluator(loaded, CONFIG, [events]).run(samples)
    assert samples[0].sample_id == next(running).sample_id
    assert [samples[0].sample_id] == list(events.steps)
    running.close()  # type: ignore[attr-defined]
    assert [] == [thread.name for thread in threading.enumerate() if thread.name.startswith("video")]
