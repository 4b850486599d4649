"""The whole method against a naive second reading of its definition: every token a full forward pass in float64, without a cache."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import pytest
import torch

import vreason
from tests.helpers.tiny_models import FAMILIES, Turn, build_model, prompt, shared_model, special_ids
from vreason import ControllerConfig, PruningConfig, StepRecord, VReasonConfig
from vreason.method.controller import ValueController

F64 = torch.float64
AXES = {"head": (-1,), "token": (-2, -1), "tensor": (-3, -2, -1)}
Dropped = list[list[int]]
Inputs = dict[str, torch.Tensor]


class Steps(list[StepRecord]):
    """Collects every step record."""

    on_steps = list.extend


def run(model: Any, inputs: Inputs, config: VReasonConfig, tokens: int = 14, **settings: Any) -> tuple[Any, list[StepRecord]]:
    """Sample `tokens` tokens that a prompt may hold; returns generate's output and the records."""
    steps = Steps()
    torch.manual_seed(7)
    settings = {"do_sample": True, "suppress_tokens": special_ids()} | settings
    method = {"custom_generate": vreason.decode, "vreason": config, "observers": [steps], "return_dict_in_generate": True}
    return model.generate(**inputs, max_new_tokens=tokens, **method, **settings), steps


def naive_dropped(prefill: Any, columns: list[int], config: PruningConfig) -> Dropped:
    """Columns that Lite drops from each layer, from the prefill's cache and the written rule."""
    ranks = []
    for layer in prefill.layers:
        source = layer.values if config.norm_of == "value" else layer.keys
        norms = [float(source[0, :, column].square().sum().sqrt()) for column in columns]
        order = sorted(range(len(columns)), key=norms.__getitem__, reverse=config.drop == "highest")
        ranks.append({column: order.index(index) for index, column in enumerate(columns)})
    if config.scope == "shared":
        ranks = [{column: sum(rank[column] for rank in ranks) for column in columns}] * len(ranks)  # as the mean orders them
    return [sorted(sorted(columns, key=rank.__getitem__)[: int(config.ratio * len(columns))]) for rank in ranks]


def dropped_from(cache: Any, prefill: Any) -> Dropped:
    """Prompt columns whose key is in no place of the returned cache, layer by layer."""
    found = []
    for layer, whole in zip(cache.layers, prefill.layers, strict=True):
        left = layer.keys[0].transpose(0, 1).flatten(1)
        keys = whole.keys[0].transpose(0, 1).flatten(1)
        found.append([column for column, key in enumerate(keys) if not (left == key).all(dim=1).any()])
    return found


def video_columns(model: Any, inputs: Inputs) -> list[int]:
    found: list[int] = (inputs["input_ids"][0] == model.config.video_token_id).nonzero()[:, 0].tolist()
    return found


def prefilled(model: Any, inputs: Inputs) -> Any:
    """The cache of a plain forward pass over the prompt."""
    with torch.no_grad():
        return model(**inputs, use_cache=True).past_key_values


def unit(values: torch.Tensor, delta: torch.Tensor, norm: str) -> torch.Tensor:
    """V_new of (N, kv_heads, head_dim), written as in the paper."""
    moved, axes = values + delta, AXES[norm]
    return moved / moved.square().sum(axes, keepdim=True).sqrt() * values.square().sum(axes, keepdim=True).sqrt()


def naive_entropy(model: Any, inputs: Inputs, drawn: list[int], dropped: Dropped, kept: list[int], new: torch.Tensor) -> torch.Tensor:
    """H of the token after prompt and `drawn`: one pass over the whole sequence; new tokens see neither what was dropped nor V_L."""
    length = inputs["input_ids"].shape[1]
    total = length + len(drawn)
    whole = dict(inputs, attention_mask=torch.ones(1, total, dtype=torch.long))
    whole["input_ids"] = torch.cat([inputs["input_ids"], torch.tensor([drawn], dtype=torch.long)], dim=1)
    whole["mm_token_type_ids"] = torch.nn.functional.pad(inputs["mm_token_type_ids"], (0, len(drawn)))
    layers = model.model.language_model.layers

    def replace(_: Any, __: Any, output: torch.Tensor) -> torch.Tensor:
        output = output.clone()
        output[0, kept] = new.flatten(1)
        return output

    with ExitStack() as stack:
        for layer, gone in zip(layers, dropped, strict=True):
            mask = torch.full((total, total), -torch.inf, dtype=F64).triu(1)
            mask[length:, gone] = -torch.inf
            hook = layer.self_attn.register_forward_pre_hook(
                lambda _, args, kwargs, mask=mask: (args, kwargs | {"attention_mask": mask[None, None]}), with_kwargs=True
            )
            stack.callback(hook.remove)
        if drawn:
            stack.callback(layers[-1].self_attn.v_proj.register_forward_hook(replace).remove)
        p = torch.softmax(model(**whole, use_cache=False).logits[0, -1], dim=-1)
    return -(p * p.log()).sum()


def naive_method(
    model: Any, inputs: Inputs, settings: ControllerConfig, dropped: Dropped, records: list[StepRecord]
) -> list[dict[str, Any]]:
    """The method's definition, token by token, along the tokens that were drawn (and, for `random`, the signs)."""
    kept = [column for column in video_columns(model, inputs) if column not in dropped[-1]]
    values = prefilled(model, inputs).layers[-1].values[0, :, kept].transpose(0, 1)
    delta = torch.zeros_like(values, requires_grad=True)
    adamw = torch.optim.AdamW([delta], lr=settings.lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=settings.weight_decay)
    rows, ema, peak = [], 0.0, 0.0
    drawn = [record.token_id for record in records]
    for t in range(len(drawn)):
        entropy = naive_entropy(model, inputs, drawn[:t], dropped, kept, unit(values, delta, settings.norm))
        previous = entropy.item() if t == 0 and settings.ema_init == "first" else ema
        ema = settings.beta * previous + (1 - settings.beta) * entropy.item()
        peak = max(peak, ema)
        alpha = {"min": -1, "max": 1, "random": records[t].alpha}.get(settings.objective, 1 if ema >= peak else -1)
        row: dict[str, Any] = {"entropy": entropy.item(), "ema": ema, "peak": peak, "alpha": alpha, "loss": None, "grad_norm": None}
        if settings.objective != "none" and t >= 1 and t % settings.k == 0:
            loss = -alpha * entropy
            (gradient,) = torch.autograd.grad(loss, delta)
            size = gradient.square().sum().sqrt().item()
            row |= {"loss": loss.item(), "grad_norm": size}
            delta.grad = gradient * min(1.0, settings.clip / size) if settings.clip > 0 else gradient
            adamw.step()
        new = unit(values, delta, settings.norm).detach()
        cosine = (new * values).sum(-1) / new.norm(dim=-1) / values.norm(dim=-1)
        active = settings.objective != "none"
        row |= {"delta_v_norm": delta.norm().item() if active else None, "value_cosine": cosine.mean().item() if active else None}
        rows.append(row)
    return rows


def agree(rows: list[dict[str, Any]], records: list[StepRecord], rel: float = 1e-6) -> None:
    for t, (row, record) in enumerate(zip(rows, records, strict=True)):
        assert (t, row["loss"] is not None) == (record.token_index, record.updated)
        expected = {name: value if value is None else pytest.approx(value, rel=rel, abs=1e-12) for name, value in row.items()}
        assert expected == {name: getattr(record, name) for name in row}, f"token {t}"


EAGER: dict[str, Any] = {"k": 3, "lr": 0.05, "beta": 0.7}  # a few tokens then show both phases and real movement
VARIANTS: dict[str, tuple[ControllerConfig, PruningConfig | None]] = {
    "paper": (ControllerConfig(), None),
    "switch": (ControllerConfig(**EAGER), None),
    "min": (ControllerConfig(**EAGER, objective="min"), None),
    "max": (ControllerConfig(**EAGER, objective="max"), None),
    "random": (ControllerConfig(**EAGER, objective="random", seed=3), None),
    "none": (ControllerConfig(**EAGER, objective="none"), None),
    "ema first, norm token": (ControllerConfig(**EAGER, ema_init="first", norm="token"), None),
    "norm tensor": (ControllerConfig(**EAGER, norm="tensor"), None),
    "clipped": (ControllerConfig(**EAGER, clip=0.01), None),
    "unclipped, weight decay": (ControllerConfig(**EAGER, clip=0, weight_decay=2.0), None),
    "every token": (ControllerConfig(k=1, lr=0.05), None),
    "lite": (ControllerConfig(**EAGER), PruningConfig()),
    "lite highest key": (ControllerConfig(**EAGER), PruningConfig(norm_of="key", drop="highest", ratio=0.3)),
    "lite shared highest": (ControllerConfig(**EAGER), PruningConfig(scope="shared", drop="highest")),
    "lite shared key": (ControllerConfig(**EAGER), PruningConfig(scope="shared", norm_of="key")),
    "lite random": (ControllerConfig(**EAGER), PruningConfig(drop="random", seed=5)),
    "lite random shared": (ControllerConfig(**EAGER), PruningConfig(drop="random", scope="shared")),
    "lite only": (ControllerConfig(**EAGER, objective="none"), PruningConfig(ratio=0.9)),
}


@pytest.mark.parametrize("name", VARIANTS)
def test_every_variant_follows_the_naive_method(name: str) -> None:
    """Entropy, EMA, peak, alpha, loss, ||dV||, gradient norm and cosine equal the naive float64 run; only V_new differs in the cache."""
    controller, pruning = VARIANTS[name]
    model, inputs = shared_model(dtype=F64), prompt("qwen2_5_vl", Turn((6, 4)), dtype=F64)
    output, records = run(model, inputs, VReasonConfig(controller, pruning))
    prefill, columns = prefilled(model, inputs), video_columns(model, inputs)
    dropped = dropped_from(output.past_key_values, prefill)
    if pruning is None or pruning.drop != "random":
        assert (naive_dropped(prefill, columns, pruning) if pruning else [[], [], []]) == dropped
    assert [int(pruning.ratio * 20) if pruning else 0] * 3 == [len(gone) for gone in dropped]
    assert {*columns} >= {column for gone in dropped for column in gone}
    agree(naive_method(model, inputs, controller, dropped, records), records)
    _only_video_values_moved(output.past_key_values, prefill, columns, dropped, controller)


def _only_video_values_moved(cache: Any, prefill: Any, columns: list[int], dropped: Dropped, settings: ControllerConfig) -> None:
    for index, (layer, whole, gone) in enumerate(zip(cache.layers, prefill.layers, dropped, strict=True)):
        stay = [column for column in range(whole.keys.shape[2]) if column not in gone]
        torch.testing.assert_close(whole.keys[:, :, stay], layer.keys[:, :, : len(stay)], rtol=0, atol=0)
        steered = index == len(prefill.layers) - 1 and settings.objective != "none"
        video = [place for place, column in enumerate(stay) if column in columns]
        before, same = whole.values[:, :, stay], [place for place in range(len(stay)) if not (steered and place in video)]
        torch.testing.assert_close(before[:, :, same], layer.values[:, :, same], rtol=0, atol=0)
        if steered:
            axes = {"head": -1, "token": (1, 3), "tensor": (1, 2, 3)}[settings.norm]
            old, new = before[:, :, video], layer.values[:, :, video]
            assert not torch.equal(old, new)
            torch.testing.assert_close(old.square().sum(axes), new.square().sum(axes), rtol=1e-12, atol=0)


@pytest.mark.parametrize("tied", [False, True], ids=["untied", "tied"])
@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_follows_the_naive_method(family: str, tied: bool) -> None:
    """Full and Lite runs of each family equal the naive float64 run, several runs of video tokens and an image beside them included."""
    model, inputs = shared_model(family, tied, F64), prompt(family, Turn((6, 4), images=1), dtype=F64)
    prefill, columns = prefilled(model, inputs), video_columns(model, inputs)
    for pruning in (None, PruningConfig()):
        output, records = run(model, inputs, VReasonConfig(ControllerConfig(**EAGER), pruning), tokens=8)
        dropped = naive_dropped(prefill, columns, pruning) if pruning else [[], [], []]
        assert dropped == dropped_from(output.past_key_values, prefill)
        agree(naive_method(model, inputs, ControllerConfig(**EAGER), dropped, records), records)
        assert sum(record.updated for record in records) == 2


def _double_norms(model: Any) -> Any:
    """transformers' RMSNorm rounds to float32, which a finite difference sees; past dV, torch's own takes its place."""
    language = model.model.language_model
    for owner, name in ((language, "norm"), (language.layers[-1], "post_attention_layernorm")):
        given = getattr(owner, name)
        exact = torch.nn.RMSNorm(given.weight.shape, eps=given.variance_epsilon, dtype=F64)
        exact.weight = given.weight
        setattr(owner, name, exact)
    return model


@pytest.mark.parametrize("family", FAMILIES)
def test_gradient_equals_naive_backward_and_central_difference(family: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each entry of dL/d(dV) equals a full float64 backward pass and (L(dV + h) - L(dV - h)) / 2h, away from dV = 0 too."""
    model, inputs = _double_norms(build_model(family).to(F64)), prompt(family, Turn((4,)), dtype=F64)
    seen: list[tuple[torch.Tensor, torch.Tensor]] = []
    step = ValueController.step

    def spy(self: ValueController, gradient: torch.Tensor, active: torch.Tensor) -> torch.Tensor:
        seen.append((self.delta.detach().clone(), gradient.clone()))
        return step(self, gradient, active)

    monkeypatch.setattr(ValueController, "step", spy)
    _, records = run(model, inputs, VReasonConfig(ControllerConfig(**EAGER, objective="max")), tokens=7)
    kept = video_columns(model, inputs)
    values = prefilled(model, inputs).layers[-1].values[0, :, kept].transpose(0, 1)
    for t, (delta, gradient) in zip((3, 6), seen, strict=True):
        drawn = [record.token_id for record in records[:t]]

        def loss(at: torch.Tensor, drawn: list[int] = drawn) -> torch.Tensor:
            return -naive_entropy(model, inputs, drawn, [[], [], []], kept, unit(values, at, "head"))

        (naive,) = torch.autograd.grad(loss(delta.requires_grad_()), delta)
        torch.testing.assert_close(naive, gradient, rtol=1e-9, atol=1e-14)
        for place in naive.abs().flatten().topk(5).indices.tolist():
            h = torch.zeros(naive.numel(), dtype=F64).index_fill(0, torch.tensor(place), 1e-5).view_as(naive)
            with torch.no_grad():
                difference = ((loss(delta + h) - loss(delta - h)) / 2e-5).item()
            assert pytest.approx(difference, rel=1e-6) == gradient.flatten()[place].item()
