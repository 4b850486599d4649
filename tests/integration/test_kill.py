"""kill -9 at random moments of real runs, each continued until it is done: what is lost, what is doubled, what is different."""

from __future__ import annotations

import json
import random
import time
from pathlib import Path
from typing import Any

import pytest

from tests.doubles.forked_program import Child, ForkedProgram
from tests.integration.real_runs import SAMPLES, finished_samples, in_mlflow, make_place, only_run, outcome
from vreason_tracking.journal.codec import Begin
from vreason_tracking.journal.folder import RunFolder
from vreason_tracking.journal.reader import last_end, read_events, read_fragment
from vreason_tracking.journal.verify import verify

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
KILLS = 30
ONLINE_EVERY = 6  # every sixth start delivers beside the run, as users do; the others write the journal only, which is quicker
LOST_SECONDS = 1.0


def steps_on_disk(folder: RunFolder) -> set[tuple[str, int]]:
    """Every step that can be read, of the open fragment too."""
    paths = [path for opened in (False, True) for _, path in folder.fragments(opened=opened)]
    events = [event for path in paths for event in read_fragment(path).events]
    return {(event.sample_id, event.token_index) for event in events if hasattr(event, "token_index")}


def check_after_kill(child: Child, folder: RunFolder | None, killed: float, before: set[str]) -> tuple[set[str], float]:
    """What was handed over in time is there. Returns the finished samples, and the age of the oldest step that is not there."""
    told = child.handed_over()
    if folder is None:
        assert not told
        return set(), 0.0
    done = {finished.sample.sample_id for finished in finished_samples(folder)}
    assert before <= done, "a sample that was closed is gone"
    kept = steps_on_disk(folder)
    lost = [killed - moment for moment, sample, token in told if token is not None and (sample, token) not in kept]
    late = [killed - moment for moment, sample, token in told if token is None and sample not in done]
    assert max([*lost, *late, 0.0]) <= LOST_SECONDS
    assert [] == list(verify(folder).damages)
    return done, max(lost, default=0.0)


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
    draw = random.Random(20261120)
    kills, starts, worst, experiments = 0, 0, 0.0, 0
    folder, done = make_place(tmp_path / "first", mlflow_template, random_model_folder), set()
    while kills < KILLS:
        starts += 1
        mode = [] if starts % ONLINE_EVERY == 0 else ["--offline"]
        child = program.start(folder, "run", "-c", "trial.yaml", "--resume", "auto", *mode)
        time.sleep(draw.uniform(0.0, min(life / 3, 1.2)))
        moment = time.monotonic()
        child.kill()
        if child.wait() != 0:
            kills += 1
        run = only_run(folder)
        done, lost = check_after_kill(child, run, moment, done)
        worst = max(worst, lost)
        if run is not None and len(done) == SAMPLES and last_end(run) is not None:
            _check_whole(program, folder, expected, undisturbed)
            experiments += 1
            folder, done = make_place(tmp_path / f"next-{experiments}", mlflow_template, random_model_folder), set()
    _check_whole(program, folder, expected, undisturbed)
    print(json.dumps({"kills": kills, "starts": starts, "runs": experiments + 1, "oldest step lost, s": round(worst, 3)}))


def _check_whole(program: ForkedProgram, folder: Path, expected: dict[str, Any], undisturbed: RunFolder) -> None:
    """Continue to the end, deliver, and compare."""
    child = program.start(folder, "run", "-c", "trial.yaml", "--resume", "auto")
    assert 0 == child.wait(), child.text()
    assert ", 0 waiting" in child.text()
    run = only_run(folder)
    assert run is not None
    assert expected == outcome(run)
    assert "FINISHED" == getattr(last_end(run), "status", None)
    sessions = [event.session for event in read_events(run) if isinstance(event, Begin)]
    assert list(range(1, len(sessions) + 1)) == sessions
    assert in_mlflow(undisturbed) == in_mlflow(run)
