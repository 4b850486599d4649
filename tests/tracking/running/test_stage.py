"""vreason_tracking.running.stage: variants that are worked on together, from the first lease to the last result."""

from __future__ import annotations

import shutil
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from tests.helpers import readback, records
from tests.helpers.evaluations import CONFIG
from tests.helpers.objectives import BREAKING, SWITCH_OFF
from tests.helpers.trials import Stopping, Watcher
from tests.helpers.waiting import wait_until
from vreason.config import PRESETS, ControllerConfig, VReasonConfig
from vreason.errors import PluginError, TrackingError
from vreason.listeners import ListenerGuard
from vreason_tracking.journal.folder import RunFolder, readable_runs
from vreason_tracking.journal.lease import Lease, is_held
from vreason_tracking.journal.reader import closed_samples, last_end
from vreason_tracking.running.plan import Task, VariantRequest, refresh
from vreason_tracking.running.recorder import RunRecorder
from vreason_tracking.running.signals import Terminated
from vreason_tracking.running.stage import Stage
from vreason_tracking.running.variant_session import VariantSession
from vreason_tracking.settings.variants import Variant
from vreason_tracking.telemetry import MemorySampler

NAMES = ("baseline", "v-reason", "odd")
METHODS = {
    "baseline": PRESETS["baseline"],
    "v-reason": CONFIG.method,
    "odd": VReasonConfig(controller=ControllerConfig(objective=BREAKING, k=2, lr=0.05)),
}


def task(name, position=0, folder: RunFolder | None = None) -> Task:
    """A variant's part of a call; of a run that is there as it stands now."""
    made = Task(VariantRequest(Variant(name, METHODS[name]), {}, {}), position, folder)
    return refresh(made) if folder is not None else made


class Staged:
    """A stage in a journal of the test's own, with what it told of."""

    def __init__(self, root, loaded, samples) -> None:
        self.root, self.loaded, self.samples = root, loaded, samples
        self.kept: list[str] = []
        self.results: list = []

    def run(self, tasks, *listeners, meter=None, **changes):
        """Run it to its end; returns the stage."""
        with meter or MemorySampler() as sampler:
            stage = Stage(
                **{
                    "tasks": tasks,
                    "samples": self.samples,
                    "batch_size": 1,
                    "seed": 0,
                    "ranked": True,
                    "root": self.root,
                    "retry_timeout": 0.2,
                    "manifest": self._manifest,
                    "config": lambda each: replace(CONFIG, method=each.request.variant.method),
                    "loaded": self.loaded,
                    "meter": sampler,
                    "guard": ListenerGuard(listeners),
                    "delivery": None,
                    "keep": lambda each: self.kept.append(each.request.variant.name),
                    "done": self.results.append,
                    **changes,
                }
            )
            stage.run()
        return stage

    def _manifest(self, each):
        ids = tuple(sample.sample_id for sample in self.samples)
        return readback.manifest(each.request.variant.name, sample_ids=ids, call_position=each.position)

    @property
    def ends(self) -> dict[str, tuple[str, str | None]]:
        """Status and error by variant, which are the same in the result and in the journal; nobody holds a run any more."""
        found = {}
        for result in self.results:
            end = last_end(result.folder)
            assert not is_held(result.folder.lease)
            assert end is not None
            assert (end.status, end.error, end.notes) == (result.status, result.error, result.notes)
            found[result.name] = (result.status, result.error)
        return found

    def folder(self, name) -> RunFolder:
        return next(result.folder for result in self.results if result.name == name)


@pytest.fixture
def staged(tmp_path, monkeypatch, loaded, samples) -> Staged:
    monkeypatch.chdir(tmp_path)
    return Staged(tmp_path / "journal", loaded, samples)


def tasks(*names) -> list[Task]:
    return [task(name, position) for position, name in enumerate(names)]


def test_variants_together(staged, samples) -> None:
    """Each has a run of its own with all samples, in the order of the samples; the results come in the order of the variants."""
    staged.run(tasks(*NAMES))
    assert list(NAMES) == [result.name for result in staged.results]
    assert dict.fromkeys(NAMES, ("FINISHED", None)) == staged.ends
    expected = [sample.sample_id for sample in samples]
    for name in NAMES:
        assert expected == [each.sample.sample_id for each in readback.finished_samples(staged.folder(name))]
    assert [] == staged.kept


def test_what_is_told_is_of_the_variant_whose_turn_it_is(staged) -> None:
    """A turn is told when it changes and not before every event; what is told in it is what that variant's run says, in the same order."""
    watcher = Watcher()
    staged.run(tasks(*NAMES), watcher)
    turns = watcher.of("on_turn")
    assert all(one != other for one, other in pairwise(turns))
    told: dict[str, list] = {name: [] for name in NAMES}
    turn = ""
    for method, event in watcher.told:
        turn = event if method == "on_turn" else turn
        if method in ("on_steps", "on_sample"):
            told[turn] += event if method == "on_steps" else [event]
    for name in NAMES:
        finished = readback.finished_samples(staged.folder(name))
        assert [record for each in finished for record in (*each.steps, each.sample)] == told[name]


def test_runs_are_opened_before_anything_is_answered(staged) -> None:
    """All variants begin, in their order, and only then is the first question asked."""
    watcher = Watcher()
    staged.run(tasks(*NAMES), watcher)
    assert ["on_variant_started"] * 3 + ["on_turn"] == [method for method, _ in watcher.told[:4]]
    assert [(name, staged.folder(name).run_id, 0) for name in NAMES] == watcher.variants


@pytest.mark.parametrize("step", ["finish", "result"])
def test_told_to_go_again_while_runs_are_closed(staged, monkeypatch, step) -> None:
    """Another Ctrl-C in the middle of that leaves no run open or held; it is raised once all are closed."""
    owner = RunRecorder if step == "finish" else VariantSession
    real, calls = getattr(owner, step), []

    def interrupted(self, *arguments):
        done = real(self, *arguments)
        calls.append(self)
        if len(calls) == 1:
            raise KeyboardInterrupt
        return done

    monkeypatch.setattr(owner, step, interrupted)
    with pytest.raises(KeyboardInterrupt):
        staged.run(tasks(*NAMES))
    assert 3 == len(calls)
    folders = readable_runs(staged.root)
    assert dict.fromkeys(NAMES, "FINISHED") == {each.manifest.variant: getattr(last_end(each), "status", None) for each in folders}
    assert not any(is_held(each.lease) for each in folders)


def test_what_a_dead_process_left(staged, samples) -> None:
    """Its open fragment is read before anything is asked: what it had answered is not asked again."""
    recorder = RunRecorder.create(staged.root, staged._manifest(task("baseline")))
    dead = Path(f"{recorder.folder.path}-dead")
    for sample in samples[:2]:
        recorder.on_sample(records.sample(sample.sample_id, ()))
    assert wait_until(lambda: 2 == len(closed_samples(recorder.folder)))
    shutil.copytree(recorder.folder.path, dead)  # as kill -9 would leave it at this moment
    recorder.finish("KILLED")
    shutil.rmtree(recorder.folder.path)
    dead.rename(recorder.folder.path)
    old = Task(task("baseline").request, 0, recorder.folder)
    watcher = Watcher()
    staged.run([old], watcher)
    assert [("baseline", recorder.folder.run_id, 2)] == watcher.variants
    assert len(samples) - 2 == len(watcher.samples)
    assert dict.fromkeys(["baseline"], ("FINISHED", None)) == staged.ends


def test_a_run_that_cannot_be_recovered(staged, monkeypatch) -> None:
    """The error goes on, and the run is free for whoever comes next."""
    recorder = RunRecorder.create(staged.root, staged._manifest(task("baseline")))
    recorder.finish("KILLED")

    def refuses(folder):
        raise TrackingError("the disk is gone")

    monkeypatch.setattr("vreason_tracking.running.stage.recover", refuses)
    with pytest.raises(TrackingError, match="the disk is gone"):
        staged.run([task("baseline", 0, recorder.folder)])
    assert not is_held(recorder.folder.lease)
    Lease(recorder.folder.lease).release()


@pytest.mark.parametrize(("raised", "error"), [(KeyboardInterrupt, "interrupted from the keyboard"), (Terminated, "terminated (SIGTERM)")])
def test_told_to_go(staged, raised, error) -> None:
    """All runs are closed with the same reason, and what was done stays done."""

    def go():
        raise raised

    with pytest.raises(raised):
        staged.run(tasks(*NAMES), Stopping("sample", 4, go))
    assert dict.fromkeys(NAMES, ("KILLED", error)) == staged.ends
    assert 4 == sum(result.summary.answered for result in staged.results)


def test_one_variant_fails(staged) -> None:
    """It has failed with its error, the others because of it; all keep what they have done, and go on to their end once it is fixed."""
    with pytest.raises(PluginError):
        staged.run(tasks(*NAMES), Stopping("sample", 6, SWITCH_OFF.touch))
    (why,) = {error for name, (_, error) in staged.ends.items() if name == "odd"}
    assert why is not None
    assert why.startswith("PluginError: controller.objective: alpha of ")
    assert "somebody wants it to break" in why
    others = ("FAILED", f"ended because variant odd failed: {why}")
    assert {"baseline": others, "v-reason": others, "odd": ("FAILED", why)} == staged.ends
    folders = {name: staged.folder(name) for name in NAMES}
    before = {name: readback.finished_samples(folder) for name, folder in folders.items()}
    assert 6 <= sum(map(len, before.values())) <= 8
    SWITCH_OFF.unlink()
    staged.results.clear()
    watcher = Watcher()
    staged.run([task(name, position, folders[name]) for position, name in enumerate(NAMES)], watcher)
    assert dict.fromkeys(NAMES, ("FINISHED", None)) == staged.ends
    assert [(name, folders[name].run_id, len(before[name])) for name in NAMES] == watcher.variants
    assert ["on_variant_resumed"] * 3 == [method for method, _ in watcher.told if method.startswith("on_variant_")][:3]
    for name in NAMES:
        after = readback.finished_samples(folders[name])
        assert (before[name], 5) == (after[: len(before[name])], len(after))


def test_videos_that_cannot_be_read_now(staged, samples, monkeypatch, tmp_path) -> None:
    """Their folder is away: none is booked as failed. The run has FAILED, says how many and why, and ends once they are back."""
    monkeypatch.setattr("vreason.evaluation.batch.PAUSES", (0.01,))
    clips = tmp_path / "clips"
    shutil.copytree(Path(samples[0].video).parent, clips)
    staged.samples = [samples[0], *(replace(each, video=str(clips / Path(each.video).name)) for each in samples[1:])]
    clips.rename(tmp_path / "away")
    staged.run(tasks("baseline", "v-reason"))
    for status, error in staged.ends.values():
        assert "FAILED" == status
        assert error is not None
        assert error.startswith(f"{len(samples) - 1} sample(s) were not asked, because their videos cannot be read now (")
        assert error.endswith("continue with --resume once they can")
    folders = {name: staged.folder(name) for name in ("baseline", "v-reason")}
    for folder in folders.values():
        assert [samples[0].sample_id] == [each.sample.sample_id for each in readback.finished_samples(folder)]
    (tmp_path / "away").rename(clips)
    staged.results.clear()
    staged.run([task(name, position, folder) for position, (name, folder) in enumerate(folders.items())])
    assert dict.fromkeys(folders, ("FINISHED", None)) == staged.ends
    for folder in folders.values():
        assert [None] * len(samples) == [each.sample.error for each in readback.finished_samples(folder)]


def test_nothing_was_answered(staged, samples) -> None:
    """A run all of whose samples failed has FAILED, with the first reason; a single answer makes it FINISHED."""
    gone = str(Path(samples[0].video).with_name("gone.mp4"))
    staged.samples = [replace(each, video=gone) for each in samples]
    staged.run(tasks("baseline"))
    ((status, error),) = staged.ends.values()
    assert ("FAILED", f"nothing was answered: every sample failed, the first: {gone}") == (status, (error or "").split(": no such file")[0])
    folder = staged.folder("baseline")
    staged.results.clear()
    staged.run([task("baseline", 0, folder)])
    assert "FAILED" == staged.ends["baseline"][0]
    staged.results.clear()
    staged.samples = [*staged.samples[:2], samples[2]]
    staged.run(tasks("v-reason"))
    assert ("FINISHED", None) == staged.ends["v-reason"]


def test_a_finished_variant_is_kept(staged) -> None:
    """It is handed on as it is: no session begins, and the others are answered without it."""
    staged.run(tasks("baseline"))
    folder = staged.folder("baseline")
    staged.results.clear()
    staged.run([task("baseline", 0, folder), task("v-reason", 1)])
    assert (["baseline"], ["v-reason"]) == (staged.kept, [result.name for result in staged.results])
    assert [1] == readback.sessions(folder)


def test_finished_meanwhile(staged) -> None:
    """What a plan says may be old: a run that somebody else has finished since is kept."""
    recorder = RunRecorder.create(staged.root, staged._manifest(task("baseline")))
    recorder.finish("KILLED", "terminated (SIGTERM)")
    old = task("baseline", 0, recorder.folder)
    staged.run([old])
    staged.results.clear()
    staged.run([old])
    assert (["baseline"], []) == (staged.kept, staged.results)
    assert [1, 2] == readback.sessions(recorder.folder)
    assert not is_held(recorder.folder.lease)


def test_only_finished_variants(staged) -> None:
    """There is nothing to do, and nothing is done."""
    staged.run(tasks("baseline", "v-reason"))
    folders = [staged.folder(name) for name in ("baseline", "v-reason")]
    staged.results.clear()
    watcher = Watcher()
    staged.run([task(folder.manifest.variant, position, folder) for position, folder in enumerate(folders)], watcher)
    assert ([], []) == (staged.results, watcher.told)


def test_a_run_of_another_process(staged) -> None:
    """It is refused, naming the process; runs that were opened before it are closed, and nothing is asked."""
    recorder = RunRecorder.create(staged.root, staged._manifest(task("v-reason")))
    recorder.finish("KILLED")
    watcher = Watcher()
    with Lease(recorder.folder.lease), pytest.raises(TrackingError, match="two processes never own one run"):
        staged.run([task("baseline"), task("v-reason", 1, recorder.folder)], watcher)
    assert ["baseline"] == list(staged.ends)
    assert "FAILED" == staged.ends["baseline"][0]
    assert "two processes never own one run" in (staged.ends["baseline"][1] or "")
    assert ([], [1]) == (watcher.samples, readback.sessions(recorder.folder))


def test_a_record_that_cannot_be_written(staged, monkeypatch) -> None:
    """A run without a record is worth nothing: all end, the one whose disk refuses with that error, the others because of it."""
    check = RunRecorder.check

    def refuses(self) -> None:
        check(self)
        if self.folder.manifest.variant == "v-reason" and len(watcher.samples) >= 3:
            raise TrackingError("no space left")

    watcher = Watcher()
    monkeypatch.setattr(RunRecorder, "check", refuses)
    with pytest.raises(TrackingError, match="no space left"):
        staged.run(tasks("baseline", "v-reason"), watcher)
    why = "TrackingError: no space left"
    assert {"baseline": ("FAILED", f"ended because variant v-reason failed: {why}"), "v-reason": ("FAILED", why)} == staged.ends
    assert 3 <= len(watcher.samples) <= 4


class Breaks(Watcher):
    """A listener that breaks at every sample of one variant."""

    def __init__(self, name) -> None:
        super().__init__()
        self.name = name

    def on_sample(self, sample) -> None:
        super().on_sample(sample)
        if self.of("on_turn")[-1] == self.name:
            raise ValueError("no paper in the printer")


class Shy(Watcher):
    """One that breaks as a variant begins."""

    def on_variant_started(self, variant) -> None:
        raise ValueError("not now")


def test_listeners_that_fail(staged) -> None:
    """Each failure is noted with the variant that the listener was told of, and with no other; the others are told all the same."""
    watcher = Watcher()
    with pytest.warns(RuntimeWarning, match="listener Shy failed: ValueError"):
        staged.run(tasks("baseline", "v-reason"), Breaks("v-reason"), Shy(), watcher)
    notes = {result.name: result.notes for result in staged.results}
    assert ("listener Shy failed 1 time(s)",) == notes["baseline"]
    assert {"listener Shy failed 1 time(s)", "listener Breaks failed 5 time(s)"} == set(notes["v-reason"])
    assert 10 == len(watcher.samples)


def test_memory_that_could_not_be_sampled(staged) -> None:
    """That is noted with every variant that was at work, and nothing else comes of it."""
    meter = MemorySampler()
    act = lambda: meter._failed(OSError("no such device"), "gpu.0")  # noqa: E731
    with pytest.warns(RuntimeWarning, match="no such device"):
        staged.run(tasks("baseline", "v-reason"), Stopping("sample", 2, act), meter=meter)
    assert dict.fromkeys(("baseline", "v-reason"), ("FINISHED", None)) == staged.ends
    for result in staged.results:
        (note,) = result.notes
        assert note.startswith("memory sampling failed 1 time(s): ")


def test_devices_are_recorded_with_every_variant(staged) -> None:
    """What the host did meanwhile stands in each run that was at work."""
    staged.run(tasks("baseline", "v-reason"))
    for result in staged.results:
        points = sum(each.points for each in readback.finished_samples(result.folder))
        assert result.recorded > points
