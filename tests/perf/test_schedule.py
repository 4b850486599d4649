"""perf/schedule.py: each part in its smallest form, and how its figures are made."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

SMALLEST = ["--repeats", "1", "--samples", "6", "--tokens", "2", "--clips", "2", "--seconds", "1"]
SCHEDULES = ("interleaved", "sequential")


@pytest.fixture(scope="module")
def measured(perf_folder, tmp_path_factory):
    """What one call prints, and the document that it writes."""
    file = tmp_path_factory.mktemp("schedule") / "figures.json"
    command = [sys.executable, str(perf_folder / "schedule.py"), *SMALLEST, "--json", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280)
    assert 0 == done.returncode, done.stderr
    return done.stdout, json.loads(file.read_text())


@pytest.mark.slow
def test_it_prints_the_machine_and_a_row_for_each_schedule(measured):
    """A line about the machine, and for each of the three parts a table with both schedules and how busy others were."""
    printed, document = measured
    lines = printed.splitlines()
    assert document["machine"] == lines[0]
    assert ["a, ", "b, ", "c, "] == [line[:3] for line in lines if line[1:3] == ", "]
    assert list(SCHEDULES) * 3 == [line.split()[0] for line in lines if line.startswith(SCHEDULES) and " / " not in line]
    assert 3 == printed.count("cores that other programs used meanwhile")


@pytest.mark.slow
@pytest.mark.parametrize("part", ["a", "b"])
def test_equal_variants_give_a_ratio_with_its_interval(measured, part):
    """Each schedule has a run a repeat, whose ratio lies in its interval; that it leaves out 1 is counted."""
    _, document = measured
    for schedule in SCHEDULES:
        (run,) = document["parts"][part]["runs"][schedule]
        alarms = document["parts"][part]["figures"][schedule]["false_alarms"]
        assert 0 < run["low"] <= run["ratio"] <= run["high"]
        assert (1, int(not run["low"] <= 1 <= run["high"])) == (alarms["intervals"], alarms["excluding"])
        assert abs(run["ratio"] - 1) == pytest.approx(document["parts"][part]["figures"][schedule]["error"]["worst"])


@pytest.mark.slow
@pytest.mark.parametrize(("part", "clips"), [("a", 6), ("b", 6), ("c", 2)])
def test_interleaved_variants_share_a_reading(measured, part, clips):
    """Interleaved, each clip is read once; sequential, more often. Reading is part of the run's time."""
    runs = {schedule: document_runs[0] for schedule, document_runs in measured[1]["parts"][part]["runs"].items()}
    assert clips == runs["interleaved"]["reads"]
    assert clips < runs["sequential"]["reads"] <= clips * (3 if part == "c" else 2)
    assert all(0 < run["read_seconds"] < run["seconds"] for run in runs.values())


@pytest.mark.slow
def test_the_saved_time_is_the_ratio_of_the_whole_runs(measured):
    """Part c's ratio is the interleaved run's wall time over that of the sequential one."""
    part = measured[1]["parts"]["c"]
    seconds = {schedule: part["runs"][schedule][0]["seconds"] for schedule in SCHEDULES}
    assert seconds["interleaved"] / seconds["sequential"] == pytest.approx(part["figures"]["ratio"]["median"])


def run_with(ratio, low, high, seconds=10.0):
    from schedule_runs import Measured

    return Measured(seconds, ratio, low, high, reads=24, read_seconds=seconds / 4, others=0.0)


def test_false_alarms():
    """Counted are intervals on either side of 1, among those that there are; the share has its exact interval."""
    from schedule import false_alarms

    runs = [run_with(1.1, 1.01, 1.2), run_with(0.9, 0.8, 0.99), run_with(1.0, 0.9, 1.1), run_with(1.0, 1.0, 1.2), run_with(2.0, None, None)]
    found = false_alarms(runs)
    assert (4, 2, 0.5) == (found["intervals"], found["excluding"], found["share"])
    assert (0.0676, 0.9324) == (pytest.approx(found["low"], abs=1e-4), pytest.approx(found["high"], abs=1e-4))
    assert (0, 0, None) == tuple(false_alarms(runs[-1:])[name] for name in ("intervals", "excluding", "share"))


def test_errors_and_times():
    """Errors are distances from 1 on either side; the time of reading is a share of the run's."""
    from schedule import errors, times

    runs = [run_with(1.1, None, None), run_with(0.8, None, None, 20.0), run_with(1.0, None, None)]
    assert {"median": 0.1, "worst": 0.2, "median_ratio": 1.0} == pytest.approx(errors(runs))
    assert {"seconds": 10.0, "reads": 24, "read_share": 0.25} == times(runs)


def test_both_schedules_take_turns_in_going_first():
    """After one run for warmth, which does not count, each repeat has a run of each schedule, another one first each time."""
    from schedule import alternate

    calls = []

    def run(schedule, number):
        calls.append((schedule[0], number))
        return run_with(1.0, None, None)

    found = alternate(3, run)
    assert [("i", 0), ("i", 0), ("s", 0), ("s", 1), ("i", 1), ("i", 2), ("s", 2)] == calls
    assert {"interleaved": 3, "sequential": 3} == {schedule: len(runs) for schedule, runs in found.items()}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--parts", "a,d"], "--parts: there is no 'd'; give some of a,b,c"),
        (["--samples", "5"], "--samples: 5 is not in 6 to 240"),
        (["--samples", "241"], "--samples: 241 is not in 6 to 240"),
        (["--repeats", "0"], "--repeats: 0 is less than 1"),
        (["--seconds", "0"], "--seconds: 0 is less than 1"),
    ],
)
def test_wrong_options_are_refused(arguments, told, monkeypatch, capsys):
    """What cannot be measured is refused before anything runs, with what can."""
    import schedule

    monkeypatch.setattr(sys, "argv", ["schedule.py", *arguments])
    with pytest.raises(SystemExit) as left:
        schedule.main()
    assert 2 == left.value.code
    assert told in capsys.readouterr().err
