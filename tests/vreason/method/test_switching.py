"""Which way entropy is pushed, when dV is stepped, and that each objective does to a real run what it says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch

import vreason
from tests.helpers.tiny_models import Turn, prompt, shared_model, special_ids
from vreason import ControllerConfig, PruningConfig, StepRecord, VReasonConfig
from vreason.method.switching import switch_alpha, switching_loss

EMA, PEAK = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([1.0, 2.5, 3.0])


def test_alpha_is_plus_one_at_the_peak_and_minus_one_below() -> None:
    """Explore where ema >= peak, exploit elsewhere."""
    assert [1.0, -1.0, 1.0] == switch_alpha(EMA, PEAK).tolist()


def test_the_loss_is_minus_alpha_times_entropy_with_the_figures_gradient() -> None:
    """L = -alpha H row by row; its gradient is that of alpha * KL(p, uniform), the figure's form."""
    logits = torch.randn(3, 9, generator=torch.Generator().manual_seed(0), dtype=torch.float64, requires_grad=True)
    alpha = torch.tensor([1.0, -1.0, 1.0], dtype=torch.float64)
    p = torch.softmax(logits, dim=-1)
    loss = switching_loss(alpha, -(p * p.log()).sum(-1))
    torch.testing.assert_close(loss, alpha * (p * p.log()).sum(-1))
    kl = (alpha[:, None] * p * (p.log() - torch.full_like(p, 1 / 9).log())).sum()
    (ours,) = torch.autograd.grad(loss.sum(), logits, retain_graph=True)
    (figure,) = torch.autograd.grad(kl, logits)
    torch.testing.assert_close(ours, figure)


class Steps:
    """Collects every step record."""

    def __init__(self) -> None:
        self.records: list[StepRecord] = []

    def on_steps(self, steps: Sequence[StepRecord]) -> None:
        self.records += steps


def run(controller: ControllerConfig | None, pruning: PruningConfig | None = None, tokens: int = 18, **options: Any) -> list[StepRecord]:
    steps = Steps()
    torch.manual_seed(5)
    asked = {"do_sample": True, "suppress_tokens": special_ids(), "max_new_tokens": tokens} | options
    method = {"custom_generate": vreason.decode, "vreason": VReasonConfig(controller, pruning), "observers": [steps]}
    shared_model().generate(**prompt("qwen2_5_vl", Turn((6,))), **method, **asked)
    return steps.records


@pytest.mark.parametrize("k", [1, 2, 4, 8, 16])
def test_the_first_update_is_at_t_k_and_then_every_k(k: int) -> None:
    """Updates, losses and gradient norms stand at t = k, 2k, ... only; until t = k, dV is zero and the cosine 1."""
    records = run(ControllerConfig(k=k))
    expected = list(range(k, 18, k))
    assert expected == [step.token_index for step in records if step.updated]
    assert expected == [step.token_index for step in records if step.loss is not None]
    assert expected == [step.token_index for step in records if step.grad_norm is not None]
    assert {(0.0, 1.0)} == {(step.delta_v_norm, step.value_cosine) for step in records[:k]}
    assert all(step.delta_v_norm > 0 for step in records[k:])  # type: ignore[operator]


def test_an_update_serves_from_the_next_token_on() -> None:
    """Up to and with the first update's token, entropies are the baseline's; the token after it is the first to differ."""
    baseline, steered = run(None, tokens=6), run(ControllerConfig(k=4, lr=0.5), tokens=6)
    assert [step.entropy for step in baseline[:4]] == [step.entropy for step in steered[:4]]
    assert pytest.approx(baseline[4].entropy, rel=1e-5) == steered[4].entropy
    assert [step.token_id for step in baseline[:5]] == [step.token_id for step in steered[:5]]
    assert abs(baseline[5].entropy - steered[5].entropy) > 1e-4 * baseline[5].entropy


def test_a_step_pushes_the_entropy_the_way_alpha_says() -> None:
    """On one prompt fed the same tokens, `max` ends with higher entropies than no control, and `min` with lower ones."""
    same: dict[str, Any] = {"lr": 0.02, "k": 1, "weight_decay": 0.0}
    forced: dict[str, Any] = {"do_sample": False, "prefix_allowed_tokens_fn": lambda _, ids: [30 + len(ids) % 7]}
    runs = [ControllerConfig(objective="min", **same), None, ControllerConfig(objective="max", **same)]
    low, middle, high = (sum(step.entropy for step in run(controller, **forced)[6:]) for controller in runs)
    assert low < middle < high


def test_phases_follow_the_average_and_both_occur() -> None:
    """alpha is +1 exactly where the recorded ema is the running maximum so far; the phase says it in words."""
    records = run(ControllerConfig(beta=0.5, k=3), tokens=30)
    best, expected = float("-inf"), []
    for step in records:
        best = max(best, step.ema)
        expected.append((1, "explore") if step.ema >= best else (-1, "exploit"))
    assert expected == [(step.alpha, step.phase) for step in records]
    assert {-1, 1} == {step.alpha for step in records if step.updated}
    assert [-step.alpha * step.entropy for step in records if step.updated] == [step.loss for step in records if step.updated]


@pytest.mark.parametrize("controller", [None, ControllerConfig(objective="none")], ids=["baseline", "none"])
def test_without_control_the_same_rows_come_with_empty_controller_fields(controller: ControllerConfig | None) -> None:
    """Entropy, average, peak and times are there for comparison; loss, norms and cosine are None and nothing is updated."""
    records = run(controller)
    assert list(range(18)) == [step.token_index for step in records]
    assert {(None, None, None, None, False)} == {
        (step.loss, step.delta_v_norm, step.grad_norm, step.value_cosine, step.updated) for step in records
    }
    assert all(0 < step.entropy and 0 < step.ema <= step.peak for step in records)


@pytest.mark.parametrize("objective", ["switch", "random"])
def test_the_same_seed_gives_the_same_records(objective: Any) -> None:
    """Twice the same seed and settings, Lite's random choice included: equal tokens and equal records but for the clock."""

    def told() -> list[tuple[Any, ...]]:
        records = run(ControllerConfig(objective=objective, k=2, lr=0.05), PruningConfig(drop="random"))
        names = ("token_id", "entropy", "ema", "peak", "alpha", "loss", "delta_v_norm", "grad_norm", "value_cosine", "updated")
        return [tuple(getattr(step, name) for name in names) for step in records]

    assert told() == told()
