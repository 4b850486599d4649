"""Lite against a ranking written out with sorted lists, and in real runs: what stays, where it stands, and what ratio 0 means."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from hypothesis import given, settings, strategies as st
from transformers import DynamicCache

import vreason
from tests.helpers.tiny_models import FAMILIES, LAYERS, Turn, prompt, shared_model, special_ids
from vreason import ControllerConfig, PrefillRecord, PruningConfig, StepRecord, VReasonConfig
from vreason.method.pruning import prune
from vreason.method.value_cache import VideoPositions

LENGTH, COUNT = 12, 3
MASK = torch.tensor([[0, 0, 0, 1, 1, 1, 1, 0, 1, 1, 0, 0], [0] * 12, [0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0]], dtype=torch.bool)
PADDING = torch.tensor([[0, 0] + [1] * 10, [0] * 5 + [1] * 7, [1] * 12])


def filled(seed: int = 0) -> DynamicCache:
    """Three layers of 3 rows, 2 heads, 12 entries of 4 numbers; every vector differs."""
    generator, made = torch.Generator().manual_seed(seed), DynamicCache()
    for layer in range(COUNT):
        keys, values = torch.randn(2, 3, 2, LENGTH, 4, generator=generator)
        made.update(keys, values, layer)
    return made


def wanted(before: DynamicCache, row: int, config: PruningConfig) -> list[set[int]]:
    """Columns of a row that go, layer by layer, by the written rule."""
    columns = [column for column in range(LENGTH) if MASK[row, column]]
    ranks = []
    for layer in before.layers:
        source = layer.values if config.norm_of == "value" else layer.keys
        norms = {column: sum(float(x) ** 2 for x in source[row, :, column].flatten()) for column in columns}
        ranks.append({column: rank for rank, column in enumerate(sorted(columns, key=norms.__getitem__, reverse=config.drop == "highest"))})
    if config.scope == "shared":
        mean = {column: sum(rank[column] for rank in ranks) for column in columns}
        ranks = [mean] * COUNT
    return [set(sorted(columns, key=rank.__getitem__)[: int(config.ratio * len(columns))]) for rank in ranks]


def entries(layer: Any, row: int, mask: torch.Tensor) -> list[tuple[Any, Any]]:
    """A row's real entries of a layer in their order: key and value as plain lists."""
    kept = mask[row].nonzero()[:, 0].tolist()
    return [(layer.keys[row, :, column].tolist(), layer.values[row, :, column].tolist()) for column in kept]


@pytest.mark.parametrize("ratio", [0.0, 0.1, 0.5, 0.74, 0.99])
@pytest.mark.parametrize("drop", ["lowest", "highest"])
@pytest.mark.parametrize("scope", ["layer", "shared"])
@pytest.mark.parametrize("norm_of", ["value", "key"])
def test_what_goes_is_what_the_ranking_names(norm_of: Any, scope: Any, drop: Any, ratio: float) -> None:
    """Every row and layer keeps exactly its text and its better-ranked video tokens, keys and values together, in their order."""
    config = PruningConfig(ratio=ratio, norm_of=norm_of, scope=scope, drop=drop)
    before, after = filled(), filled()
    pruned = prune(after, VideoPositions.of(MASK), PADDING, config)
    for row in range(3):
        gone = wanted(before, row, config)
        for index in range(COUNT):
            stays = PADDING[row].bool() & torch.tensor([column not in gone[index] for column in range(LENGTH)])
            expected = entries(before.layers[index], row, stays[None].expand(3, -1))
            assert expected == entries(after.layers[index], row, pruned.attention_mask)


def test_the_new_positions_point_at_the_last_layers_video_tokens() -> None:
    """`positions` finds, in the shorter cache, the kept video tokens of the last layer, whose values are V_L; rows stay left-padded."""
    config = PruningConfig()
    before, after = filled(), filled()
    pruned = prune(after, VideoPositions.of(MASK), PADDING, config)
    found = after.layers[-1].values[pruned.positions.rows, :, pruned.positions.columns].tolist()
    kept = [[c for c in range(LENGTH) if MASK[row, c] and c not in wanted(before, row, config)[-1]] for row in range(3)]
    assert [before.layers[-1].values[row, :, column].tolist() for row in range(3) for column in kept[row]] == found
    assert (3, 0, 5) == pruned.positions.sizes
    assert [[0] * (7 - real) + [1] * real for real in (7, 7, 7)] == pruned.attention_mask.tolist()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**20), st.floats(0, 0.999), st.sampled_from(["lowest", "highest", "random"]), st.sampled_from(["layer", "shared"]))
def test_text_never_goes_and_the_share_holds_in_every_row(seed: int, ratio: float, drop: Any, scope: Any) -> None:
    """Whatever the settings: every text entry stays, and each row loses the share of its own video tokens, rounded down."""
    before, after = filled(seed), filled(seed)
    pruned = prune(after, VideoPositions.of(MASK), PADDING, PruningConfig(ratio=ratio, drop=drop, scope=scope, seed=seed))
    for row in range(3):
        text = entries(before.layers[0], row, (PADDING.bool() & ~MASK))
        left = entries(after.layers[0], row, pruned.attention_mask)
        assert all(entry in left for entry in text)
        expected = int(PADDING[row].sum()) - int(ratio * int(MASK[row].sum()))
        assert [expected] * COUNT == [len(entries(layer, row, pruned.attention_mask)) for layer in after.layers]


def test_random_draws_by_seed_and_layer() -> None:
    """`random`: the same seed drops the same tokens, another seed others; `layer` draws anew in each layer, `shared` once."""

    def dropped(**options: Any) -> list[set[int]]:
        before, after = filled(), filled()
        pruned = prune(after, VideoPositions.of(MASK), PADDING, PruningConfig(drop="random", **options))
        left = [[key for key, _ in entries(layer, 2, pruned.attention_mask)] for layer in after.layers]
        return [{c for c in range(LENGTH) if a.keys[2, :, c].tolist() not in b} for a, b in zip(before.layers, left, strict=True)]

    assert dropped(seed=1) == dropped(seed=1)
    assert dropped(seed=1) != dropped(seed=2)
    assert len({frozenset(gone) for gone in dropped(seed=1)}) > 1
    shared = dropped(seed=1, scope="shared")
    assert [shared[0]] * COUNT == shared


class Listener:
    """Collects prompts and steps."""

    def __init__(self) -> None:
        self.prompts: list[PrefillRecord] = []
        self.steps: list[StepRecord] = []

    def on_prefill(self, prefill: PrefillRecord) -> None:
        self.prompts.append(prefill)

    def on_steps(self, steps: Sequence[StepRecord]) -> None:
        self.steps += steps


def run(family: str, pruning: PruningConfig | None, *turns: Turn, **options: Any) -> tuple[Any, Listener]:
    model, listener = shared_model(family), Listener()
    method = {"custom_generate": vreason.decode, "vreason": VReasonConfig(ControllerConfig(k=2, lr=0.1), pruning)}
    asked = {"suppress_tokens": special_ids(), "max_new_tokens": 7, "do_sample": False, "return_dict_in_generate": True} | options
    return model.generate(**prompt(family, *turns), **method, **asked, observers=[listener]), listener


@pytest.mark.parametrize("turns", [(Turn((6,)),), (Turn((4,)), Turn((6, 2), images=1, text="Up?"))], ids=["alone", "padded"])
@pytest.mark.parametrize("family", FAMILIES)
def test_ratio_0_equals_the_full_method_bit_for_bit(family: str, turns: tuple[Turn, ...]) -> None:
    """Tokens, logits, cache and records of `ratio = 0` are those of no pruning; so are a ratio's that drops less than one token."""
    full, told = run(family, None, *turns, output_logits=True)
    for ratio in (0, 0.05):
        lite, heard = run(family, PruningConfig(ratio=ratio), *turns, output_logits=True)
        assert full.sequences.tolist() == lite.sequences.tolist()
        assert all(torch.equal(a, b) for a, b in zip(full.logits, lite.logits, strict=True))
        for a, b in zip(full.past_key_values.layers, lite.past_key_values.layers, strict=True):
            assert torch.equal(a.keys, b.keys)
            assert torch.equal(a.values, b.values)
        assert told.prompts == heard.prompts
        assert [(s.entropy, s.ema, s.delta_v_norm, s.grad_norm) for s in told.steps] == [
            (s.entropy, s.ema, s.delta_v_norm, s.grad_norm) for s in heard.steps
        ]


@pytest.mark.parametrize("turns", [(Turn((6,)),), (Turn((4,)), Turn((6, 2), images=1, text="Up?"))], ids=["alone", "padded"])
@pytest.mark.parametrize("family", FAMILIES)
def test_new_tokens_keep_the_positions_of_the_whole_sequence(family: str, turns: tuple[Turn, ...]) -> None:
    """The position ids handed to the model at each token are those of the unpruned run, and the cache is shorter by what was dropped."""
    model, seen = shared_model(family), []

    def note(_: Any, __: Any, kwargs: dict[str, Any]) -> None:
        seen.append(kwargs["position_ids"].tolist())

    lengths = []
    with model.register_forward_pre_hook(note, with_kwargs=True):
        for pruning in (None, PruningConfig()):
            output, _ = run(family, pruning, *turns)
            lengths.append([layer.keys.shape[2] for layer in output.past_key_values.layers])
    plain, lite = seen[:7], seen[7:]
    assert plain == lite
    assert 7 == len({str(positions) for positions in lite})
    kept = (prompt(family, *turns)["attention_mask"].sum(dim=1) - torch.tensor([sum(turn.videos) for turn in turns])).max()
    assert [int(kept) + 6] * LAYERS == lengths[1]


def test_images_stay_and_counts_are_told() -> None:
    """Prompt, video and kept tokens of each row are told before its first step, padding not counted; image tokens are not video."""
    _, listener = run("qwen2_5_vl", PruningConfig(ratio=0.6), Turn((4,), images=2), Turn((6, 4), text="Up?"), sample_ids=["a", "b"])
    inputs = prompt("qwen2_5_vl", Turn((4,), images=2), Turn((6, 4), text="Up?"))
    real = inputs["attention_mask"].sum(dim=1).tolist()
    assert [PrefillRecord("a", real[0], 8, 8 - 4), PrefillRecord("b", real[1], 20, 20 - 12)] == listener.prompts


def test_a_prompt_without_video_loses_nothing() -> None:
    """Lite on a text and an image: the same tokens and logits as without the method, and no controller fields."""
    asked = {"max_new_tokens": 7, "do_sample": False, "suppress_tokens": special_ids()}
    plain = shared_model().generate(**prompt("qwen2_5_vl", Turn((), images=1)), **asked)
    lite, listener = run("qwen2_5_vl", PruningConfig(ratio=0.9), Turn((), images=1))
    assert plain.tolist() == lite.sequences.tolist()
    assert [(0, 0)] == [(told.video_tokens, told.kept_video_tokens) for told in listener.prompts]
    assert {(None, None, None, None, False)} == {
        (step.loss, step.grad_norm, step.delta_v_norm, step.value_cosine, step.updated) for step in listener.steps
    }
