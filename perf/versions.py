"""Has anything become slower? Two checkouts measured against each other, in turn, each in processes of its own.

    python perf/versions.py OTHER_CHECKOUT [--rounds 7] [--parts help decode record compare]

OTHER_CHECKOUT is a folder with another version of this project, such as `git worktree add ../before v0.1.0` makes; it runs with this
environment's packages. A ratio is this checkout over the other one, round by round: below 1 this one is faster.

help      `vreason-track --help`, the whole process, seconds
decode    a token of `generate` with the paper's controller on a small random Qwen2.5-VL, milliseconds
record    handing a step to the recorder, until all of them are on disk, microseconds
compare   the whole report of 30 runs x 50 samples x 500 steps, the whole process, seconds
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measuring import machine, ratios, spread

HERE = Path(__file__).parents[1]
HELP = "import sys; from vreason_cli.main import main; sys.argv = ['vreason-track', '--help']; main()"
DECODE = """
import statistics, time, torch
try:
    import vreason.models.torchvision_shim
except ImportError:
    import vreason.torchvision_shim
from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration
import vreason
torch.manual_seed(0)
text = dict(vocab_size=8192, hidden_size=256, intermediate_size=1024, num_hidden_layers=6, num_attention_heads=8, num_key_value_heads=2,
            rope_parameters={"rope_type": "default", "mrope_section": [4, 6, 6], "rope_theta": 1e6}, tie_word_embeddings=True)
vision = dict(depth=2, hidden_size=64, num_heads=4, intermediate_size=128, out_hidden_size=256, fullatt_block_indexes=[1])
model = Qwen2_5_VLForConditionalGeneration(Qwen2_5_VLConfig(text_config=text, vision_config=vision, video_token_id=8000,
    vision_start_token_id=8001, vision_end_token_id=8002, image_token_id=8003, tie_word_embeddings=True)).eval()
grid = torch.tensor([[8, 16, 16]]); tokens = int(grid.prod()) // 4
ids = torch.cat([torch.full((1, 1), 8001), torch.full((1, tokens), 8000), torch.full((1, 1), 8002), torch.randint(1, 7000, (1, 20))], 1)
inputs = dict(input_ids=ids, attention_mask=torch.ones_like(ids), mm_token_type_ids=(ids == 8000).int() * 2,
              pixel_values_videos=torch.randn(int(grid.prod()), 1176), video_grid_thw=grid)
def run(n):
    start = time.perf_counter()
    options = dict(max_new_tokens=n, min_new_tokens=n, do_sample=False)
    model.generate(**inputs, custom_generate=vreason.decode, vreason=vreason.VReasonConfig(), **options)
    return time.perf_counter() - start
run(8)
print(1000 * statistics.median((run(72) - run(8)) / 64 for _ in range(5)))
"""
RECORD = """
import sys, tempfile, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from synthetic_record import make_manifest
try:
    from vreason_tracking.running.recorder import RunRecorder
except ImportError:
    from vreason_tracking.recorder import RunRecorder
from vreason.events import StepRecord
def step(t):
    return StepRecord("s", t, 7, 1.5, 0.9, 1.0, -1, None, 0.1, None, 0.99, False, 10**9, "rss", 1764115200000 + t, 9.0, 1.0)
steps = [step(t) for t in range(40_000)]
with tempfile.TemporaryDirectory() as folder:
    recorder = RunRecorder.create(Path(folder), make_manifest(1))
    start = time.perf_counter()
    for first in range(0, len(steps), 16):
        recorder.on_steps(steps[first : first + 16])
    recorder.finish("FINISHED")
    print(1e6 * (time.perf_counter() - start) / len(steps))
"""


class Checkout:
    """One version of the project."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.perf = next(each for each in (self.folder / "perf", self.folder / "benchmarks") if each.is_dir())
        self._runs: tempfile.TemporaryDirectory[str] | None = None

    def python(self, *arguments: str) -> str:
        """What a Python process of this version prints."""
        search = [str(self.folder), *(str(self.folder / name) for name in ("tracking", "cli", "migrations")), str(self.perf)]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(search)}
        done = subprocess.run([sys.executable, "-P", *arguments], env=environment, cwd=self.folder, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"{self.folder}: {' '.join(arguments)[:80]} failed:\n{done.stderr[-2000:]}")
        return done.stdout

    def help(self) -> float:
        """Seconds."""
        return self._timed("-c", HELP)

    def decode(self) -> float:
        """Milliseconds a token."""
        return float(self.python("-c", DECODE).split()[-1])

    def record(self) -> float:
        """Microseconds a step."""
        return float(self.python("-c", RECORD, str(self.perf)).split()[-1])

    def compare(self) -> float:
        """Seconds. The runs are written once, by this version."""
        if self._runs is None:
            self._runs = tempfile.TemporaryDirectory()
            write = "import sys; sys.path.insert(0, sys.argv[1]); from pathlib import Path; from compare_data import write_runs"
            self.python("-c", f"{write}; write_runs(Path(sys.argv[2]), 30, 50, 500)", str(self.perf), self._runs.name)
        return self._timed(str(self.perf / "compare.py"), "--way", "ours", "--folder", self._runs.name)

    def _timed(self, *arguments: str) -> float:
        start = time.perf_counter()
        self.python(*arguments)
        return time.perf_counter() - start


PARTS = {"help": "s", "decode": "ms a token", "record": "µs a step", "compare": "s"}


def main() -> None:
    """Measure in turn, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("other", type=Path, help="folder of another version")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    arguments = parser.parse_args()
    own, other = Checkout(HERE), Checkout(arguments.other)
    print(machine("torch", "transformers", "mlflow"))
    for part in arguments.parts:
        for each in (own, other):
            getattr(each, part)()  # caches filled, files written
        found: dict[Checkout, list[float]] = {own: [], other: []}
        for number in range(arguments.rounds):
            for each in (own, other) if number % 2 else (other, own):
                found[each].append(getattr(each, part)())
        mine, theirs = found[own], found[other]
        print(f"{part:<8} this {spread(mine)}, other {spread(theirs)} {PARTS[part]}; ratio {spread(ratios(mine, theirs))}")


if __name__ == "__main__":
    main()
