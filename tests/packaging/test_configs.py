"""configs/*.yaml: every shipped configuration loads and says what it is meant to say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from vreason.config import PRESETS
from vreason_tracking.settings import load_settings, parse_settings

FOLDER = Path(__file__).parents[2] / "configs"
PAPER = {
    "qwen2.5-vl-3b": "Qwen/Qwen2.5-VL-3B-Instruct",
    "qwen2.5-vl-7b": "Qwen/Qwen2.5-VL-7B-Instruct",
    "qwen2.5-vl-32b": "Qwen/Qwen2.5-VL-32B-Instruct",
    "qwen2.5-vl-72b": "Qwen/Qwen2.5-VL-72B-Instruct",
    "video-r1-7b": "Video-R1/Video-R1-7B",
}
DEMO = ("quickstart", "ablation-objective-demo", "sweep-k-demo")


def test_the_shipped_configurations():
    """The folder holds these configurations and nothing else."""
    assert sorted([*PAPER, *DEMO]) == sorted(file.stem for file in FOLDER.iterdir())


@pytest.mark.parametrize("name", [*PAPER, *DEMO])
def test_configuration_loads_and_round_trips(name):
    """Each is without faults, is named like its file, and its written form loads back to an equal object."""
    run = load_settings(FOLDER / f"{name}.yaml")
    assert name == run.name
    assert run == parse_settings(run.to_yaml())


@pytest.mark.parametrize("name", [*PAPER, *DEMO])
def test_configuration_is_commented(name):
    """Each opens with what it is for and names the command that runs this very file."""
    text = (FOLDER / f"{name}.yaml").read_text(encoding="utf-8")
    assert text.startswith("# ")
    assert f"vreason-track run --config configs/{name}.yaml" in text


@pytest.mark.parametrize("name", DEMO)
def test_demo_configuration_needs_no_download(name):
    """The demo's configurations use the embedded model and benchmark, with the demo model's frames and answer length."""
    run = load_settings(FOLDER / f"{name}.yaml")
    assert ("demo", "demo", "short") == (run.model.id, run.data.source, run.prompt.template)
    assert (48, 8, 96, 1) == (run.data.limit, run.video.nframes, run.generation.max_new_tokens, run.batch_size)


def test_quickstart_compares_the_paper_s_three_variants():
    """The quick start runs each preset under its own name, with the learning rate that the demo's short replies need."""
    variants = {variant.name: variant.method for variant in load_settings(FOLDER / "quickstart.yaml").variants}
    assert {0.03} == {method.controller.lr for method in variants.values() if method.controller}
    steered = {name: method for name, method in variants.items() if method.controller}
    assert PRESETS == variants | {name: replace(method, controller=replace(method.controller, lr=3e-4)) for name, method in steered.items()}


def test_ablation_covers_every_objective():
    """The ablation has the baseline and one variant per objective, alike in everything else."""
    variants = {variant.name: variant.method for variant in load_settings(FOLDER / "ablation-objective-demo.yaml").variants}
    assert PRESETS["baseline"] == variants.pop("baseline")
    assert {name: name for name in ("switch", "min", "max", "random", "none")} == {n: m.controller.objective for n, m in variants.items()}
    assert 1 == len({(m.controller.k, m.controller.lr, m.controller.beta, m.pruning) for m in variants.values()})


def test_sweep_varies_k_alone():
    """The sweep has the baseline and k = 2, 4, 8, 16; its k = 4 is the paper's method at the demo's learning rate."""
    variants = {variant.name: variant.method for variant in load_settings(FOLDER / "sweep-k-demo.yaml").variants}
    assert ["baseline", "v-reason k=2", "v-reason k=4", "v-reason k=8", "v-reason k=16"] == list(variants)
    assert PRESETS["baseline"] == variants["baseline"]
    method = variants["v-reason k=4"]
    assert PRESETS["v-reason"] == replace(method, controller=replace(method.controller, lr=3e-4))
    assert 16 == variants["v-reason k=16"].controller.k


@pytest.mark.parametrize(("name", "model"), PAPER.items())
def test_paper_configuration_is_the_evaluation_protocol(name, model):
    """The paper's set-up: bfloat16 on a GPU, 16 frames of at most 256*28*28 pixels, near-greedy sampling, 1,024 tokens, strict scoring."""
    run = load_settings(FOLDER / f"{name}.yaml")
    assert (model, "bfloat16", "cuda", "sdpa") == (run.model.id, run.model.dtype, run.model.device, run.model.attention)
    assert (16, 256 * 28 * 28) == (run.video.nframes, run.video.max_pixels)
    sampling = {"max_new_tokens": 1024, "do_sample": True, "temperature": 0.1, "top_p": 0.001, "repetition_penalty": 1.0}
    assert sampling == run.generation.model_dump(exclude_none=True)
    assert (str(FOLDER.parent / "data" / "mmvu.jsonl"), None, "video-r1", "reasoning") == (
        run.data.source,
        run.data.limit,
        run.data.scoring,
        run.prompt.template,
    )
    assert PRESETS == {variant.name: variant.method for variant in run.variants}
