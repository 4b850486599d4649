"""What control costs on a GPU at the true 3B and 7B shapes: time per token and peak memory against plain `generate`, interleaved.

    python perf/gpu_overhead.py [--shapes 3B 7B] [--video-tokens 4096 16384] [--batch 1 8] [--rounds 5] [--tokens 64]

Random weights in bfloat16, the language model and the head of Qwen2.5-VL at its own size behind a small vision tower (the prefill is not
what is timed). Peak memory is torch.cuda's and, beside it, NVML's for this process. Ends with exit code 3 where there is no CUDA device.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import sys
from typing import Any

import torch
from control_overhead import TokenTimes

from vreason import VReasonConfig, decode
from vreason.config import ControllerConfig, PruningConfig
from vreason.models import torchvision_shim  # noqa: F401  (before transformers)
from vreason_tracking.telemetry import MemorySampler

SHAPES: dict[str, dict[str, Any]] = {
    "3B": {"hidden_size": 2048, "intermediate_size": 11008, "num_hidden_layers": 36, "num_attention_heads": 16, "num_key_value_heads": 2},
    "7B": {"hidden_size": 3584, "intermediate_size": 18944, "num_hidden_layers": 28, "num_attention_heads": 28, "num_key_value_heads": 4},
}
VOCABULARY = {"3B": 151_936, "7B": 152_064}
WAYS: dict[str, VReasonConfig | None] = {
    "plain generate": None,
    "baseline": VReasonConfig.preset("baseline"),
    "v-reason k=4": VReasonConfig(),
    "v-reason k=1": VReasonConfig(ControllerConfig(k=1)),
    "lite k=4": VReasonConfig(pruning=PruningConfig()),
}


def build_model(shape: str) -> Any:
    """Random weights on the GPU, bfloat16."""
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

    tied = shape == "3B"
    text = {
        **SHAPES[shape],
        "vocab_size": VOCABULARY[shape],
        "rope_parameters": {"rope_type": "default", "mrope_section": [16, 24, 24], "rope_theta": 1e6},
        "max_position_embeddings": 128_000,
        "tie_word_embeddings": tied,
    }
    width = text["hidden_size"]
    vision = {"depth": 1, "hidden_size": 320, "num_heads": 4, "intermediate_size": 640, "out_hidden_size": width}
    vision["fullatt_block_indexes"] = [0]
    config = Qwen2_5_VLConfig(text_config=text, vision_config=vision, tie_word_embeddings=tied)
    torch.manual_seed(0)
    torch.set_default_dtype(torch.bfloat16)
    try:
        with torch.device("cuda"):
            return Qwen2_5_VLForConditionalGeneration(config).eval()
    finally:
        torch.set_default_dtype(torch.float32)


def build_inputs(model: Any, video_tokens: int, batch: int) -> dict[str, torch.Tensor]:
    """`batch` prompts with one video of `video_tokens` tokens each: 256 tokens a temporal patch."""
    grid = torch.tensor([[video_tokens // 256, 32, 32]] * batch)
    words = torch.randint(1000, 100_000, (batch, 64))
    video = torch.full((batch, video_tokens), model.config.video_token_id)
    ids = torch.cat([words[:, :8], video, words[:, 8:]], dim=1)
    inputs = {
        "input_ids": ids,
        "attention_mask": torch.ones_like(ids),
        "mm_token_type_ids": (ids == model.config.video_token_id).int() * 2,
        "pixel_values_videos": torch.randn(int(grid.prod(dim=1).sum()), 1176, dtype=torch.bfloat16),
        "video_grid_thw": grid,
    }
    return {name: value.to("cuda") for name, value in inputs.items()}


def run_once(
    model: Any, inputs: dict[str, torch.Tensor], method: VReasonConfig | None, tokens: int, meter: MemorySampler
) -> tuple[float, ...]:
    """Seconds a token, torch's peak of allocated bytes, NVML's greatest sample in bytes."""
    gc.collect()
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    meter.reset_peak()
    times = TokenTimes()
    steered = {} if method is None else {"custom_generate": decode, "vreason": method}
    model.generate(**inputs, **steered, do_sample=False, max_new_tokens=tokens, min_new_tokens=tokens, streamer=times, pad_token_id=0)
    torch.cuda.synchronize()
    sample = meter.peak()
    return times.per_token(), torch.cuda.max_memory_allocated(), sample[0] if sample else 0


def measure(shape: str, model: Any, video_tokens: int, batch: int, rounds: int, tokens: int, meter: MemorySampler) -> None:
    """One setting: every way in turn, `rounds` times, and a line for each."""
    inputs = build_inputs(model, video_tokens, batch)
    found: dict[str, list[tuple[float, ...]]] = {name: [] for name in WAYS}
    for method in WAYS.values():
        run_once(model, inputs, method, 9, meter)
    for number in range(rounds):
        names = list(WAYS)
        for name in names[number % len(names) :] + names[: number % len(names)]:
            found[name].append(run_once(model, inputs, WAYS[name], tokens, meter))
    plain = found["plain generate"]
    milliseconds = statistics.median(row[0] for row in plain) * 1000
    print(f"\n{shape}, {video_tokens} video tokens, batch {batch}: plain {milliseconds:.2f} ms a token")
    for name, rows in found.items():
        ratios = [mine[0] / base[0] for mine, base in zip(rows, plain, strict=True)]
        least = min(row[0] for row in rows) / min(row[0] for row in plain)
        memory = [max(row[place] for row in rows) / max(row[place] for row in plain) for place in (1, 2) if plain[0][place]]
        extra = "  ".join(f"{value:.3f}" for value in memory)
        peak = max(row[1] for row in rows) / 2**30
        time = f"{statistics.median(ratios):.3f} ({min(ratios):.3f} - {max(ratios):.3f}), of the least {least:.3f}"
        print(f"  {name:16} time {time}   memory (torch, NVML) {extra}   peak {peak:.2f} GiB", flush=True)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shapes", nargs="+", choices=list(SHAPES), default=list(SHAPES))
    parser.add_argument("--video-tokens", nargs="+", type=int, default=[4096, 16_384])
    parser.add_argument("--batch", nargs="+", type=int, default=[1, 8])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tokens", type=int, default=64)
    options = parser.parse_args()
    if not torch.cuda.is_available():
        print("this torch sees no CUDA device; perf/control_overhead.py measures on the CPU", file=sys.stderr)
        return 3
    print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}")
    with MemorySampler() as meter:
        for shape in options.shapes:
            model = build_model(shape)
            for video_tokens in options.video_tokens:
                for batch in options.batch:
                    try:
                        measure(shape, model, video_tokens, batch, options.rounds, options.tokens, meter)
                    except torch.OutOfMemoryError:
                        print(f"\n{shape}, {video_tokens} video tokens, batch {batch}: does not fit this GPU")
            del model
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
