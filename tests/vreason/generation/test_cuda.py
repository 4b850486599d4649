"""The method on a GPU: the same tokens as on the CPU in float32, and figures of reduced precision that are finite and near those."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch

import vreason
from tests.helpers.tiny_models import FAMILIES, Turn, prompt, shared_model, special_ids
from vreason import ControllerConfig, PruningConfig, StepRecord, VReasonConfig
from vreason_tracking.telemetry import MemorySampler

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")

WAYS = {
    "baseline": VReasonConfig.preset("baseline"),
    "full": VReasonConfig(ControllerConfig(lr=0.03)),
    "lite": VReasonConfig(ControllerConfig(lr=0.03), pruning=PruningConfig()),
    "token by token": VReasonConfig(ControllerConfig(k=1, lr=0.03)),
}


class Steps(list[StepRecord]):
    """Collects every step record."""

    on_steps = list.extend


def run(model: Any, inputs: dict[str, torch.Tensor], config: VReasonConfig, tokens: int = 24) -> tuple[torch.Tensor, Steps]:
    """Greedy tokens and their steps."""
    steps = Steps()
    placed = {name: value.to(model.device) for name, value in inputs.items()}
    found = model.generate(
        **placed,
        custom_generate=vreason.decode,
        vreason=config,
        observers=[steps],
        do_sample=False,
        max_new_tokens=tokens,
        suppress_tokens=special_ids(),
    )
    return found.cpu(), steps


@pytest.fixture(autouse=True)
def exact() -> Any:
    """Products of float32 in float32: TF32 has ten bits."""
    before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    yield
    torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = before


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("family", FAMILIES)
def test_as_on_the_cpu(family: str, way: str) -> None:
    """In float32 the GPU draws the CPU's tokens, row for row, and records the CPU's entropies and norms."""
    model = shared_model(family)
    inputs = prompt(family, Turn(), Turn((6,), text="Where?"))
    expected, steps = run(model, inputs, WAYS[way])
    drawn, mine = run(copy.deepcopy(model).to("cuda"), inputs, WAYS[way])
    assert expected.tolist() == drawn.tolist()
    assert [(step.sample_id, step.token_id) for step in steps] == [(step.sample_id, step.token_id) for step in mine]
    assert [step.entropy for step in steps] == pytest.approx([step.entropy for step in mine], abs=1e-4)
    norms = [[step.delta_v_norm for step in each if step.delta_v_norm is not None] for each in (steps, mine)]
    assert norms[0] == pytest.approx(norms[1], rel=1e-3, abs=1e-6)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("way", WAYS)
def test_reduced_precision(way: str, dtype: torch.dtype) -> None:
    """In half precision every figure is finite, and the first entropy is that of float32 up to the rounding of its weights."""
    inputs = prompt("qwen2_5_vl")
    _, exact_steps = run(shared_model(), inputs, WAYS[way])
    model = copy.deepcopy(shared_model()).to("cuda", dtype)
    halved = {name: value.to(dtype) if name.startswith("pixel_values") else value for name, value in inputs.items()}
    drawn, steps = run(model, halved, WAYS[way])
    assert 24 == drawn.shape[1] - inputs["input_ids"].shape[1]
    figures = [value for step in steps for value in (step.entropy, step.ema, step.delta_v_norm) if value is not None]
    assert torch.tensor(figures).isfinite().all()
    assert exact_steps[0].entropy == pytest.approx(steps[0].entropy, abs=0.1)


def test_memory_by_nvml() -> None:
    """What NVML says of this process is what torch holds, and the driver's own share above it."""
    held = torch.empty(2**30, dtype=torch.uint8, device="cuda")
    torch.cuda.synchronize()
    with MemorySampler() as sampler:
        found = sampler.peak()
    assert found is not None
    amount, source = found
    assert "nvml" in source, source
    reserved = torch.cuda.memory_reserved()
    assert held.numel() <= reserved <= amount <= reserved + 4 * 2**30
