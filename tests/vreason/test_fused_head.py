"""The fused pass over the head against autograd, and that it changes nothing but time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import vreason
from tests.doubles.tiny_models import Turn, prompt, shared_model
from vreason import fused_head, steering
from vreason.events import StepRecord
from vreason.fused_head import can_fuse, entropy_pass, fused

F64 = torch.float64


def reference(hidden: torch.Tensor, weight: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Logits, entropy and its gradient by autograd."""
    leaf = hidden.clone().requires_grad_()
    logits = leaf @ weight.T
    logs = torch.log_softmax(logits, dim=-1)
    entropy = -(logs.exp() * logs).sum(dim=-1)
    (gradient,) = torch.autograd.grad(entropy.sum(), leaf)
    return logits.detach(), entropy.detach(), gradient


def drawn(rows: int, width: int, vocabulary: int, scale: float, seed: int, dtype: torch.dtype = F64) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    hidden = torch.randn(rows, width, generator=generator, dtype=F64) * scale
    return hidden.to(dtype), torch.randn(vocabulary, width, generator=generator, dtype=F64).to(dtype)


@settings(max_examples=60, deadline=None)
@given(
    rows=st.integers(1, 4),
    width=st.integers(1, 24),
    vocabulary=st.integers(1, 1200),
    scale=st.sampled_from([0.0, 1e-3, 0.3, 1.0, 5.0, 100.0]),
    seed=st.integers(0, 2**20),
    block=st.sampled_from([1, 4 * 2**20]),
)
def test_equals_autograd(rows: int, width: int, vocabulary: int, scale: float, seed: int, block: int) -> None:
    """Logits, entropy and gradient in float64, over any shape, in one block (4 MiB) or in several (of 256 rows)."""
    hidden, weight = drawn(rows, width, vocabulary, scale, seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fused_head, "BLOCK_BYTES", block)
        done = entropy_pass(hidden, weight)
    for name, expected, actual in zip(("logits", "entropy", "gradient"), reference(hidden, weight), done, strict=True):
        torch.testing.assert_close(actual, expected, rtol=1e-9, atol=1e-10, msg=f"{name}: {actual} is not {expected}")


def test_the_maximum_may_come_in_any_block(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows whose greatest logit lies in the first, a middle and the last block, far above the rest."""
    monkeypatch.setattr(fused_head, "BLOCK_BYTES", 1)
    hidden, weight = torch.eye(3, 8, dtype=F64), torch.randn(1000, 8, dtype=F64, generator=torch.Generator().manual_seed(0))
    for row, token in enumerate((5, 500, 999)):
        weight[token, row] = 30.0
    _, entropy, gradient = entropy_pass(hidden, weight)
    _, expected, expected_gradient = reference(hidden, weight)
    torch.testing.assert_close(entropy, expected, rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(gradient, expected_gradient, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("scale", [0.1, 1.0, 30.0, 1e4])
def test_float32_is_as_good_as_autograd(scale: float) -> None:
    """In float32 the pass is no further from the float64 truth than a few roundings, and never NaN."""
    hidden, weight = drawn(3, 64, 2000, scale / 8, 3, torch.float32)
    logits, entropy, gradient = entropy_pass(hidden, weight)
    expected = reference(hidden.double(), weight.double())
    slack = 1e-5 * max(1.0, float(expected[0].abs().max()))
    for actual, exact in zip((logits, entropy, gradient), expected, strict=True):
        torch.testing.assert_close(actual.double(), exact, rtol=1e-4, atol=slack)


def test_flat_distribution() -> None:
    """All logits equal: the entropy is log(vocabulary) and nothing pulls at the hidden state."""
    _, entropy, gradient = entropy_pass(torch.zeros(2, 4, dtype=F64), torch.randn(300, 4, dtype=F64))
    torch.testing.assert_close(entropy, torch.full((2,), 300.0, dtype=F64).log())
    torch.testing.assert_close(gradient, torch.zeros(2, 4, dtype=F64))


def head(dtype: torch.dtype = F64, bias: bool = False) -> torch.nn.Linear:
    torch.manual_seed(0)
    return torch.nn.Linear(8, 40, bias=bias, dtype=dtype)


def test_inside_the_head_answers_and_fills_the_pass() -> None:
    """The call returns the last position's logits, shape (B, 1, vocabulary); `hidden` keeps its graph."""
    layer, states = head(), torch.randn(2, 3, 8, dtype=F64, requires_grad=True)
    with fused(layer) as done:
        logits = layer(states)
    expected, entropy, gradient = reference(states[:, -1].detach(), layer.weight.detach())
    torch.testing.assert_close(logits, expected[:, None])
    torch.testing.assert_close(done.entropy, entropy)
    torch.testing.assert_close(done.gradient, gradient)
    (back,) = torch.autograd.grad(done.hidden.sum(), states)
    assert [0.0, 0.0, 1.0] == back[0, :, 0].tolist()


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("fault", [None, ValueError, KeyboardInterrupt])
def test_the_head_is_put_back(own: bool, fault: type[BaseException] | None) -> None:
    """Afterwards, also after an exception, the head is as it was: its class's forward, or the one that its owner had put there."""
    layer = head()
    if own:
        layer.forward = lambda input: input * 2  # type: ignore[method-assign]
    before = dict(vars(layer))

    def use() -> None:
        with fused(layer):
            layer(torch.ones(1, 1, 8, dtype=F64))
            if fault is not None:
                raise fault

    if fault is None:
        use()
    else:
        with pytest.raises(fault):
            use()
    assert before == dict(vars(layer))


def test_what_can_be_fused() -> None:
    """A plain linear head on the CPU in float32 or float64 without a bias; nothing else."""

    class Other(torch.nn.Linear):
        pass

    assert [True, True] == [can_fuse(head(dtype)) for dtype in (torch.float32, F64)]
    refused = {
        "bias": head(bias=True),
        "bfloat16": head(torch.bfloat16),
        "float16": head(torch.float16),
        "meta": head().to("meta"),
        "subclass": Other(8, 40, bias=False),
        "wrapped": torch.nn.Sequential(head()),
        "parametrized": torch.nn.utils.parametrizations.orthogonal(head()),
    }
    assert [] == [name for name, layer in refused.items() if can_fuse(layer)]


class Steps:
    def __init__(self) -> None:
        self.records: list[StepRecord] = []

    def on_steps(self, steps: Sequence[StepRecord]) -> None:
        self.records += steps


@pytest.mark.parametrize("objective", ["switch", "max"])
def test_decoding_is_the_same_without_it(objective: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Same tokens, same signals at every step, for a padded batch of two, with the fused pass and with autograd."""
    model, inputs = shared_model(dtype=F64), prompt("qwen2_5_vl", Turn(), Turn(text="Which?"), dtype=F64)
    config = vreason.VReasonConfig(controller=vreason.ControllerConfig(objective=objective, k=2, lr=0.05))
    runs: list[list[StepRecord]] = []
    passes: list[bool] = []

    def counted(layer: Any) -> Any:
        passes.append(True)
        return fused(layer)

    for allowed in (True, False):
        with monkeypatch.context() as patch:
            patch.setattr(steering, "fused", counted)
            if not allowed:
                patch.setattr(steering, "can_fuse", lambda layer: False)
            steps = Steps()
            model.generate(**inputs, max_new_tokens=9, do_sample=False, custom_generate=vreason.decode, vreason=config, observers=[steps])
            runs.append(steps.records)
    assert 4 == len(passes)  # the updates at tokens 2, 4, 6 and 8 of the first run, none in the second
    assert 18 == len(runs[0]) == len(runs[1])
    for ours, plain in zip(*runs, strict=True):
        assert plain.token_id == ours.token_id
        assert plain.alpha == ours.alpha
        for name in ("entropy", "ema", "peak", "loss", "delta_v_norm", "grad_norm", "value_cosine"):
            expected, actual = getattr(plain, name), getattr(ours, name)
            assert expected == (None if actual is None else pytest.approx(actual, rel=1e-7, abs=1e-9)), name
