"""An evaluation that was interrupted and goes on: what it tells of the samples left is what an evaluation in one go tells of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.helpers.evaluations import CONFIG, SAMPLING, Events, answered, run, told, unmeasured
from vreason.benchmarks import Sample
from vreason.config import ControllerConfig, PruningConfig, VReasonConfig
from vreason.evaluation import batch
from vreason.evaluation.evaluator import Evaluator
from vreason.events import SampleRecord
from vreason.models.loading import LoadedModel
from vreason.video.config import VideoConfig
from vreason.video.frames import read_video

# Both of the method's own dice, and the sampling's: whatever is drawn would show.
METHOD = VReasonConfig(ControllerConfig(k=2, lr=0.05, objective="random"), PruningConfig(drop="random"))
DRAWN: dict[str, Any] = {"method": METHOD, "generation": SAMPLING | {"max_new_tokens": 12}}
DONE = [*(range(n) for n in range(7)), [1], [4], [0, 2, 4], [1, 3, 5], [3, 4, 5], [0, 1, 3, 4, 5]]


@pytest.fixture(scope="module")
def whole(loaded: LoadedModel, samples: list[Sample]) -> dict[int, Events]:
    """What a run in one go tells, by its batch size."""
    told_of = {size: Events() for size in (1, 3, 4)}
    for size, events in told_of.items():
        run(loaded, samples, [events], batch_size=size, **DRAWN)
    return told_of


@pytest.mark.parametrize("done", DONE, ids=lambda done: "-".join(map(str, done)) or "none")
@pytest.mark.parametrize("batch_size", [1, 3, 4])
def test_what_is_left_is_told_as_in_one_go(
    loaded: LoadedModel, samples: list[Sample], whole: dict[int, Events], batch_size: int, done: Sequence[int]
) -> None:
    """Whatever is done, the first few or some in the middle: records, prompts and steps of the others are the same bit for bit.

    Nothing at all is told of what is done.
    """
    names = [sample.sample_id for sample in samples]
    gone, left = [names[i] for i in done], [name for i, name in enumerate(names) if i not in done]
    events = Events()
    records = run(loaded, samples, [events], done=gone, batch_size=batch_size, **DRAWN)
    assert records == events.samples
    assert left == [record.sample_id for record in records] == [prefill.sample_id for prefill in events.prefills] == list(events.steps)
    assert told(whole[batch_size], left) == told(events, names)


@pytest.mark.parametrize("batch_size", [1, 3])
def test_a_run_left_early_is_completed(loaded: LoadedModel, samples: list[Sample], whole: dict[int, Events], batch_size: int) -> None:
    """Left after two records, in the middle of a batch of three, and gone on with twice: together the records of one go."""
    records: list[SampleRecord] = []
    config = replace(CONFIG, batch_size=batch_size, **DRAWN)
    for most in (2, 2, 6):
        running: Iterator[SampleRecord] = Evaluator(loaded, config).run(samples, done={record.sample_id for record in records})
        records += list(islice(running, most))
        running.close()  # type: ignore[attr-defined]
    assert [unmeasured(record) for record in whole[batch_size].samples] == [unmeasured(record) for record in records]


def test_what_is_done_is_not_read(loaded: LoadedModel, samples: list[Sample], monkeypatch: pytest.MonkeyPatch) -> None:
    """In batches of two, the first all done, the second in part: the first one's clips are not opened, the second one's both are."""
    read: list[str] = []

    def note(path: str, config: VideoConfig) -> Any:
        read.append(path)
        return read_video(path.split("#")[0], config)

    monkeypatch.setattr(batch, "read_video", note)
    given = [replace(sample, video=f"{sample.video}#{i}") for i, sample in enumerate(samples)]
    records = run(loaded, given, done=[given[i].sample_id for i in (0, 1, 3)], batch_size=2)
    assert [given[i].sample_id for i in (2, 4, 5)] == [record.sample_id for record in records]
    assert [sample.video for sample in given[2:]] == read


def test_all_done_is_nothing_to_do(loaded: LoadedModel, samples: list[Sample], monkeypatch: pytest.MonkeyPatch) -> None:
    """With every sample done, and ids beside that belong to none: no record, no clip opened, no token generated."""
    monkeypatch.setattr(batch, "read_video", None)
    monkeypatch.setattr(loaded.model, "generate", None)
    assert [] == run(loaded, samples, done={"of another list", *(sample.sample_id for sample in samples)}, batch_size=3)


def test_a_sample_that_failed_may_be_done(loaded: LoadedModel, samples: list[Sample], tmp_path: Path) -> None:
    """A missing clip in a batch: done, nothing is told of it; left, its error is. Its neighbours' records are the same either way."""
    given = [samples[0], replace(samples[1], video=str(tmp_path / "missing.mp4")), samples[2]]
    one_go = [unmeasured(record) for record in run(loaded, given, batch_size=3, **DRAWN)]
    assert [True, False, True] == [record["error"] is None for record in one_go]
    for left in ([0, 2], [1, 2], [2], [1]):
        events = Events()
        done = [sample.sample_id for i, sample in enumerate(given) if i not in left]
        run(loaded, given, [events], done=done, batch_size=3, **DRAWN)
        assert [one_go[i] for i in left] == [unmeasured(record) for record in events.samples]
        assert {given[i].sample_id for i in left if i != 1} == set(events.steps)


def test_a_batch_too_large_leaves_out_what_is_done(
    loaded: LoadedModel, samples: list[Sample], monkeypatch: pytest.MonkeyPatch, whole: dict[int, Events]
) -> None:
    """Three of which one is done do not fit together: only the two that are left are tried alone, and told as alone."""
    real, asked, events = loaded.model.generate, [], Events()

    def generate(**inputs: Any) -> Any:
        asked.append(list(inputs["sample_ids"]))
        if len(asked[-1]) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return real(**inputs)

    monkeypatch.setattr(loaded.model, "generate", generate)
    names = [sample.sample_id for sample in samples[:3]]
    records = run(loaded, samples[:3], [events], done=names[:1], batch_size=3, **DRAWN)
    assert [names, names[1:2], names[2:]] == asked
    assert [True, True] == [answered(record) for record in records]
    assert told(whole[1], names[1:]) == told(events, names)
