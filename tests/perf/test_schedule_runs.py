"""perf/schedule_runs.py: whole runs, and the process that disturbs them."""

from __future__ import annotations

import psutil
import pytest

from tests.helpers.records import sample


@pytest.fixture
def work(tmp_path):
    """Six questions for two equal variants, two tokens each."""
    from schedule_data import question_sets, write_rows
    from schedule_runs import Work

    return Work(write_rows(tmp_path / "rows.jsonl", question_sets(1, 6)[0]), 6, ("baseline", "baseline"), 8, 2)


def test_the_settings_are_what_is_to_be_measured(work):
    """Equal variants under two names, replies of a fixed length, no store, and the schedule that is asked for."""
    settings = work.settings("sequential", 3, "somewhere")
    assert ["baseline 0", "baseline 1"] == [variant.name for variant in settings.resolved_variants()]
    assert 1 == len({variant.method for variant in settings.resolved_variants()})
    assert (2, 2, 8, 3) == (settings.generation.min_new_tokens, settings.generation.max_new_tokens, settings.video.nframes, settings.seed)
    assert ("sequential", "offline", "somewhere") == (settings.schedule, settings.tracking.mode, settings.tracking.journal)


def test_a_run_is_disturbed_from_the_answer_named_and_not_afterwards(work):
    """One process is started when so many answers are there; when the run is over it is gone. The run has its ratio all the same."""
    from schedule_runs import Burner, measure

    class Looking(Burner):
        def on_sample(self, record):
            super().on_sample(record)
            seen.append(self._process is not None)

    seen: list[bool] = []
    with Looking(6) as burner:
        measured = measure(work, "interleaved", 0, [burner])
        running = burner._process.pid
    assert [False] * 5 + [True] * 7 == seen
    assert not psutil.pid_exists(running)
    assert measured.low <= measured.ratio <= measured.high
    assert 6 == measured.reads


def test_a_run_that_nobody_disturbed_is_refused():
    """A run with fewer answers than the process waits for says nothing about it."""
    from schedule_runs import Burner

    with pytest.raises(SystemExit, match="the comparison is void"), Burner(2) as burner:
        burner.on_sample(sample())


def test_what_ends_a_disturbed_run_is_not_hidden():
    """An exception goes on as it is, and the process is gone."""
    from schedule_runs import Burner

    burner = Burner(1)

    def fail():
        with burner:
            burner.on_sample(sample())
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert not psutil.pid_exists(burner._process.pid)


def test_questions_without_an_answer_are_refused(work):
    """A run in which a video cannot be read is no measurement."""
    from dataclasses import replace

    from schedule_data import question_sets, write_rows
    from schedule_runs import measure

    first, *others = question_sets(1, 6)[0]
    write_rows(work.data, [replace(first, video="/nowhere.mp4"), *others])
    with pytest.raises(SystemExit, match=r"baseline 0: FINISHED, 5 of 6 questions answered \(no error\); the comparison is void"):
        measure(work, "sequential", 0)
