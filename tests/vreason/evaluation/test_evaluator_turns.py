"""Several evaluators that answer one batch in turn, as the variants of a run do: what each tells is what it tells on its own."""

from __future__ import annotations

import copy
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.helpers import clips
from tests.helpers.evaluations import CONFIG, SAMPLING, Events, answered, told, unmeasured
from vreason.benchmarks import Sample
from vreason.config import ControllerConfig, PruningConfig, VReasonConfig
from vreason.errors import PluginError
from vreason.evaluation.batch import LoadedBatch, read_batch
from vreason.evaluation.evaluator import WARM_UP_TOKENS, EvaluationConfig, Evaluator
from vreason.models.loading import LoadedModel
from vreason.prompts import REASONING

# Every die that there is: the sampling's and both of the method's own.
METHODS = {
    "baseline": VReasonConfig.preset("baseline"),
    "v-reason": VReasonConfig(ControllerConfig(k=2, lr=0.05)),
    "random": VReasonConfig(ControllerConfig(k=2, lr=0.05, objective="random"), PruningConfig(drop="random")),
}
DRAWN = replace(CONFIG, generation=SAMPLING | {"max_new_tokens": 10})
CONFIGS = {name: replace(DRAWN, method=method) for name, method in METHODS.items()}


def answer(
    loaded: LoadedModel, config: EvaluationConfig, batch: LoadedBatch, done: Sequence[str] = (), place: int | None = None
) -> tuple[list[dict[str, Any]], list[Any]]:
    """What an evaluator of its own makes of a batch: records and what it told, to the last digit, without what is measured."""
    events = Events()
    made = list(Evaluator(loaded, config, [events]).answer(batch, done, place))
    assert made == events.samples
    return [unmeasured(record) for record in made], told(events, [each.sample.sample_id for each in batch.samples])


@pytest.fixture
def made_inputs(loaded: LoadedModel, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of questions in each call of the adapter's `inputs`, as they come."""
    calls, real = [], type(loaded.adapter).inputs

    def inputs(self: Any, processor: Any, turns: Any, pixels: Any = None) -> Any:
        calls.append(len(turns))
        return real(self, processor, turns, pixels)

    monkeypatch.setattr(type(loaded.adapter), "inputs", inputs)
    return calls


@pytest.mark.parametrize("count", [1, 3])
def test_turns_equal_runs_of_their_own(loaded: LoadedModel, samples: list[Sample], count: int) -> None:
    """Three methods answer one batch, in any order and one of them twice: prompts, tokens, steps and records of separate runs."""
    alone = {name: answer(loaded, config, read_batch(samples[:count], CONFIG.video)) for name, config in CONFIGS.items()}
    assert 3 == len({str(each) for each in alone.values()})
    for order in (list(CONFIGS), list(CONFIGS)[::-1], ["random", "baseline", "random", "v-reason"]):
        batch = read_batch(samples[:count], CONFIG.video)
        for name in order:
            assert alone[name] == answer(loaded, CONFIGS[name], batch), name


def test_turns_equal_a_run_over_the_whole_list(loaded: LoadedModel, samples: list[Sample]) -> None:
    """`run` is nothing but the answers to its batches, in order."""
    events = Events()
    whole = list(Evaluator(loaded, replace(CONFIGS["random"], batch_size=2), [events]).run(samples[:4]))
    parts = [answer(loaded, CONFIGS["random"], read_batch(samples[start : start + 2], CONFIG.video)) for start in (0, 2)]
    assert [unmeasured(record) for record in whole] == [record for made, _ in parts for record in made]


def test_inputs_are_made_once_for_one_prompt(loaded: LoadedModel, samples: list[Sample], made_inputs: list[int]) -> None:
    """Whatever the methods, the generation and the seeds are; and nobody who uses them changes them."""
    batch = read_batch(samples[:2], CONFIG.video)
    configs = [*CONFIGS.values(), replace(CONFIG, seed=3), replace(CONFIG, scoring="video-r1", generation={"max_new_tokens": 2})]
    answer(loaded, configs[0], batch)
    (inputs,) = batch.inputs.values()
    kept = {name: value.clone() for name, value in inputs.items()}
    for config in configs[1:]:
        answer(loaded, config, batch)
    assert [2] == made_inputs
    assert [inputs] == list(batch.inputs.values())
    assert kept.keys() == inputs.keys()
    assert all(torch.equal(kept[name], value) for name, value in inputs.items())


def test_inputs_are_made_again_for_another_prompt(loaded: LoadedModel, samples: list[Sample], made_inputs: list[int]) -> None:
    """Another text, other suffixes, other limits of pixels, another processor: each has inputs of its own, and finds them again."""
    batch = read_batch(samples[:2], CONFIG.video)
    shorter = replace(CONFIG, prompt=replace(CONFIG.prompt, suffixes={}))
    larger = replace(CONFIG, video=replace(CONFIG.video, max_pixels=112 * 112))
    for config in (CONFIG, replace(CONFIG, prompt=REASONING), shorter, larger, CONFIG, shorter):
        assert answer(loaded, config, read_batch(samples[:2], CONFIG.video)) == answer(loaded, config, batch)
    assert 4 == len(batch.inputs)
    assert 6 + 4 == len(made_inputs)
    answer(replace(loaded, processor=copy.copy(loaded.processor)), CONFIG, batch)
    assert 5 == len(batch.inputs)


def test_a_batch_with_clips_that_cannot_be_shown(loaded: LoadedModel, samples: list[Sample], tmp_path: Path) -> None:
    """A missing clip and one that the processor refuses: each evaluator records both, and answers the others as on its own."""
    narrow = clips.write_clip(tmp_path / "narrow.mp4", 10, size=(4, 1000))
    given = [samples[0], replace(samples[1], sample_id="gone", video=str(tmp_path / "gone.mp4"))]
    given += [replace(samples[2], sample_id="narrow", video=str(narrow)), samples[3]]
    alone = {name: answer(loaded, config, read_batch(given, CONFIG.video)) for name, config in CONFIGS.items()}
    batch = read_batch(given, CONFIG.video)
    for name, config in CONFIGS.items():
        records, events = answer(loaded, config, batch)
        assert alone[name] == (records, events)
        assert [None, given[1].video, given[2].video, None] == [record["error"] and record["error"].split(": ")[0] for record in records]


def test_what_is_done_of_a_batch(loaded: LoadedModel, samples: list[Sample]) -> None:
    """Each evaluator may have done others: the rest is as in one go, and nothing is told of what is done; all done tells nothing."""
    names = [sample.sample_id for sample in samples[:3]]
    batch = read_batch(samples[:3], CONFIG.video)
    whole = answer(loaded, CONFIGS["random"], batch)
    for done in ([0], [1, 2], [0, 1, 2]):
        records, (prefills, steps, ended) = answer(loaded, CONFIGS["random"], batch, [names[i] for i in done])
        left = [name for i, name in enumerate(names) if i not in done]
        assert [record for record in whole[0] if record["sample_id"] in left] == records == ended
        assert left == [prefill["sample_id"] for prefill in prefills] == list(steps)


def test_the_place_in_the_rotation_is_recorded(loaded: LoadedModel, samples: list[Sample], tmp_path: Path) -> None:
    """Of every sample of the batch, of a failed one too; without turns there is none."""
    batch = read_batch([samples[0], replace(samples[1], video=str(tmp_path / "gone.mp4")), samples[2]], CONFIG.video)
    for place in (0, 2, None):
        made = list(Evaluator(loaded, CONFIG).answer(batch, (), place))
        assert [True, False, True] == [answered(record) for record in made]
        assert [place] * 3 == [record.rotation_place for record in made]
    assert [None] == [record.rotation_place for record in Evaluator(loaded, CONFIG).run(samples[:1])]


def test_the_machine_s_load_is_recorded(loaded: LoadedModel, samples: list[Sample], tmp_path: Path) -> None:
    """Shares between 0 and 1, or None where nothing can be said; one for all samples of a batch, none for a sample without an answer."""
    batch = read_batch([samples[0], samples[1], replace(samples[2], video=str(tmp_path / "gone.mp4"))], CONFIG.video)
    first, second, failed = Evaluator(loaded, replace(CONFIG, generation={"max_new_tokens": 40, "do_sample": False})).answer(batch)
    for share in (first.other_load, first.cpu_steal):
        assert share is None or 0 <= share <= 1
    assert (first.other_load is None) == (first.cpu_steal is None)
    assert (first.other_load, first.cpu_steal) == (second.other_load, second.cpu_steal)
    assert (None, None) == (failed.other_load, failed.cpu_steal)


class CountingMeter:
    """A meter of memory and energy that counts ten joules between two questions."""

    def __init__(self, counts: bool = True) -> None:
        self.drawn, self.counts = 0.0, counts

    def latest(self) -> tuple[int, str] | None:
        return None

    def reset_peak(self) -> None:
        pass

    def peak(self) -> tuple[int, str] | None:
        return None

    def energy(self) -> float | None:
        self.drawn += 10.0
        return self.drawn if self.counts else None


def test_the_energy_of_a_batch_is_shared_by_its_samples(loaded: LoadedModel, samples: list[Sample]) -> None:
    """What was drawn between its beginning and its end, over its samples; None where no device counts."""
    batch = read_batch(samples[:2], CONFIG.video)
    for meter, expected in ((CountingMeter(), 5.0), (CountingMeter(counts=False), None), (None, None)):
        assert [expected] * 2 == [record.energy_joules for record in Evaluator(loaded, CONFIG, meter=meter).answer(batch)]


class Meter:
    """Counts its windows."""

    resets = 0

    def latest(self) -> tuple[int, str] | None:
        return 7, "rss"

    def reset_peak(self) -> None:
        self.resets += 1

    def peak(self) -> tuple[int, str] | None:
        return 7, "rss"


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("name", CONFIGS)
def test_a_warm_up_leaves_no_trace(loaded: LoadedModel, samples: list[Sample], made_inputs: list[int], name: str, count: int) -> None:
    """Records and tokens are those without one; nobody is told, no window of memory begins, no generator of random numbers moves."""
    expected = answer(loaded, CONFIGS[name], read_batch(samples[:count], CONFIG.video))
    batch, events, meter = read_batch(samples[:count], CONFIG.video), Events(), Meter()
    subject = Evaluator(loaded, CONFIGS[name], [events], meter)
    drawn, python = torch.get_rng_state(), random.getstate()
    subject.warm_up(batch)
    assert torch.equal(drawn, torch.get_rng_state())
    assert python == random.getstate()
    assert ([], {}, []) == (events.prefills, events.steps, events.samples)
    assert (0, {}) == (meter.resets, subject.guard.failures)
    assert torch.is_grad_enabled()
    assert expected == answer(loaded, CONFIGS[name], batch)
    records = list(subject.answer(batch))
    assert expected[0] == [unmeasured(record) for record in records] == [unmeasured(record) for record in events.samples]
    assert [count, count] == made_inputs  # of the batch that was not warmed up, and of this one


@pytest.mark.parametrize(
    ("generation", "most", "least"),
    [
        ({"max_new_tokens": 100}, WARM_UP_TOKENS, WARM_UP_TOKENS),
        ({"max_new_tokens": 100, "min_new_tokens": 50}, WARM_UP_TOKENS, WARM_UP_TOKENS),
        ({"max_new_tokens": 3, "min_new_tokens": 3}, 3, 3),
        ({"max_new_tokens": 100, "min_new_tokens": None}, WARM_UP_TOKENS, WARM_UP_TOKENS),
        ({}, WARM_UP_TOKENS, WARM_UP_TOKENS),
    ],
)
def test_a_warm_up_is_short(
    loaded: LoadedModel, samples: list[Sample], monkeypatch: pytest.MonkeyPatch, generation: dict[str, Any], most: int, least: int
) -> None:
    """Eight tokens at most, enough for an update at the paper's k, no more than the run's own replies; everything else as there."""
    real, asked = loaded.model.generate, []

    def generate(**inputs: Any) -> Any:
        asked.append(inputs)
        return real(**inputs)

    monkeypatch.setattr(loaded.model, "generate", generate)
    batch = read_batch(samples[:2], CONFIG.video)
    subject = Evaluator(loaded, replace(CONFIG, generation=generation | {"do_sample": True, "temperature": 2.0}))
    subject.warm_up(batch)
    (told_to,) = asked
    assert (most, least) == (told_to["max_new_tokens"], told_to["min_new_tokens"])
    assert (2.0, True) == (told_to["temperature"], told_to["do_sample"])
    assert (CONFIG.method, []) == (told_to["vreason"], told_to["observers"])
    assert [sample.sample_id for sample in samples[:2]] == told_to["sample_ids"]


FAILURES = [torch.OutOfMemoryError("CUDA out of memory."), RuntimeError("shapes"), MemoryError(), ValueError("size"), PluginError("loss")]


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: type(failure).__name__)
def test_a_warm_up_that_fails_ends_nothing(
    loaded: LoadedModel, samples: list[Sample], monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    """In the middle of a reply: nobody hears of it, the model is as it was, and what comes after is answered as without it."""
    expected = answer(loaded, CONFIG, read_batch(samples[:1], CONFIG.video))
    batch, events = read_batch(samples[:1], CONFIG.video), Events()
    calls: list[int] = []

    def breaks(*_: Any) -> None:
        calls.append(1)
        if len(calls) == 3:
            raise failure

    with loaded.model.register_forward_pre_hook(breaks):
        Evaluator(loaded, CONFIG, [events]).warm_up(batch)
    assert 3 == len(calls)
    assert ([], {}, []) == (events.prefills, events.steps, events.samples)
    assert expected == answer(loaded, CONFIG, batch)


def test_a_warm_up_with_inputs_that_cannot_be_made(loaded: LoadedModel, samples: list[Sample], tmp_path: Path) -> None:
    """A clip that the processor refuses, alone and beside another: it is left to the answer, which records it."""
    narrow = replace(samples[1], sample_id="narrow", video=str(clips.write_clip(tmp_path / "narrow.mp4", 10, size=(4, 1000))))
    for given in ([narrow], [samples[0], narrow]):
        batch, subject = read_batch(given, CONFIG.video), Evaluator(loaded, CONFIG)
        subject.warm_up(batch)
        assert {} == batch.inputs
        assert [sample is not narrow for sample in given] == [answered(record) for record in subject.answer(batch)]


def test_an_interruption_of_a_warm_up_is_one(loaded: LoadedModel, samples: list[Sample], monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C is not swallowed."""

    def generate(**_: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(loaded.model, "generate", generate)
    with pytest.raises(KeyboardInterrupt):
        Evaluator(loaded, CONFIG).warm_up(read_batch(samples[:1], CONFIG.video))


def test_a_batch_of_nothing_readable_is_not_warmed_up(
    loaded: LoadedModel, samples: list[Sample], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Nothing is generated for it."""
    monkeypatch.setattr(loaded.model, "generate", None)
    Evaluator(loaded, CONFIG).warm_up(read_batch([replace(samples[0], video=str(tmp_path / "gone.mp4"))], CONFIG.video))
