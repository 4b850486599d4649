"""The controller by itself against torch's AdamW and the paper's formula, and each row of a batch against that sample alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from hypothesis import given, settings, strategies as st

import vreason
from tests.helpers.tiny_models import FAMILIES, Turn, prompt, shared_model, special_ids
from vreason import ControllerConfig, PruningConfig, StepRecord, VReasonConfig
from vreason.method.controller import ValueController

F64 = torch.float64
SIZES = [5, 0, 3]
AXES = {"head": (-1,), "token": (-2, -1), "tensor": (-3, -2, -1)}


def values(seed: int = 0, sizes: Sequence[int] = SIZES, dtype: torch.dtype = F64) -> torch.Tensor:
    return torch.randn(sum(sizes), 2, 4, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def unit(at: torch.Tensor, delta: torch.Tensor, norm: str) -> torch.Tensor:
    axes = AXES[norm]
    return (at + delta) / (at + delta).square().sum(axes, keepdim=True).sqrt() * at.square().sum(axes, keepdim=True).sqrt()


def moved(config: ControllerConfig, steps: int = 3, dtype: torch.dtype = F64) -> tuple[ValueController, list[torch.Tensor]]:
    """A controller after some steps along given gradients."""
    controller = ValueController(values(dtype=dtype), SIZES, config)
    gradients = [values(seed=9 + step).to(controller.values.dtype) * 0.7**step for step in range(steps)]
    for gradient in gradients:
        controller.step(gradient.clone(), torch.ones(len(SIZES), dtype=torch.bool))
    return controller, gradients


@pytest.mark.parametrize("norm", AXES)
def test_steered_is_the_papers_formula_row_by_row(norm: Any) -> None:
    """V_new = (V_L + dV) / ||V_L + dV|| * ||V_L|| within each row, so that the norm named in the config stays."""
    controller, _ = moved(ControllerConfig(lr=0.1, norm=norm))
    rows = zip(torch.split(controller.values, SIZES), torch.split(controller.delta, SIZES), strict=True)
    expected = torch.cat([unit(at, delta, norm) for at, delta in rows])
    torch.testing.assert_close(controller.steered(), expected, rtol=1e-13, atol=1e-15)
    for old, new in zip(torch.split(values(), SIZES), torch.split(controller.steered(), SIZES), strict=True):
        torch.testing.assert_close(new.square().sum(AXES[norm]), old.square().sum(AXES[norm]), rtol=1e-12, atol=0)


@pytest.mark.parametrize("norm", AXES)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32, F64], ids=str)
def test_before_the_first_step_v_new_is_v_l_bit_for_bit(norm: Any, dtype: torch.dtype) -> None:
    """dV starts at zero, and zero changes no bit of V_L; the state is float32, or float64 for a float64 model."""
    at = values(dtype=F64).to(dtype)
    controller = ValueController(at, SIZES, ControllerConfig(norm=norm))
    assert not controller.delta.any()
    assert torch.equal(at, controller.steered().to(dtype))
    assert {F64 if dtype == F64 else torch.float32} == {controller.values.dtype, controller.delta.dtype}


@pytest.mark.parametrize("clip", [0.0, 0.5, 1.0, 100.0])
@pytest.mark.parametrize("weight_decay", [0.0, 0.01, 3.0])
def test_steps_equal_torchs_adamw_behind_each_rows_clip(clip: float, weight_decay: float) -> None:
    """Each row: gradient scaled to the clip where it is longer, then torch's AdamW with betas 0.9 / 0.999 and eps 1e-8."""
    controller, gradients = moved(ControllerConfig(lr=0.05, clip=clip, weight_decay=weight_decay), steps=5)
    for row, delta in enumerate(torch.split(controller.delta, SIZES)):
        mine = torch.zeros_like(delta, requires_grad=True)
        adamw = torch.optim.AdamW([mine], lr=0.05, betas=(0.9, 0.999), eps=1e-8, weight_decay=weight_decay)
        for gradient in gradients:
            part = torch.split(gradient, SIZES)[row]
            length = part.square().sum().sqrt()
            mine.grad = part * (clip / length) if clip and length > clip else part.clone()
            adamw.step()
        torch.testing.assert_close(delta, mine, rtol=1e-11, atol=1e-15)


def test_step_returns_each_rows_norm_before_the_clip() -> None:
    """The norms reported are those of the whole gradient, row by row; a row without video tokens has 0."""
    gradient = values(seed=4) * 10
    norms = ValueController(values(), SIZES, ControllerConfig(clip=0.1)).step(gradient.clone(), torch.ones(3, dtype=torch.bool))
    torch.testing.assert_close(norms, torch.stack([part.square().sum().sqrt() for part in torch.split(gradient, SIZES)]))


def test_an_inactive_row_keeps_its_delta_bit_for_bit() -> None:
    """A finished row is frozen, weight decay included, while its neighbour moves on."""
    controller, _ = moved(ControllerConfig(lr=0.1, weight_decay=1.0))
    before = controller.delta.detach().clone()
    controller.step(values(seed=30), torch.tensor([False, False, True]))
    assert torch.equal(before[:5], controller.delta[:5])
    assert not torch.equal(before[5:], controller.delta[5:])


def test_an_inactive_row_is_frozen_against_nan_too() -> None:
    """A finished row goes on being decoded: should its gradient overflow there, its dV, and so its V_new, still stay as they were."""
    controller, _ = moved(ControllerConfig(lr=0.1))
    before = controller.delta.detach().clone()
    gradient = values(seed=30)
    gradient[:5] = torch.nan
    controller.step(gradient, torch.tensor([False, False, True]))
    assert torch.equal(before[:5], controller.delta[:5])


def test_a_zero_value_vector_stays_zero_and_gives_a_finite_gradient() -> None:
    """||V_L|| = 0 at a token: V_new is zero there too, and no NaN reaches the step."""
    at = values()
    at[2] = 0.0
    controller = ValueController(at, SIZES, ControllerConfig())
    steered = controller.steered()
    (gradient,) = torch.autograd.grad(steered.sin().sum(), controller.delta)
    assert not steered[2].any()
    assert bool(gradient.isfinite().all())


def test_cosine_is_the_mean_over_a_rows_vectors() -> None:
    """Mean over tokens and heads of V_new . V_L / (||V_new|| ||V_L||), written out; 1 for a row without video tokens."""
    controller, _ = moved(ControllerConfig(lr=0.3))
    new = controller.steered().detach()
    rows = zip(torch.split(new, SIZES), torch.split(controller.values, SIZES), strict=True)
    expected = [((a * b).sum(-1) / a.square().sum(-1).sqrt() / b.square().sum(-1).sqrt()).mean().item() if len(a) else 1.0 for a, b in rows]
    assert pytest.approx(expected, rel=1e-12) == controller.cosine(new).tolist()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**30), st.sampled_from(sorted(AXES)), st.floats(1e-5, 2.0), st.integers(1, 6))
def test_norms_hold_in_float32_after_any_steps(seed: int, norm: Any, lr: float, steps: int) -> None:
    """In float32, ||V_new|| stays ||V_L|| within 1e-5 of it whatever the gradients, learning rate and number of steps."""
    at = values(seed, dtype=torch.float32)
    controller = ValueController(at, SIZES, ControllerConfig(lr=lr, norm=norm))
    for step in range(steps):
        controller.step(values(seed + 1 + step, dtype=torch.float32), torch.ones(3, dtype=torch.bool))
    for new, old in zip(torch.split(controller.steered(), SIZES), torch.split(at, SIZES), strict=True):
        torch.testing.assert_close(new.double().square().sum(AXES[norm]), old.double().square().sum(AXES[norm]), rtol=1e-5, atol=0)


class Steps:
    """Collects the records of each sample."""

    def __init__(self) -> None:
        self.by_sample: dict[str, list[StepRecord]] = {}

    def on_steps(self, steps: Sequence[StepRecord]) -> None:
        for step in steps:
            self.by_sample.setdefault(step.sample_id, []).append(step)


TURNS = {"long": Turn((8, 2)), "short": Turn((2,), text="Up?"), "text": Turn((), text="Left or right?"), "image": Turn((4,), images=1)}


def run(family: str, names: Sequence[str], config: VReasonConfig, **kwargs: Any) -> tuple[Any, dict[str, list[StepRecord]]]:
    """Greedy, float64: a row alone and in company then differ by rounding alone."""
    model, steps = shared_model(family, dtype=F64), Steps()
    inputs = prompt(family, *(TURNS[name] for name in names), dtype=F64)
    method = {"custom_generate": vreason.decode, "vreason": config, "observers": [steps], "sample_ids": names}
    asked = {"do_sample": False, "max_new_tokens": 12, "suppress_tokens": special_ids(), "repetition_penalty": 1.3} | kwargs
    return model.generate(**inputs, **method, **asked, return_dict_in_generate=True), steps.by_sample


def same(expected: list[StepRecord], found: list[StepRecord]) -> None:
    exact = ("token_index", "token_id", "alpha", "updated")
    floats = ("entropy", "ema", "peak", "loss", "delta_v_norm", "grad_norm", "value_cosine")
    for a, b in zip(expected, found, strict=True):
        assert [getattr(a, name) for name in exact] == [getattr(b, name) for name in exact]
        near = {name: None if (value := getattr(a, name)) is None else pytest.approx(value, rel=1e-5, abs=1e-9) for name in floats}
        assert near == {name: getattr(b, name) for name in floats}


EAGER: dict[str, Any] = {"k": 3, "lr": 0.05, "beta": 0.6}
METHODS = {
    "full": VReasonConfig(ControllerConfig(**EAGER)),
    "token norm": VReasonConfig(ControllerConfig(**EAGER, norm="token", clip=0.01)),
    "tensor norm": VReasonConfig(ControllerConfig(**EAGER, norm="tensor", clip=0.01)),
    "random": VReasonConfig(ControllerConfig(**EAGER, objective="random")),
    "lite": VReasonConfig(ControllerConfig(**EAGER), PruningConfig()),
    "lite shared": VReasonConfig(ControllerConfig(**EAGER), PruningConfig(scope="shared", norm_of="key")),
    "lite random": VReasonConfig(ControllerConfig(**EAGER), PruningConfig(drop="random")),
}


@pytest.mark.parametrize("method", METHODS)
def test_a_row_of_a_batch_equals_the_sample_alone(method: str) -> None:
    """Videos of different lengths side by side, left-padded: every row's tokens and records are those of the sample alone."""
    names = ["long", "short", "image"]
    _, together = run("qwen2_5_vl", names, METHODS[method])
    for name in names:
        same(run("qwen2_5_vl", [name], METHODS[method])[1][name], together[name])


@pytest.mark.parametrize("method", ["full", "lite"])
@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_keeps_rows_apart(family: str, method: str) -> None:
    """In each family, the short row of a batch equals that sample alone."""
    _, together = run(family, ["long", "short"], METHODS[method])
    same(run(family, ["short"], METHODS[method])[1]["short"], together["short"])


def test_a_row_without_video_equals_the_sample_alone() -> None:
    """Beside a row with a video, a text's records are those of the text alone: no update, empty controller fields."""
    alone = run("qwen2_5_vl", ["text"], METHODS["full"])[1]["text"]
    assert {(False, None, None)} == {(step.updated, step.loss, step.delta_v_norm) for step in alone}
    same(alone, run("qwen2_5_vl", ["text", "short"], METHODS["full"])[1]["text"])


@pytest.mark.parametrize("method", ["full", "lite"])
def test_a_finished_row_is_frozen(method: str) -> None:
    """A row that ends early leaves no more records, and its V_new in the cache stays what it was at its end."""
    first = run("qwen2_5_vl", ["long"], METHODS[method])[1]["long"]
    ending = {"eos_token_id": first[4].token_id, "pad_token_id": 0}
    alone, records = run("qwen2_5_vl", ["long"], METHODS[method], **ending)
    together, both = run("qwen2_5_vl", ["long", "short"], METHODS[method], **ending)
    assert len(first[:5]) == len(records["long"]) < len(both["short"])
    same(records["long"], both["long"])
    same(run("qwen2_5_vl", ["short"], METHODS[method], **ending)[1]["short"], both["short"])
    kept, whole = (result.past_key_values.layers[-1].values[:1] for result in (alone, together))
    width = kept.shape[2] - 4  # the prompt: four of five tokens have been fed back
    torch.testing.assert_close(whole[:, :, :width], kept[:, :, :width], rtol=1e-9, atol=1e-12)
