"""vreason_tracking.running.runner: variants that answer in turn, and variants one after another. A real model of random weights, and the
journal only.
"""

from __future__ import annotations

import os
import signal
import time
from collections import Counter

import pytest

import vreason.evaluation.batch
from tests.helpers import readback, trials
from tests.helpers.objectives import BREAKING, SWITCH_OFF
from tests.helpers.trials import VARIANTS, Stopping, Watcher
from vreason.errors import PluginError
from vreason_tracking.journal.folder import run_folders
from vreason_tracking.journal.lease import is_held
from vreason_tracking.journal.reader import last_end
from vreason_tracking.running.runner import Experiment, run_experiment
from vreason_tracking.running.signals import Terminated

SAMPLES, TOKENS = 4, 20
GREEDY = {"max_new_tokens": TOKENS, "min_new_tokens": TOKENS}
SAMPLED = GREEDY | {"do_sample": True, "temperature": 1.7}
THREE = [{"name": name, "preset": name} for name in VARIANTS]
ODD = {"name": "odd", "controller": {"objective": BREAKING, "k": 4}}
TOLD: list[Watcher] = []


class FromTheConfig(Watcher):
    """A listener that a config names; the newest is the last of `TOLD`."""

    def __init__(self) -> None:
        super().__init__()
        TOLD.append(self)


@pytest.fixture
def asking(experiment):
    """Settings of an offline run of the paper's three variants over four questions."""

    def make(**sections):
        usual = {"variants": THREE, "data": {"source": "demo", "limit": SAMPLES}, "generation": GREEDY, "tracking": {"mode": "offline"}}
        return experiment(**usual | sections)

    return make


def folders(settings):
    """Each variant's run in the journal, of which there is one."""
    found = {folder.manifest.variant: folder for folder in run_folders(settings.tracking.journal_folder())}
    assert len(found) == len(list(run_folders(settings.tracking.journal_folder())))
    return found


def places(result) -> list[int | None]:
    """Where the variant stood, sample by sample."""
    return [done.sample.rotation_place for done in readback.finished_samples(result.folder)]


@pytest.mark.parametrize("generation", [GREEDY, SAMPLED], ids=["greedy", "sampled"])
@pytest.mark.parametrize("batch_size", [1, 3])
def test_in_turn_or_one_after_another(asking, batch_size, generation) -> None:
    """The answers are the same, token by token and step by step: only times, loads and places differ."""
    how = {"batch_size": batch_size, "generation": generation}
    turns, line = (run_experiment(asking(schedule=schedule, **how)) for schedule in ("interleaved", "sequential"))
    assert list(VARIANTS) == [result.name for result in turns] == [result.name for result in line]
    for one, other in zip(turns, line, strict=True):
        assert readback.outcome(one.folder) == readback.outcome(other.folder)
        assert SAMPLES == len(readback.outcome(one.folder))
    assert 3 == len({str(readback.outcome(result.folder)) for result in turns})  # the variants do differ


def test_every_variant_at_every_place(asking) -> None:
    """Over as many batches as there are variants each stands at each place equally often, and no two at the same one."""
    results = run_experiment(asking(data={"source": "demo", "limit": 6}, generation={"max_new_tokens": 3}))
    found = [places(result) for result in results]
    assert [{0: 2, 1: 2, 2: 2}] * 3 == [Counter(each) for each in found]
    assert [{0, 1, 2}] * 6 == [set(each) for each in zip(*found, strict=True)]


def test_the_order_is_the_seeds(asking) -> None:
    """The same seed gives the same places, another one others."""
    short = {"data": {"source": "demo", "limit": 6}, "generation": {"max_new_tokens": 2}}
    found = [[places(result) for result in run_experiment(asking(seed=seed, **short))] for seed in (1, 1, 2)]
    assert found[0] == found[1] != found[2]


def test_one_after_another(asking) -> None:
    """A sequential run finishes one variant before it begins the next, and its samples tell no place."""
    watcher = Watcher()
    results = run_experiment(asking(schedule="sequential"), [watcher])
    assert [name for name in VARIANTS for _ in range(SAMPLES)] == [name for name, _ in watcher.answers]
    told = [(method, event.variant) for method, event in watcher.told if method.startswith("on_variant_")]
    assert [(method, name) for name in VARIANTS for method in ("on_variant_started", "on_variant_finished")] == told
    assert [[None] * SAMPLES] * 3 == [places(result) for result in results]
    assert {"sequential"} == {result.folder.manifest.tags["schedule"] for result in results}
    assert "sequential" == watcher.of("on_run_started")[0].schedule


@pytest.mark.parametrize(("schedule", "times"), [("interleaved", 1), ("sequential", 3)])
def test_frames_are_read_once(asking, monkeypatch, schedule, times) -> None:
    """In turn, the variants share a sample's frames; one after another, each reads them anew."""
    read, found = vreason.evaluation.batch.read_video, Counter()

    def counted(video, config):
        found[video] += 1
        return read(video, config)

    monkeypatch.setattr(vreason.evaluation.batch, "read_video", counted)
    data, short = {"source": "demo", "limit": SAMPLES}, {"max_new_tokens": 2}
    run_experiment(asking(schedule=schedule, data=data, generation=short))
    assert SAMPLES * times == sum(found.values())


def test_a_listener_of_the_config(asking) -> None:
    """It is told of everything in order, as one that the caller hands in is; a turn belongs to the variant that is told of in it."""
    mine = Watcher()
    results = run_experiment(asking(listeners=[f"{__name__}:FromTheConfig"]), [mine])
    (run, *begun), told = TOLD[-1].told[:4], TOLD[-1].told[4:]
    assert mine.told == TOLD[-1].told
    assert ("on_run_started", VARIANTS) == (run[0], run[1].variants)
    expected = [("on_variant_started", result.name, result.folder.run_id, 0) for result in results]
    assert expected == [(method, event.variant, event.run_id, event.done) for method, event in begun]
    ends = told[-3:]
    assert [("on_variant_finished", name, SAMPLES) for name in VARIANTS] == [
        (method, event.variant, event.answered) for method, event in ends
    ]
    turn, parts = "", {name: [] for name in VARIANTS}
    for method, event in told[:-3]:
        turn = event if method == "on_turn" else turn
        parts[turn] += [] if method == "on_turn" else [(method, event)]
    for result in results:
        for done in readback.finished_samples(result.folder):
            own = [(method, event) for method, event in parts[result.name] if done.sample.sample_id in _names(event)]
            assert "on_prefill" == own[0][0]
            assert list(done.steps) == [step for method, event in own if method == "on_steps" for step in event]
            assert ("on_sample", done.sample) == own[-1]
        assert SAMPLES == len([method for method, _ in parts[result.name] if method == "on_sample"])


def _names(event) -> set[str]:
    return {step.sample_id for step in event} if isinstance(event, tuple) else {event.sample_id}


def test_a_listener_that_is_none(asking) -> None:
    """It is refused before the model is loaded or a run begun."""
    settings, watcher = asking(model="./nowhere/at-all", listeners=["tests.helpers.trials:TOKENS"]), Watcher()
    with pytest.raises(PluginError, match=r"listeners\.0: .* is a int"):
        run_experiment(settings, [watcher])
    assert ([], {}) == (watcher.told, folders(settings))


def test_an_objective_that_cannot_be_loaded(asking) -> None:
    """Neither is a config begun that names something that is not there."""
    odd = {"name": "odd", "controller": {"objective": "tests.helpers.objectives:nothing"}}
    settings = asking(model="./nowhere/at-all", variants=[*THREE, odd])
    with pytest.raises(PluginError, match="has no 'nothing'"):
        run_experiment(settings)
    assert {} == folders(settings)


class Breaks(Watcher):
    """A listener that breaks at every sample of one variant."""

    def on_sample(self, sample):
        super().on_sample(sample)
        if self.of("on_turn")[-1] == "v-reason":
            raise ValueError("no paper in the printer")


def test_a_failing_listener(asking) -> None:
    """Its failures are counted in the notes of the variant that it was told of, and in no other's."""
    with pytest.warns(RuntimeWarning, match="listener Breaks failed"):
        results = run_experiment(asking(), [Breaks()])
    assert {"v-reason": (f"listener Breaks failed {SAMPLES} time(s)",), "baseline": (), "v-reason-lite": ()} == {
        result.name: result.notes for result in results
    }
    assert {"FINISHED"} == {result.status for result in results}


@pytest.mark.parametrize(
    ("kind", "number"), [("sample", 1), ("sample", 4), ("sample", 7), ("steps", 2), ("steps", 9), ("turn", 3), ("variant", 2)]
)
def test_interrupted_and_continued(asking, undisturbed, kind, number) -> None:
    """Wherever it is interrupted: every variant that had begun is KILLED; continued, all end as they would have, sample by sample."""
    settings = asking()
    begun = Experiment(settings, [Stopping(kind, number)])
    with pytest.raises(KeyboardInterrupt):
        begun.run()
    assert {("KILLED", "interrupted from the keyboard")} == {(result.status, result.error) for result in begun.results}
    assert set(folders(settings)) == {result.name for result in begun.results}
    assert (3 if kind != "variant" else 2) == len(begun.results)
    results = run_experiment(settings, resume="auto")
    assert list(VARIANTS) == [result.name for result in results]
    assert undisturbed(settings) == {result.name: readback.outcome(result.folder) for result in results}
    assert {"FINISHED"} == {result.status for result in results}


@pytest.fixture(scope="module")
def undisturbed():
    """What every variant says after a run in one go, which is made once."""
    kept = {}

    def outcomes(settings):
        if not kept:
            kept.update({result.name: readback.outcome(result.folder) for result in run_experiment(settings)})
        return kept

    return outcomes


def terminate() -> None:
    """What a scheduler does."""
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(1)


def test_terminated(asking) -> None:
    """SIGTERM closes the run of every variant as KILLED, with what it has done; nobody holds one any more."""
    watcher = Stopping("sample", 5, terminate)
    begun = Experiment(asking(), [watcher])
    with pytest.raises(Terminated):
        begun.run()
    assert [(name, "KILLED") for name in VARIANTS] == watcher.ended
    done = Counter(name for name, _ in watcher.answers)
    for result in begun.results:
        end = last_end(result.folder)
        assert ("KILLED", "terminated (SIGTERM)") == (end.status, end.error)
        assert (done[result.name], False) == (result.summary.answered, is_held(result.folder.lease))


def test_one_variant_fails(asking) -> None:
    """It has FAILED with its error, the others have because of it; fixed, all go on and end as they would have."""
    settings = asking(variants=[*trials.TWO, ODD])
    watcher = Stopping("sample", 6, SWITCH_OFF.touch)
    begun = Experiment(settings, [watcher])
    with pytest.raises(PluginError, match="somebody wants it to break"):
        begun.run()
    errors = {result.name: result.error for result in begun.results}
    assert ["FAILED"] * 3 == [result.status for result in begun.results]
    assert errors["odd"].startswith("PluginError: controller.objective: alpha of ")
    because = f"ended because variant odd failed: {errors['odd']}"
    assert {"baseline": because, "v-reason": because, "odd": errors["odd"]} == errors
    assert [(name, "FAILED", errors[name]) for name in ("baseline", "v-reason", "odd")] == [
        (each.variant, each.status, each.error) for each in watcher.of("on_variant_failed")
    ]
    assert 6 <= sum(result.summary.answered for result in begun.results) <= 8
    SWITCH_OFF.unlink()
    results = run_experiment(settings, resume="auto")
    whole = run_experiment(settings)
    assert [(name, "FINISHED", None) for name in ("baseline", "v-reason", "odd")] == [
        (each.name, each.status, each.error) for each in results
    ]
    assert [readback.outcome(result.folder) for result in whole] == [readback.outcome(result.folder) for result in results]


def test_a_finished_variant_is_kept(asking) -> None:
    """A variant that an earlier call finished is kept as it is; the others answer without it, and the results are in the config's order."""
    settings = asking(schedule="sequential")
    with pytest.raises(KeyboardInterrupt):
        run_experiment(settings, [Stopping("sample", SAMPLES + 1)])
    watcher = Watcher()
    results = run_experiment(asking(), [watcher], "auto")
    assert [("baseline", True, [1]), ("v-reason", False, [1, 2]), ("v-reason-lite", False, [1])] == [
        (result.name, result.kept, readback.sessions(result.folder)) for result in results
    ]
    assert ["on_variant_resumed", "on_variant_started"] == [
        method for method, _ in watcher.told if method in ("on_variant_started", "on_variant_resumed")
    ]
    assert {"v-reason": SAMPLES - 1, "v-reason-lite": SAMPLES} == Counter(name for name, _ in watcher.answers)
    assert {"baseline": True, "v-reason": False, "v-reason-lite": False} == {
        each.variant: each.kept for each in watcher.of("on_variant_finished")
    }


def test_results_are_in_the_configs_order(asking) -> None:
    """Also where a later variant was finished before the others."""
    settings = asking(variants=trials.TWO)
    with pytest.raises(KeyboardInterrupt):
        run_experiment(settings, [Stopping("sample", 3)])
    run_experiment(asking(variants=trials.TWO[1:]), resume="v-reason")
    results = run_experiment(settings, resume="auto")
    assert [("baseline", False), ("v-reason", True)] == [(result.name, result.kept) for result in results]
