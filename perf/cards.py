"""What a model card costs: building it and checking it, for 30 variants of 5,000 samples, against the statistics alone.

    python perf/cards.py [--rounds 3] [--samples 5000] [--runs 30]

build      evidence (every figure from the raw samples, SHA-256 of all files), README, HTML page, JSON
check      a card that is there, read and held against evidence gathered anew
compare    the same statistics as a comparison's JSON, without digests and pages

Each way is a process of its own, one after the other in a round; time is that of the whole process, memory its greatest resident size. No
card needs the steps, so few are written.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measuring import machine, spread

LIMITS = {"build": (10.0, 1.0), "check": (20.0, 1.0)}
"""Seconds and GB, of the whole size."""


def build(folder: Path, card: Path) -> None:
    """A card, in all its forms."""
    from compare_data import runs_of

    from vreason_tracking.cards import gather, to_html, to_readme

    evidence = gather(runs_of(folder), "sweep", card)
    card.mkdir(exist_ok=True)
    (card / "README.md").write_text(to_readme(evidence))
    (card / "card.html").write_text(to_html(evidence))
    (card / "evidence.json").write_text(evidence.to_json())


def check_again(folder: Path, card: Path) -> None:
    """The card that `build` wrote."""
    from compare_data import runs_of

    from vreason_tracking.cards import check, claims_of, gather

    text = (card / "README.md").read_text()
    claims = claims_of(text)
    found = check(text, gather(runs_of(folder), claims.title, card, claims.baseline))
    if found:
        raise SystemExit(f"the card does not agree: {found[0]}")


def compare_alone(folder: Path, card: Path) -> None:
    """The statistics, as a comparison has them."""
    from compare_data import runs_of

    from vreason_tracking.comparison import compare, to_json

    (card / "comparison.json").write_text(to_json(compare(runs_of(folder))))


WAYS = {"build": build, "check": check_again, "compare": compare_alone}


def measure(way: str, folder: Path, card: Path) -> tuple[float, float]:
    """Seconds and greatest resident GB of a process of its own."""
    command = [sys.executable, __file__, "--way", way, "--folder", str(folder), "--card", str(card)]
    began = time.perf_counter()
    process = subprocess.Popen(command)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{way} failed")
    return time.perf_counter() - began, used.ru_maxrss * 1024 / 1e9


def main() -> None:
    """Write the runs, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--samples", type=int, default=5_000)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--way", choices=WAYS, help="what a process of the measurement is started with, as are --folder and --card")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--card", type=Path)
    options = parser.parse_args()
    if options.way:
        WAYS[options.way](options.folder, options.card)
        return
    from compare_data import describe, write_runs

    print(machine("pyarrow", "numpy", "huggingface_hub"))
    with tempfile.TemporaryDirectory() as name:
        folder, card = Path(name) / "runs", Path(name) / "card"
        write_runs(folder, options.runs, options.samples, options.steps)
        print(f"{options.runs} runs x {options.samples:,} samples x {options.steps} steps; {describe(folder)}")
        rounds = [{way: measure(way, folder, card) for way in WAYS} for _ in range(options.rounds)]
    for way in WAYS:
        seconds, gigabytes = zip(*(each[way] for each in rounds), strict=True)
        limit = f" (limits {LIMITS[way][0]:g} s, {LIMITS[way][1]:g} GB)" if way in LIMITS else ""
        ratio = spread([each[way][0] / each["compare"][0] for each in rounds])
        print(f"  {way:<8} {spread(seconds, '.2f')} s, {spread(gigabytes, '.2f')} GB, {ratio} times the statistics alone{limit}")


if __name__ == "__main__":
    main()
