"""The cache's inside: reading, writing and dropping at the video tokens, and that nothing else moves at any token of a real run."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
import torch
from transformers import DynamicCache, LogitsProcessorList, StaticCache

import vreason
from tests.helpers.tiny_models import FAMILIES, LAYERS, Turn, build_model, prompt, shared_model, special_ids
from vreason import ControllerConfig, PruningConfig, VReasonConfig
from vreason.errors import UnsupportedGenerationError
from vreason.method import value_cache
from vreason.method.value_cache import VideoPositions

ROWS, HEADS, LENGTH, DIM = 2, 3, 7, 4
MASK = torch.tensor([[0, 0, 1, 1, 0, 1, 0], [0, 0, 0, 0, 0, 0, 1]], dtype=torch.bool)


def filled(dtype: torch.dtype = torch.float32, layers: int = 2) -> DynamicCache:
    """A real dynamic cache of random keys and values, (2, 3, 7, 4) in each layer."""
    generator, made = torch.Generator().manual_seed(0), DynamicCache()
    for layer in range(layers):
        keys, values = torch.randn(2, ROWS, HEADS, LENGTH, DIM, generator=generator).to(dtype)
        made.update(keys, values, layer)
    return made


def test_positions_list_the_mask_row_after_row() -> None:
    """Rows, columns and each row's count, in reading order; a row may have none."""
    positions = VideoPositions.of(MASK)
    expected = [(row, column) for row in range(ROWS) for column in range(LENGTH) if MASK[row, column]]
    assert expected == list(zip(positions.rows.tolist(), positions.columns.tolist(), strict=True))
    assert tuple(sum(row) for row in MASK.tolist()) == positions.sizes
    nothing = VideoPositions.of(torch.zeros(ROWS, LENGTH, dtype=torch.bool))
    assert (0, 0) == nothing.sizes


def test_values_are_read_as_a_copy() -> None:
    """One (kv_heads, head_dim) block a video token; changing it does not reach the cache."""
    kept = filled()
    before = kept.layers[1].values.clone()
    read = value_cache.read_values(kept, 1, VideoPositions.of(MASK))
    assert torch.equal(torch.stack([before[0, :, 2], before[0, :, 3], before[0, :, 5], before[1, :, 6]]), read)
    read.zero_()
    assert torch.equal(before, kept.layers[1].values)


@pytest.mark.parametrize("graph", [False, True], ids=["plain", "with graph"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_values_are_written_at_the_video_tokens_only(graph: bool, dtype: torch.dtype) -> None:
    """Video tokens take the new values in the cache's type; every other value, key and layer keeps its bits."""
    kept, before = filled(dtype), filled(dtype)
    new = torch.arange(4.0 * HEADS * DIM).reshape(4, HEADS, DIM).requires_grad_(graph)
    value_cache.write_values(kept, 1, VideoPositions.of(MASK), new)
    assert graph == kept.layers[1].values.requires_grad
    expected = before.layers[1].values.clone()
    for index, (row, column) in enumerate([(0, 2), (0, 3), (0, 5), (1, 6)]):
        expected[row, :, column] = new[index].detach().to(dtype)
    assert torch.equal(expected, kept.layers[1].values)
    assert torch.equal(before.layers[0].values, kept.layers[0].values)
    assert all(torch.equal(a.keys, b.keys) for a, b in zip(before.layers, kept.layers, strict=True))


def test_a_written_graph_reaches_back_and_is_cut_off() -> None:
    """The gradient of the layer's values arrives at what was written, and `detach_values` ends the graph without changing a bit."""
    kept = filled()
    new = torch.ones(4, HEADS, DIM, requires_grad=True)
    value_cache.write_values(kept, 0, VideoPositions.of(MASK), new)
    weight = torch.randn(kept.layers[0].values.shape, generator=torch.Generator().manual_seed(1))
    (gradient,) = torch.autograd.grad((kept.layers[0].values * weight).sum(), new)
    assert torch.equal(torch.stack([weight[0, :, 2], weight[0, :, 3], weight[0, :, 5], weight[1, :, 6]]), gradient)
    before = kept.layers[0].values.detach().clone()
    value_cache.detach_values(kept, 0)
    assert not kept.layers[0].values.requires_grad
    assert torch.equal(before, kept.layers[0].values)


def test_columns_are_kept_in_the_order_given() -> None:
    """Row by row other columns, keys and values alike; the other layer keeps its length."""
    kept, before = filled(), filled()
    value_cache.keep_columns(kept, 0, torch.tensor([[0, 4, 6], [5, 1, 2]]))
    for name in ("keys", "values"):
        old = getattr(before.layers[0], name)
        expected = torch.stack([old[0][:, [0, 4, 6]], old[1][:, [5, 1, 2]]])
        assert torch.equal(expected, getattr(kept.layers[0], name))
    assert LENGTH == kept.layers[1].keys.shape[2]


@pytest.mark.parametrize("of", ["key", "value"])
def test_norms_take_all_heads_together_in_float32(of: str) -> None:
    """sqrt of the sum of squares over heads and dimensions of the vector asked for, also from half precision."""
    kept = filled(torch.bfloat16)
    source = (kept.layers[1].keys if of == "key" else kept.layers[1].values).double()
    expected = [float(source[row, :, column].square().sum()) ** 0.5 for row, column in [(0, 2), (0, 3), (0, 5), (1, 6)]]
    norms = value_cache.layer_norms(kept, 1, of, VideoPositions.of(MASK))
    assert torch.float32 == norms.dtype
    assert pytest.approx(expected, rel=1e-6) == norms.tolist()


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("pruning", [None, PruningConfig()], ids=["full", "lite"])
def test_nothing_but_v_new_moves_at_any_token(family: str, pruning: PruningConfig | None) -> None:
    """Watched after every update: the last layer's video values turn and keep their norms; all else in the prompt's cache stands still."""
    model, inputs = shared_model(family), prompt(family, Turn((4,), images=1), Turn((6, 2), text="Up?"))
    kept, seen = DynamicCache(config=model.config), []

    def watch(input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        seen.append([(layer.keys.clone(), layer.values.clone()) for layer in kept.layers])
        return scores

    method = {"custom_generate": vreason.decode, "vreason": VReasonConfig(ControllerConfig(k=3, lr=0.1), pruning)}
    asked = {"suppress_tokens": special_ids(), "max_new_tokens": 8, "do_sample": False}
    model.generate(**inputs, **method, **asked, past_key_values=kept, logits_processor=LogitsProcessorList([watch]))
    length = seen[0][0][0].shape[2]
    video = inputs["input_ids"] == model.config.video_token_id
    if pruning is None:
        assert inputs["input_ids"].shape[1] == length
    for index in range(LAYERS):
        first_keys, first_values = seen[0][index]
        last = [(keys[:, :, :length], values[:, :, :length]) for keys, values in (snapshot[index] for snapshot in seen)]
        assert all(torch.equal(first_keys, keys) for keys, _ in last)
        if index < LAYERS - 1:
            assert all(torch.equal(first_values, values) for _, values in last)
            continue
        moves = [(now - before).abs().sum(dim=(1, 3)) > 0 for (_, before), (_, now) in pairwise(last)]
        assert [3, 6] == [token for token, moved in enumerate(moves, start=1) if moved.any()]
        expected = video.sum(dim=1) // (1 if pruning is None else 2)
        assert all(torch.equal(expected, moved.sum(dim=1)) for moved in (moves[2], moves[5]))
        assert pruning is not None or torch.equal(video, moves[2])
        for _, values in last:
            torch.testing.assert_close(values.norm(dim=-1), first_values.norm(dim=-1), rtol=1e-5, atol=1e-6)


def _static(model: Any) -> Any:
    return StaticCache(config=model.config, max_cache_len=80)


def _filled(model: Any) -> Any:
    texts = ("input_ids", "mm_token_type_ids", "attention_mask")
    inputs = {name: value[:, :-1] if name in texts else value for name, value in prompt().items()}
    with torch.no_grad():
        return model(**inputs, use_cache=True).past_key_values


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda _: {"cache_implementation": "static"}, "leave out cache_implementation"),
        (lambda model: {"past_key_values": _static(model)}, "leave out cache_implementation and past_key_values"),
        (lambda model: {"past_key_values": _filled(model)}, "leave past_key_values out"),
    ],
    ids=["static", "static given", "filled"],
)
def test_other_caches_are_refused(make: Any, words: str) -> None:
    """A static or filled cache raises UnsupportedGenerationError, which says what to leave out."""
    model = shared_model()
    with pytest.raises(UnsupportedGenerationError, match=words):
        model.generate(**prompt(), **make(model), custom_generate=vreason.decode, max_new_tokens=4)


def test_an_offloaded_cache_is_refused() -> None:
    """A cache whose layers move to the CPU and back raises UnsupportedGenerationError."""
    offloaded = DynamicCache(config=shared_model().config, offloading=True, offload_only_non_sliding=False)
    with pytest.raises(UnsupportedGenerationError, match="offloaded to the CPU; leave out cache_implementation"):
        value_cache.require_dynamic(offloaded)


def test_sliding_windows_are_refused() -> None:
    """A model whose cache forgets raises UnsupportedGenerationError before the first token."""
    model = build_model("qwen2_5_vl", use_sliding_window=True, sliding_window=8, max_window_layers=1)
    with pytest.raises(UnsupportedGenerationError, match="sliding windows in the model's config"):
        model.generate(**prompt(), custom_generate=vreason.decode, max_new_tokens=4)
