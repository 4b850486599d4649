"""What control costs on a CPU: time per token and peak memory against plain `generate`, in one run, interleaved.

    python perf/control_overhead.py [--rounds 7] [--tokens 48] [--threads 2]

A Qwen2.5-VL of the 0.5B shape with random weights (float32), one video of at least 1,000 tokens, greedy, the same number of tokens for
every way. A round runs every way once, in turn; a figure is the median over the rounds of the ratio to that round's plain run. Time is
taken between the first and the last drawn token, so that the prefill, which is the same for all, does not dilute it.

The limit beside the figure is arithmetic: the backward pass reads the head's and the last layer's weights once more, and decoding time is
reading weights.
"""

from __future__ import annotations

import argparse
import gc
import os
import statistics
import sys
import threading
import time
from typing import Any

import psutil
import torch

from vreason import VReasonConfig, decode
from vreason.config import ControllerConfig, PruningConfig
from vreason.models import torchvision_shim  # noqa: F401  (before transformers)

VIDEO_GRID = (16, 16, 18)  # temporal, height, width in patches: 1,152 tokens after merging 2 x 2


def build_model() -> Any:
    """Qwen2.5-VL with a language model of the 0.5B shape (Qwen2.5-0.5B's) and a small vision tower, random weights."""
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

    text = {
        "vocab_size": 151_936,
        "hidden_size": 896,
        "intermediate_size": 4864,
        "num_hidden_layers": 24,
        "num_attention_heads": 14,
        "num_key_value_heads": 2,
        "rope_parameters": {"rope_type": "default", "mrope_section": [8, 12, 12], "rope_theta": 1e6},
        "tie_word_embeddings": True,
    }
    vision = {"depth": 2, "hidden_size": 320, "num_heads": 4, "intermediate_size": 640, "out_hidden_size": 896}
    vision["fullatt_block_indexes"] = [1]
    torch.manual_seed(0)
    model = Qwen2_5_VLForConditionalGeneration(Qwen2_5_VLConfig(text_config=text, vision_config=vision, tie_word_embeddings=True))
    return model.eval()


def build_inputs(model: Any) -> dict[str, Any]:
    """A prompt with one video, random pixels."""
    grid = torch.tensor([VIDEO_GRID])
    tokens = int(grid.prod()) // 4
    config = model.config
    words = torch.randint(1000, 100_000, (1, 40))
    video = torch.full((1, tokens), config.video_token_id)
    start, end = torch.tensor([[config.vision_start_token_id]]), torch.tensor([[config.vision_end_token_id]])
    ids = torch.cat([words[:, :8], start, video, end, words[:, 8:]], dim=1)
    return {
        "input_ids": ids,
        "attention_mask": torch.ones_like(ids),
        "mm_token_type_ids": (ids == config.video_token_id).int() * 2,
        "pixel_values_videos": torch.randn(int(grid.prod()), 1176),
        "video_grid_thw": grid,
    }


class TokenTimes:
    """A streamer that notes when each token came."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def put(self, value: torch.Tensor) -> None:
        """A token (at first the prompt) has come."""
        self.times.append(time.perf_counter())

    def end(self) -> None:
        """Nothing to close."""

    def per_token(self) -> float:
        """Seconds a token after the first; the first entry is the prompt's."""
        drawn = self.times[1:]
        return (drawn[-1] - drawn[0]) / (len(drawn) - 1)


class PeakMemory:
    """The greatest resident memory of this process while inside, bytes."""

    def __enter__(self) -> PeakMemory:
        self.peak, self._stop = 0, threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def _watch(self) -> None:
        process = psutil.Process()
        while not self._stop.is_set():
            self.peak = max(self.peak, process.memory_info().rss)
            self._stop.wait(0.005)

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


def ways() -> dict[str, VReasonConfig | None]:
    """Name to method; None is plain `generate`."""
    return {
        "plain generate": None,
        "baseline": VReasonConfig.preset("baseline"),
        "v-reason k=4": VReasonConfig(),
        "v-reason k=1": VReasonConfig(ControllerConfig(k=1)),
        "lite k=4": VReasonConfig(pruning=PruningConfig()),
        "lite without control": VReasonConfig(controller=None, pruning=PruningConfig()),
    }


TARGETS = {"baseline": 1.00, "v-reason k=4": 1.08, "v-reason k=1": 1.35, "lite k=4": 1.00}


def limits(model: Any) -> dict[int, float]:
    """By k: what one more reading of the head and the last layer costs, as a ratio."""
    whole = sum(parameter.numel() for parameter in model.model.language_model.parameters())
    again = model.lm_head.weight.numel() + sum(parameter.numel() for parameter in model.model.language_model.layers[-1].parameters())
    return {k: 1 + again / whole / k for k in (1, 4)}


def run_once(model: Any, inputs: dict[str, Any], name: str, method: VReasonConfig | None, tokens: int) -> tuple[float, int]:
    """Seconds a token and peak resident bytes of one generation."""
    times = TokenTimes()
    steered = {} if method is None else {"custom_generate": decode, "vreason": method}
    gc.collect()
    with PeakMemory() as memory:
        output = model.generate(
            **inputs, **steered, do_sample=False, max_new_tokens=tokens, min_new_tokens=tokens, streamer=times, pad_token_id=0
        )
    if output.shape[1] - inputs["input_ids"].shape[1] != tokens:
        raise SystemExit(f"{name} drew another number of tokens than asked; the comparison is void")
    return times.per_token(), memory.peak


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--tokens", type=int, default=48)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    model = build_model()
    inputs = build_inputs(model)
    video = int((inputs["input_ids"] == model.config.video_token_id).sum())
    size = sum(parameter.numel() for parameter in model.parameters()) / 1e6
    print(f"{size:.0f}M parameters, float32, {video} video tokens, {options.threads} threads")
    print(f"{options.rounds} rounds of {options.tokens} tokens")
    seconds: dict[str, list[float]] = {name: [] for name in ways()}
    peaks: dict[str, list[int]] = {name: [] for name in ways()}
    for name, method in ways().items():  # once for warmth
        run_once(model, inputs, name, method, 9)
    for number in range(options.rounds):
        order = list(ways().items())
        order = order[number % len(order) :] + order[: number % len(order)]
        for name, method in order:
            took, peak = run_once(model, inputs, name, method, options.tokens)
            seconds[name].append(took)
            peaks[name].append(peak)
            print(".", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    report(seconds, peaks, limits(model))
    return 0


def report(seconds: dict[str, list[float]], peaks: dict[str, list[int]], limit: dict[int, float]) -> None:
    """One line a way: the ratios to plain `generate`, the target and the arithmetic limit."""
    plain = seconds["plain generate"]
    print(f"plain generate: {statistics.median(plain) * 1000:.1f} ms a token\n")
    print(f"{'way':32} {'time ratio':>10} {'(min - max)':>15} {'target':>7} {'limit':>7} {'memory ratio':>13}")
    for name in seconds:
        ratios = [mine / base for mine, base in zip(seconds[name], plain, strict=True)]
        memory = statistics.median(peaks[name]) / statistics.median(peaks["plain generate"])
        target = f"{TARGETS[name]:.2f}" if name in TARGETS else ""
        bound = None if "lite" in name else limit[1] if "k=1" in name else limit[4] if "k=4" in name else None
        span = f"{min(ratios):.3f} - {max(ratios):.3f}"
        bound_text = f"{bound:.3f}" if bound else ""
        print(f"{name:32} {statistics.median(ratios):10.3f} {span:>15} {target:>7} {bound_text:>7} {memory:13.3f}")


if __name__ == "__main__":
    raise SystemExit(main())
