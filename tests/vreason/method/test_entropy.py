"""Entropy, its moving average and its peak against formulas written out in Python's own floats."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings, strategies as st

from vreason.method.entropy import EntropyTracker, token_entropy

LOGITS = st.lists(st.floats(-60, 60, width=32), min_size=2, max_size=40)
ENTROPIES = st.lists(st.floats(0, 12, width=32), min_size=1, max_size=60)


def naive(logits: list[float]) -> float:
    """-sum p log p, with p = exp(z - max) / sum."""
    highest = max(logits)
    weights = [math.exp(z - highest) for z in logits]
    total = math.fsum(weights)
    return -math.fsum(weight / total * math.log(weight / total) for weight in weights if weight / total > 0)


@settings(max_examples=60, deadline=None)
@given(LOGITS)
def test_entropy_is_minus_the_sum_of_p_log_p(logits: list[float]) -> None:
    """In nats over the whole vocabulary, from float64 logits to 1e-10, from float32 logits to 1e-5."""
    assert pytest.approx(naive(logits), rel=1e-10, abs=1e-12) == token_entropy(torch.tensor([logits], dtype=torch.float64)).item()
    assert pytest.approx(naive(logits), rel=1e-5, abs=1e-5) == token_entropy(torch.tensor([logits])).item()


@settings(max_examples=60, deadline=None)
@given(LOGITS, st.floats(-30, 30))
def test_entropy_lies_between_zero_and_log_vocab_and_ignores_shifts(logits: list[float], shift: float) -> None:
    """0 <= H <= log vocab; adding a constant to all logits changes nothing; their order does not count."""
    entropy = token_entropy(torch.tensor([logits], dtype=torch.float64)).item()
    assert -1e-12 <= entropy <= math.log(len(logits)) + 1e-12
    moved = torch.tensor([logits[::-1]], dtype=torch.float64) + shift
    assert pytest.approx(entropy, rel=1e-9, abs=1e-9) == token_entropy(moved).item()


@pytest.mark.parametrize("vocab", [2, 1000, 151_936])
def test_even_logits_give_log_vocab_and_certain_ones_zero(vocab: int) -> None:
    """The two ends of the scale, up to a vocabulary of Qwen's size."""
    even, certain = torch.zeros(1, vocab), torch.zeros(1, vocab)
    certain[0, vocab // 2] = 500.0
    assert pytest.approx(math.log(vocab), rel=1e-5) == token_entropy(even).item()
    assert token_entropy(certain).abs().item() < 1e-30


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64], ids=str)
def test_half_precision_logits_are_summed_in_float32(dtype: torch.dtype) -> None:
    """The result is float32 (float64 of float64) and equals the entropy of the same numbers in float64."""
    logits = (torch.randn(3, 5000, generator=torch.Generator().manual_seed(0)) * 3).to(dtype)
    entropy = token_entropy(logits)
    assert (torch.float64 if dtype == torch.float64 else torch.float32) == entropy.dtype
    assert pytest.approx([naive(row) for row in logits.double().tolist()], rel=2e-6) == entropy.tolist()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32, torch.float64], ids=str)
def test_gradient_equals_autograd_through_the_definition(dtype: torch.dtype) -> None:
    """dH/dz of each row, weighted, equals autograd's through softmax and log in float64, in the logits' type."""
    logits = (torch.randn(3, 50, generator=torch.Generator().manual_seed(1)) * 2).to(dtype)
    weight = torch.tensor([1.0, -2.0, 0.5])
    plain = logits.double().requires_grad_()
    p = torch.softmax(plain, dim=-1)
    (expected,) = torch.autograd.grad((-(p * p.log()).sum(-1) * weight).sum(), plain)
    ours = logits.clone().requires_grad_()
    (gradient,) = torch.autograd.grad((token_entropy(ours) * weight).sum(), ours)
    assert dtype == gradient.dtype
    tolerance = {torch.bfloat16: 1e-2, torch.float32: 1e-5, torch.float64: 1e-12}[dtype]
    torch.testing.assert_close(gradient.double(), expected, rtol=tolerance, atol=tolerance * 1e-2)
    assert torch.autograd.gradcheck(token_entropy, (plain[:1, :6].detach().requires_grad_(),))


@settings(max_examples=60, deadline=None)
@given(ENTROPIES, st.floats(0, 0.999), st.sampled_from(["zero", "first"]))
def test_average_and_peak_follow_their_recurrence(entropies: list[float], beta: float, init: Any) -> None:
    """ema = beta * ema + (1 - beta) * H from 0 or from H_0, at every token; peak is its running maximum, this token included."""
    tracker, ema, peak = EntropyTracker(beta, init), entropies[0] if init == "first" else 0.0, -math.inf
    for entropy in entropies:
        ema = beta * ema + (1 - beta) * entropy
        peak = max(peak, ema)
        found = tracker.update(torch.tensor([entropy, 2 * entropy], dtype=torch.float64))
        assert pytest.approx([ema, 2 * ema], rel=1e-9, abs=1e-12) == found[0].tolist()
        assert pytest.approx([peak, 2 * peak], rel=1e-9, abs=1e-12) == found[1].tolist()
        assert bool((found[1] >= found[0]).all())


def test_zero_start_has_no_bias_correction() -> None:
    """After 50 tokens of constant entropy the average has reached 1 - 0.98^50 of it, about 0.64, as in the paper's figures."""
    tracker = EntropyTracker(0.98, "zero")
    for _ in range(50):
        ema, peak = tracker.update(torch.tensor([2.0]))
    assert pytest.approx(2.0 * (1 - 0.98**50), rel=1e-5) == ema.item()
    assert peak.item() == ema.item()


def test_rows_are_tracked_apart_and_values_given_out_stay() -> None:
    """A row's average and peak do not depend on its neighbour, and a later token does not rewrite what an earlier one returned."""
    both, alone = EntropyTracker(0.5, "zero"), EntropyTracker(0.5, "zero")
    kept = []
    for left, right in [(4.0, 1.0), (2.0, 9.0), (0.0, 3.0)]:
        together = both.update(torch.tensor([left, right]))
        assert alone.update(torch.tensor([left]))[0].item() == together[0][0].item()
        kept.append(together)
    assert [[2.0, 2.0, 1.0], [0.5, 4.75, 3.875]] == torch.stack([ema for ema, _ in kept], dim=1).tolist()
    assert [[2.0, 2.0, 2.0], [0.5, 4.75, 4.75]] == torch.stack([peak for _, peak in kept], dim=1).tolist()


def test_the_tracker_holds_no_graph() -> None:
    """An entropy with a graph leaves none in the average, so that no token keeps an earlier one's activations alive."""
    tracker = EntropyTracker(0.9, "first")
    ema, peak = tracker.update(token_entropy(torch.zeros(1, 4, requires_grad=True)))
    assert not ema.requires_grad
    assert not peak.requires_grad
