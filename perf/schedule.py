"""What it is good for that the variants of a run answer in turn: `schedule: interleaved` against `sequential`, in one run, alternating.

    python perf/schedule.py [--parts a,b,c] [--repeats N] [--samples 24] [--tokens 24] [--clips 6] [--seconds 20] [--json FILE]

Whole runs, as `run --offline` makes them: the embedded model, H.264 clips, a journal that is thrown away. A repeat has a run of each
schedule with the same questions, another one first each time.

a  Two equal variants. How often does the 95 % interval of the ratio of their latencies leave out 1, which is the truth? Each repeat asks
   other questions, each about another clip, until all 960 were asked.
b  The same, while a process that begins when half of the answers are there spins on one core. How far is the ratio from 1?
c  Three variants, clips that take long to read: --clips of them, --seconds long, 1280 x 720, 16 frames of each, four tokens a reply. How
   long does the whole run take? Interleaved, a clip is read once for all variants; sequential, once for each.

The ratio is the one that `compare` gives: the median over the questions, its interval by Woodruff's method, with the videos as clusters. It
is taken here also where `compare` says that times do not compare. Without --repeats: 30 of a, 10 of b, 5 of c.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"

from measuring import machine, ratios, spread
from schedule_data import CLIPS, long_clips, question_sets, write_rows
from schedule_runs import SCHEDULES, Burner, Measured, Work, measure
from scipy.stats import binomtest
from transformers.utils import logging

REPEATS = {"a": 30, "b": 10, "c": 5}
TITLES = {
    "a": "equal variants: at most 7 % of the interleaved intervals should leave out 1",
    "b": "equal variants, one core taken from half way on: the interleaved ratio should be within 2 % of 1",
    "c": "three variants of clips that take long to read",
}
VIDEOS = 6  # fewer give no interval of a median
EQUAL = ("baseline", "baseline")
THREE = ("baseline", "v-reason", "v-reason-lite")

Found = dict[str, list[Measured]]
"""The runs of each schedule, repeat by repeat."""


def alternate(repeats: int, run: Callable[[str, int], Measured]) -> Found:
    """Both schedules in turn, another one first each time, after once for warmth; `run` is given the schedule and the repeat's number."""
    found: Found = {schedule: [] for schedule in SCHEDULES}
    run(SCHEDULES[0], 0)
    for number in range(repeats):
        for schedule in SCHEDULES[:: -1 if number % 2 else 1]:
            found[schedule].append(run(schedule, number))
            print(".", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return found


def equal_variants(options: argparse.Namespace, repeats: int, folder: Path, disturbed: bool) -> Found:
    """Parts a and b."""
    sets = [write_rows(folder / f"{number}.jsonl", each) for number, each in enumerate(question_sets(repeats, options.samples))]

    def run(schedule: str, number: int) -> Measured:
        work = Work(sets[number], options.samples, EQUAL, frames=8, tokens=options.tokens)
        if not disturbed:
            return measure(work, schedule, number)
        with Burner(options.samples * len(EQUAL) // 2) as burner:
            return measure(work, schedule, number, [burner])

    return alternate(repeats, run)


def shared_reading(options: argparse.Namespace, repeats: int, folder: Path) -> Found:
    """Part c."""
    work = Work(write_rows(folder / "long.jsonl", long_clips(folder, options.clips, options.seconds)), options.clips, THREE, 16, 4)
    return alternate(repeats, lambda schedule, number: measure(work, schedule, number))


def false_alarms(runs: Sequence[Measured]) -> dict[str, Any]:
    """Of the intervals, how many leave out 1; the share with its exact 95 % interval, None where there is no interval at all."""
    there = [run for run in runs if run.low is not None]
    excluding = sum(run.excludes_one for run in there)
    bounds = binomtest(excluding, len(there)).proportion_ci() if there else None
    share = {"share": excluding / len(there), "low": float(bounds.low), "high": float(bounds.high)} if bounds else {}
    return {"intervals": len(there), "excluding": excluding, "share": None, "low": None, "high": None, **share}


def errors(runs: Sequence[Measured]) -> dict[str, Any]:
    """How far the ratios are from 1."""
    found = [abs(run.ratio - 1.0) for run in runs]
    return {"median": statistics.median(found), "worst": max(found), "median_ratio": statistics.median(run.ratio for run in runs)}


def times(runs: Sequence[Measured]) -> dict[str, Any]:
    """What a run takes, and how much of it is reading clips."""
    seconds, share = ([run.seconds for run in runs], [run.read_seconds / run.seconds for run in runs])
    return {"seconds": statistics.median(seconds), "reads": runs[0].reads, "read_share": statistics.median(share)}


def report_equal(found: Found, part: str, repeats: int, options: argparse.Namespace) -> dict[str, Any]:
    """The table of part a or b; returns its figures."""
    figures = {schedule: {"false_alarms": false_alarms(runs), "error": errors(runs)} for schedule, runs in found.items()}
    print(f"\n{part}, {TITLES[part]}")
    print(f"{repeats} repeat(s) of {options.samples} questions, {options.tokens} tokens a reply")
    print(f"{'schedule':12} {'intervals without 1':>28} {'median ratio':>13} {'median error':>13} {'worst error':>12}")
    for schedule, each in figures.items():
        alarms, error = each["false_alarms"], each["error"]
        bounds = f" ({alarms['share']:.0%}; {alarms['low']:.0%} - {alarms['high']:.0%})" if alarms["intervals"] else ""
        counted = f"{alarms['excluding']} of {alarms['intervals']}{bounds}"
        print(f"{schedule:12} {counted:>28} {error['median_ratio']:13.3f} {error['median']:13.1%} {error['worst']:12.1%}")
    return figures


def report_reading(found: Found, repeats: int, options: argparse.Namespace) -> dict[str, Any]:
    """The table of part c; returns its figures."""
    figures: dict[str, Any] = {schedule: times(runs) for schedule, runs in found.items()}
    saved = ratios(*([run.seconds for run in found[schedule]] for schedule in SCHEDULES))
    print(f"\nc, {TITLES['c']}")
    print(f"{repeats} repeat(s) of {options.clips} clips, {options.seconds} s each")
    print(f"{'schedule':12} {'seconds':>10} {'clips read':>11} {'share of the time spent reading':>32}")
    for schedule, each in figures.items():
        print(f"{schedule:12} {each['seconds']:10.2f} {each['reads']:11} {each['read_share']:32.0%}")
    print(f"interleaved / sequential, whole run: {spread(saved)}")
    return {**figures, "ratio": {"median": statistics.median(saved), "least": min(saved), "most": max(saved)}}


def main() -> int:
    """Measure, print and, if a file is named, write the figures and every run."""
    options = _options()
    logging.disable_progress_bar()
    told = machine("torch", "transformers", "decord", "av")
    print(told)
    document: dict[str, Any] = {"machine": told, "samples": options.samples, "tokens": options.tokens, "parts": {}}
    for part in options.parts:
        repeats = options.repeats or REPEATS[part]
        with tempfile.TemporaryDirectory(prefix="vreason-benchmark-") as name:
            if part == "c":
                found = shared_reading(options, repeats, Path(name))
                figures = report_reading(found, repeats, options)
            else:
                found = equal_variants(options, repeats, Path(name), disturbed=part == "b")
                figures = report_equal(found, part, repeats, options)
        others = [run.others for runs in found.values() for run in runs]
        print(f"cores that other programs used meanwhile: {spread(others, '.2f')}")
        runs = {schedule: [asdict(run) for run in each] for schedule, each in found.items()}
        document["parts"][part] = {"repeats": repeats, "figures": figures, "runs": runs}
    if options.json:
        options.json.write_text(json.dumps(document, indent=1) + "\n")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", type=lambda text: text.split(","), default=list(REPEATS), metavar="a,b,c")
    parser.add_argument("--repeats", type=int, help="of every part")
    parser.add_argument("--samples", type=int, default=24, help=f"of parts a and b, {VIDEOS} to {CLIPS}")
    parser.add_argument("--tokens", type=int, default=24, help="of a reply in parts a and b")
    parser.add_argument("--clips", type=int, default=6, help="of part c")
    parser.add_argument("--seconds", type=int, default=20, help="of a clip in part c")
    parser.add_argument("--json", type=Path, metavar="FILE", help="the figures, and those of every run")
    options = parser.parse_args()
    if unknown := [part for part in options.parts if part not in REPEATS]:
        parser.error(f"--parts: there is no {unknown[0]!r}; give some of {','.join(REPEATS)}")
    if not VIDEOS <= options.samples <= CLIPS:
        parser.error(f"--samples: {options.samples} is not in {VIDEOS} to {CLIPS}; a median has no interval from fewer videos")
    for name in ("repeats", "tokens", "clips", "seconds"):
        if (value := getattr(options, name)) is not None and value < 1:
            parser.error(f"--{name}: {value} is less than 1; give a whole number of at least 1")
    return options


if __name__ == "__main__":
    raise SystemExit(main())
