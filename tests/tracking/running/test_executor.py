"""vreason_tracking.running.executor: units are worked off in this process, each event told with the variant that it is about."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import pytest
import torch

import vreason.evaluation.batch
from tests.helpers import readback
from tests.helpers.evaluations import CONFIG, TOKENS
from tests.helpers.objectives import BREAKING, SWITCH_OFF
from tests.helpers.waiting import wait_until
from vreason.config import ControllerConfig, VReasonConfig
from vreason.errors import PluginError, ReaderError
from vreason.evaluation.evaluator import Evaluator
from vreason.events import PrefillRecord, SampleRecord
from vreason.models.loading import LoadedModel
from vreason_tracking.running.executor import LocalExecutor
from vreason_tracking.running.units import UnitEvent, plan_units
from vreason_tracking.telemetry import MemorySampler

CONFIGS = {
    0: replace(CONFIG, method=VReasonConfig(controller=None)),
    1: CONFIG,
    2: replace(CONFIG, method=VReasonConfig(controller=ControllerConfig(objective="max", k=2, lr=0.05))),
}
NOTHING: frozenset[str] = frozenset()


def units_of(samples, size=1, done=None, configs=CONFIGS):
    return plan_units(samples, size, dict.fromkeys(configs, NOTHING) | (done or {}), 0)


def work(executor, units, **options):
    """What is told, in order: events, and numbers of unit and variant whenever a variant is through with a unit."""
    told: list[UnitEvent | tuple[int, int]] = []
    for each in executor.work(units, told.append, **options):
        told.append(each)
    return told


def missing(samples) -> str:
    """A video that is not in its folder."""
    return str(Path(samples[0].video).with_name("gone.mp4"))


def sample_of(told: UnitEvent) -> str:
    return told.event[0].sample_id if isinstance(told.event, tuple) else told.event.sample_id


@pytest.fixture
def reads(monkeypatch) -> list[str]:
    """Names of the videos that were read, in order."""
    read, found = vreason.evaluation.batch.read_video, []

    def counted(video, config):
        frames = read(video, config)
        found.append(video)
        return frames

    monkeypatch.setattr(vreason.evaluation.batch, "read_video", counted)
    return found


@pytest.mark.parametrize("size", [1, 2])
def test_events_come_in_order(loaded, samples, size) -> None:
    """Unit by unit, the variants in the unit's order; of a sample its prompt, its steps from the first to the last, then its end."""
    units = units_of(samples, size)
    told = work(LocalExecutor(loaded, CONFIGS), units)
    assert [(unit.number, position) for unit in units for position in unit.order] == [each for each in told if isinstance(each, tuple)]
    parts = [list(part) for events, part in groupby(told, lambda each: isinstance(each, UnitEvent)) if events]
    expected = [(unit, place, position) for unit in units for place, position in enumerate(unit.order)]
    for (unit, place, position), part in zip(expected, parts, strict=True):
        names = [sample.sample_id for sample in unit.samples]
        assert {position} == {each.variant for each in part}
        assert [(name, place) for name in names] == [
            (each.event.sample_id, each.event.rotation_place) for each in part if isinstance(each.event, SampleRecord)
        ]
        for name in names:
            first, *steps, last = (each.event for each in part if name in _names(each))
            assert isinstance(first, PrefillRecord)
            assert isinstance(last, SampleRecord)
            assert list(range(TOKENS)) == [step.token_index for block in steps for step in block if step.sample_id == name]


def _names(told: UnitEvent) -> set[str]:
    return {step.sample_id for step in told.event} if isinstance(told.event, tuple) else {told.event.sample_id}


def test_records_are_those_of_an_evaluator(loaded, samples) -> None:
    """Each variant answers as it does alone: whose turn was before, and that others share the frames, changes nothing."""
    told = work(LocalExecutor(loaded, CONFIGS), units_of(samples, 2))
    for position, config in CONFIGS.items():
        alone = Evaluator(loaded, replace(config, batch_size=2)).run(samples)
        found = [each.event for each in told if isinstance(each, UnitEvent) and each.variant == position]
        assert [readback.without_measured(record) for record in alone] == [
            readback.without_measured(event) for event in found if isinstance(event, SampleRecord)
        ]


def test_frames_are_read_once(loaded, samples, reads) -> None:
    """However many variants answer a sample, its video is read once."""
    work(LocalExecutor(loaded, CONFIGS), units_of(samples, 2))
    assert [sample.video for sample in samples] == reads


def test_nothing_is_read_ahead_on_a_cpu(loaded, samples, reads) -> None:
    """A unit's frames are read when the unit before is over: reading would take processors from the variant that answers."""
    seen: list[tuple[int, str]] = []
    units = units_of(samples)
    for _ in LocalExecutor(loaded, CONFIGS).work(units, lambda told: seen.append((len(reads), sample_of(told)))):
        pass
    place = {sample.sample_id: number for number, sample in enumerate(samples)}
    assert {(place[name] + 1, name) for name in place} == set(seen)


class OnAccelerator(LoadedModel):
    """A model that claims to be on a GPU; it is on the CPU all the same."""

    @property
    def device(self) -> str:
        return "cuda:0"


def test_an_accelerator_reads_one_unit_ahead(loaded, samples, reads) -> None:
    """While a unit is answered the next one's frames are read, and no further ones."""
    elsewhere = OnAccelerator(loaded.model, loaded.processor, loaded.adapter, loaded.spec, loaded.revision)
    ahead = []

    def receive(told: UnitEvent) -> None:
        if isinstance(told.event, SampleRecord) and told.event.sample_id == samples[1].sample_id:
            ahead.append(wait_until(lambda: len(reads) >= 3))
            ahead.append(len(reads))

    for _ in LocalExecutor(elsewhere, {1: CONFIG}).work(units_of(samples, configs={1: CONFIG}), receive):
        pass
    assert ([True, 3], len(samples)) == (ahead, len(reads))


def test_the_warm_up_is_not_recorded(loaded, samples, monkeypatch) -> None:
    """Before anything is told every variant generates once, a few tokens of the first batch, of which nothing is told."""
    generate, calls, told = loaded.model.generate, [], []

    def counted(**options):
        calls.append((len(told), options["max_new_tokens"], options["vreason"]))
        return generate(**options)

    monkeypatch.setattr(loaded.model, "generate", counted)
    long = {position: replace(config, generation=config.generation | {"max_new_tokens": 12}) for position, config in CONFIGS.items()}
    units = units_of(samples[:2])
    for _ in LocalExecutor(loaded, long).work(units, told.append):
        pass
    warm, real = calls[:3], calls[3:]
    assert [(0, 8, CONFIGS[position].method) for position in CONFIGS] == warm
    assert [12] * 6 == [most for _, most, _ in real]
    steps = Counter((each.variant, step.sample_id) for each in told if isinstance(each.event, tuple) for step in each.event)
    assert {12} == set(steps.values())
    assert 6 == len(steps)


def test_the_warm_up_waits_for_frames(loaded, samples, monkeypatch) -> None:
    """A first batch without a readable video warms nothing up: the next one does, once."""
    warmed = []
    monkeypatch.setattr(Evaluator, "warm_up", lambda self, batch: warmed.append([each.sample.sample_id for each in batch.samples]))
    broken = replace(samples[0], sample_id="gone", video=missing(samples))
    work(LocalExecutor(loaded, CONFIGS), units_of([broken, *samples[1:3]]))
    assert [[samples[1].sample_id]] * len(CONFIGS) == warmed


def test_places_where_a_variant_is_missing(loaded, samples) -> None:
    """A unit that one variant had answered in an earlier session gives the others no place: they were not measured in turn."""
    done = {0: frozenset({samples[0].sample_id}), 1: frozenset(), 2: frozenset()}
    told = work(LocalExecutor(loaded, CONFIGS), units_of(samples[:2], 1, done))
    found = [each.event for each in told if isinstance(each, UnitEvent) and isinstance(each.event, SampleRecord)]
    assert {None} == {record.rotation_place for record in found if record.sample_id == samples[0].sample_id}
    assert [0, 1, 2] == sorted(record.rotation_place for record in found if record.sample_id == samples[1].sample_id)


def test_what_is_done_is_not_told(loaded, samples) -> None:
    """A variant is not asked again what it has answered; a batch of which a part is done stays whole, so that nothing else changes."""
    names = [sample.sample_id for sample in samples]
    whole = work(LocalExecutor(loaded, CONFIGS), units_of(samples, 2))
    done = {0: frozenset(names[:1]), 1: frozenset(names), 2: frozenset(names[:4])}
    rest = work(LocalExecutor(loaded, CONFIGS), units_of(samples, 2, done))

    def records(told):
        found = [each for each in told if isinstance(each, UnitEvent) and isinstance(each.event, SampleRecord)]
        return {(each.variant, each.event.sample_id): readback.without_measured(each.event) for each in found}

    left = {(position, name) for position in CONFIGS for name in names if name not in done[position]}
    assert {each: record for each, record in records(whole).items() if each in left} == records(rest)
    assert left == {(each.variant, name) for each in rest if isinstance(each, UnitEvent) for name in _names(each)}


def test_without_places(loaded, samples) -> None:
    """Where variants do not answer in turn, records tell no place."""
    told = work(LocalExecutor(loaded, {1: CONFIG}), units_of(samples[:2], configs={1: CONFIG}), ranked=False)
    assert [None, None] == [
        each.event.rotation_place for each in told if isinstance(each, UnitEvent) and isinstance(each.event, SampleRecord)
    ]


def test_nothing_to_do(loaded, reads) -> None:
    """Without a unit nothing is read and nothing generated."""
    assert ([], []) == (work(LocalExecutor(loaded, CONFIGS), []), reads)


def test_a_video_that_cannot_be_read(loaded, samples) -> None:
    """Every variant records the sample as failed, at its place, and the others as answered."""
    broken = replace(samples[0], sample_id="gone", video=missing(samples))
    told = work(LocalExecutor(loaded, CONFIGS), units_of([broken, samples[1]], 2))
    found = [each.event for each in told if isinstance(each, UnitEvent) and isinstance(each.event, SampleRecord)]
    assert {0, 1, 2} == {record.rotation_place for record in found if record.sample_id == "gone"}
    assert all(missing(samples) in (record.error or "") for record in found if record.sample_id == "gone")
    assert [None] * 3 == [record.error for record in found if record.sample_id != "gone"]


def test_a_video_that_cannot_be_read_now(loaded, samples, monkeypatch) -> None:
    """Its folder is away, which says nothing about the file: the sample is left out, without a record, and the rest goes on."""
    monkeypatch.setattr(vreason.evaluation.batch, "PAUSES", (0.01, 0.01))
    away = replace(samples[0], sample_id="away", video="/nowhere/at/all.mp4")
    executor = LocalExecutor(loaded, CONFIGS)
    told = work(executor, units_of([away, samples[1]], 1))
    asked = {each.event.sample_id for each in told if isinstance(each, UnitEvent) and isinstance(each.event, SampleRecord)}
    assert {samples[1].sample_id} == asked
    for position in CONFIGS:
        assert ["away"] == list(executor.excluded(position))
        assert "its folder /nowhere/at is not there either" in executor.excluded(position)["away"]


def test_no_video_can_be_read(loaded, samples, monkeypatch) -> None:
    """That ends the run at once: no sample is booked for it."""

    def fails(path, config):
        raise ReaderError(path, "the reading process cannot be started")

    monkeypatch.setattr(vreason.evaluation.batch, "read_video", fails)
    with pytest.raises(ReaderError):
        work(LocalExecutor(loaded, CONFIGS), units_of(samples))


def test_memory_and_load_are_recorded(loaded, samples) -> None:
    """Samples have the peak of the memory in use, and each has its own peak of the machine's load where the system tells it."""
    with MemorySampler() as meter:
        told = work(LocalExecutor(loaded, CONFIGS, meter), units_of(samples[:1]))
    found = [each.event for each in told if isinstance(each, UnitEvent) and isinstance(each.event, SampleRecord)]
    assert all((record.peak_memory_bytes or 0) > 10 * 2**20 for record in found)
    assert all(0.0 <= load <= 1.0 for record in found for load in (record.other_load, record.cpu_steal) if load is not None)


BROKEN = {0: CONFIGS[0], 4: replace(CONFIG, method=VReasonConfig(controller=ControllerConfig(objective=BREAKING, k=2)))}


def test_who_is_at_work(loaded, samples) -> None:
    """Nobody before the first unit and after the last; in between the variant whose events are told."""
    executor = LocalExecutor(loaded, CONFIGS)
    seen = []
    before = executor.current
    for _, position in executor.work(units_of(samples[:3]), lambda told: seen.append((told.variant, executor.current))):
        assert position == executor.current
    assert (None, None) == (before, executor.current)
    assert all(variant == current for variant, current in seen)


def test_who_raised_it(loaded, samples, tmp_path, monkeypatch) -> None:
    """After an exception it is known whose it was."""
    monkeypatch.chdir(tmp_path)
    executor, told = LocalExecutor(loaded, BROKEN), []

    def receive(event: UnitEvent) -> None:
        told.append(event)
        if len([each for each in told if isinstance(each.event, SampleRecord)]) == 3:
            SWITCH_OFF.touch()

    units = units_of(samples, configs=BROKEN)
    with pytest.raises(PluginError, match="somebody wants it to break"):
        for _ in executor.work(units, receive):
            pass
    assert 4 == executor.current


def test_an_exception_in_the_warm_up(loaded, samples, monkeypatch) -> None:
    """What is no fault of the question shows in the first batch, and it is known whose it was."""
    generate = loaded.model.generate

    def picky(**options):
        if options["vreason"] == CONFIGS[2].method:
            raise TypeError("no such keyword")
        return generate(**options)

    monkeypatch.setattr(loaded.model, "generate", picky)
    executor = LocalExecutor(loaded, CONFIGS)
    with pytest.raises(TypeError, match="no such keyword"):
        work(executor, units_of(samples))
    assert 2 == executor.current


def test_an_exception_between_the_variants(loaded, samples, monkeypatch) -> None:
    """What is raised while frames are read is nobody's."""
    read = vreason.evaluation.batch.read_video

    def fails(video, config):
        if video == samples[3].video and Path(video).exists() and len(told) >= 3:
            raise KeyboardInterrupt
        return read(video, config)

    told: list[UnitEvent] = []
    monkeypatch.setattr(vreason.evaluation.batch, "read_video", fails)
    executor = LocalExecutor(loaded, CONFIGS)
    with pytest.raises(KeyboardInterrupt):
        for _ in executor.work(units_of(samples), told.append):
            pass
    assert executor.current is None


def test_no_gradients_are_left(loaded, samples) -> None:
    """The model that all variants share is as it was."""
    work(LocalExecutor(loaded, CONFIGS), units_of(samples[:1]))
    assert all(parameter.grad is None for parameter in loaded.model.parameters())
    assert torch.is_grad_enabled()
