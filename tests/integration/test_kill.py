"""kill -9 at random moments of real runs, each continued until it is done: what is lost, what is doubled, what is different."""

from __future__ import annotations

import os
import random
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import trials
from tests.helpers.forked_program import Child, ForkedProgram
from tests.helpers.waiting import wait_until
from tests.integration.real_runs import SAMPLES, finished_samples, in_mlflow, make_place, only_run, outcome, runs_by_variant
from vreason.errors import TrackingError
from vreason.events import StepRecord
from vreason_tracking.journal.codec import SessionStarted
from vreason_tracking.journal.folder import RunFolder
from vreason_tracking.journal.reader import Fragment, last_end, read_events, read_fragment
from vreason_tracking.journal.verification import verify

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
KILLS = int(os.environ.get("VREASON_KILLS", "12"))  # the figures in docs/reliability.md are of 30
KILLS_IN_TURN = max(4, KILLS // 4)
ONLINE_EVERY = 6  # every sixth start delivers beside the run, as users do; the others write the journal only, which is quicker
LOST_SECONDS = 1.0


@dataclass
class Losses:
    """What the kills cost. Ages in seconds at the moment of the kill, of the oldest step that is not there; the greatest of all kills.

    Attributes:
        killed: not on disk at all: what kill -9 costs.
        unsynced: not in a closed fragment, which is fsynced: what a power cut at that moment could have cost.
    """

    kills: int = 0
    starts: int = 0
    runs: int = 1
    killed: float = 0.0
    unsynced: float = 0.0

    def take(self, child: Child, run: RunFolder | None, moment: float, *, alone: bool, variant: str | None = None) -> None:
        """Compare what was handed over with what is there; `alone`: no delivering process is at work on the journal."""
        told = [(moment - when, (sample, token)) for when, sample, token in child.handed_over(variant) if token is not None]
        if run is None:
            assert not told
            return
        self.killed = max([self.killed, *(age for age, step in told if step not in session_steps(run, opened=True))])
        if alone:
            self.unsynced = max([self.unsynced, *(age for age, step in told if step not in session_steps(run, opened=False))])


def session_steps(run: RunFolder, *, opened: bool) -> set[tuple[str, int]]:
    """The last session's steps, in closed fragments and, if asked for, in the open one."""
    found: set[tuple[str, int]] = set()
    for fragment in fragments(run, opened=opened):
        for event in fragment.events:
            if isinstance(event, SessionStarted):
                found.clear()
            elif isinstance(event, StepRecord):
                found.add((event.sample_id, event.token_index))
    return found


def fragments(run: RunFolder, *, opened: bool) -> list[Fragment]:
    """All of them, in order; read again when a delivering process closes the open one in the meantime."""
    while True:
        try:
            return [read_fragment(path) for kind in ((False, True) if opened else (False,)) for _, path in run.fragments(opened=kind)]
        except TrackingError:
            continue


def test_kill_at_random_moments(program, tmp_path, mlflow_template, random_model_folder) -> None:
    """30 kills at random moments: every closed sample is kept, at most the last second of steps is lost, nothing is doubled, and each run,
    once it has been continued to its end, equals the undisturbed one, in its journal and in MLflow.
    """
    whole = make_place(tmp_path / "whole", mlflow_template, random_model_folder)
    began = time.monotonic()
    assert 0 == program.start(whole, "run", "-c", "trial.yaml").wait()
    life = time.monotonic() - began
    undisturbed = only_run(whole)
    assert undisturbed is not None
    expected = outcome(undisturbed)
    assert SAMPLES == len(expected)
    draw, losses = random.Random(20261120), Losses()
    folder, done = make_place(tmp_path / "run-1", mlflow_template, random_model_folder), set[str]()
    while losses.kills < KILLS:
        losses.starts += 1
        offline = losses.starts % ONLINE_EVERY != 0
        child = program.start(folder, "run", "-c", "trial.yaml", "--resume", "auto", *(["--offline"] if offline else []))
        time.sleep(draw.uniform(0.0, min(life / 3, 1.2)))
        moment = time.monotonic()
        child.kill()
        losses.kills += child.wait() != 0
        run = only_run(folder)
        losses.take(child, run, moment, alone=offline)
        if run is None:
            continue
        assert not verify(run).damages
        closed = {sample for when, sample, token in child.handed_over() if token is None and moment - when > LOST_SECONDS}
        before, done = done, {finished.sample.sample_id for finished in finished_samples(run)}
        assert before | closed <= done, "a sample that was closed is gone"
        if len(done) == SAMPLES and last_end(run) is not None:
            _check_whole(program, folder, expected, undisturbed)
            losses.runs += 1
            folder, done = make_place(tmp_path / f"run-{losses.runs}", mlflow_template, random_model_folder), set()
    _check_whole(program, folder, expected, undisturbed)
    print(losses)
    assert losses.killed <= LOST_SECONDS


def test_kill_variants_in_turn(program, tmp_path, mlflow_template, random_model_folder) -> None:
    """Two variants that answer in turn, killed at random moments and continued: of each every closed sample is kept and at most the last
    second of steps lost, and both end as they do undisturbed, in their journals and in MLflow.
    """
    size = {"samples": 4, "tokens": 120, "variants": trials.TWO}
    whole = make_place(tmp_path / "whole", mlflow_template, random_model_folder, **size)
    child = program.start(whole, "run", "-c", "trial.yaml")
    assert 0 == child.wait(), child.text()
    times = [when for when, *_ in child.handed_over()]
    answering = max(times) - min(times)
    undisturbed = runs_by_variant(whole)
    expected = {name: outcome(run) for name, run in undisturbed.items()}
    assert {"baseline": 4, "v-reason": 4} == {name: len(samples) for name, samples in expected.items()}
    draw, losses, interrupted = random.Random(20261126), Losses(), set[str]()
    for number in range(KILLS_IN_TURN):
        folder, done = tmp_path / f"run-{number % 2 + 1}", dict[str, set[str]]()
        if number < 2:
            make_place(folder, mlflow_template, random_model_folder, **size)
        else:
            done = {name: {each.sample.sample_id for each in finished_samples(run)} for name, run in runs_by_variant(folder).items()}
        child = program.start(folder, "run", "-c", "trial.yaml", "--resume", "auto", "--offline")
        wait_until(lambda child=child: bool(child.handed_over()) or child.ended(), 30)  # type: ignore[misc]
        time.sleep(draw.uniform(0.0, answering / 3))
        moment = time.monotonic()
        child.kill()
        losses.kills += child.wait() != 0
        for name, run in runs_by_variant(folder).items():
            losses.take(child, run, moment, alone=True, variant=name)
            assert not verify(run).damages
            closed = {sample for when, sample, token in child.handed_over(name) if token is None and moment - when > LOST_SECONDS}
            kept = {each.sample.sample_id for each in finished_samples(run)}
            assert done.get(name, set()) | closed <= kept, "a sample that was closed is gone"
            if last_end(run) is None:
                interrupted.add(name)
    assert {"baseline", "v-reason"} == interrupted, losses  # some kill did come in the middle of a run
    for folder in (tmp_path / "run-1", tmp_path / "run-2"):
        child = program.start(folder, "run", "-c", "trial.yaml", "--resume", "auto")
        assert 0 == child.wait(), child.text()
        assert 0 == program.start(folder, "journal", "deliver", "--tracking-uri", "sqlite:///mlflow.db").wait()
        runs = runs_by_variant(folder)
        assert expected == {name: outcome(run) for name, run in runs.items()}
        assert {"FINISHED"} == {getattr(last_end(run), "status", None) for run in runs.values()}
        assert 1 == len({run.manifest.call_id for run in runs.values()})
        assert {name: in_mlflow(run) for name, run in undisturbed.items()} == {name: in_mlflow(run) for name, run in runs.items()}
    print(losses)
    assert losses.killed <= LOST_SECONDS


def _check_whole(program: ForkedProgram, folder: Path, expected: dict[str, Any], undisturbed: RunFolder) -> None:
    """Continue to the end, deliver, and compare."""
    child = program.start(folder, "run", "-c", "trial.yaml", "--resume", "auto")
    assert 0 == child.wait(), child.text()
    assert ", 0 waiting" in child.text()
    run = only_run(folder)
    assert run is not None
    assert expected == outcome(run)
    assert "FINISHED" == getattr(last_end(run), "status", None)
    sessions = [event.session for event in read_events(run) if isinstance(event, SessionStarted)]
    assert list(range(1, len(sessions) + 1)) == sessions
    assert in_mlflow(undisturbed) == in_mlflow(run)
