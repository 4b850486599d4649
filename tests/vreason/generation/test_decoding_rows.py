"""Rows of a sampled batch beside the same samples alone: with a seed a row, neither order nor company nor anyone's end changes a draw."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import pytest
import torch

import vreason
from tests.helpers.tiny_models import Turn, prompt, shared_model, special_ids
from vreason import ControllerConfig, PruningConfig, StepRecord, VReasonConfig
from vreason.errors import ConfigError

TURNS = {"long": Turn((8, 2)), "short": Turn((2,), text="Up?"), "image": Turn((4,), images=1)}
SEEDS = {"long": 11, "short": 12, "image": 2**55 + 13}
EAGER: dict[str, Any] = {"k": 3, "lr": 0.05, "beta": 0.6}
METHODS = {
    "baseline": VReasonConfig.preset("baseline"),
    "full": VReasonConfig(ControllerConfig(**EAGER)),
    "random": VReasonConfig(ControllerConfig(**EAGER, objective="random", seed=4)),
    "lite random": VReasonConfig(ControllerConfig(**EAGER), PruningConfig(drop="random", seed=5)),
}
ENDS = list(range(0, 300, 9))  # some end tokens: replies of different lengths


class Steps(dict[str, list[StepRecord]]):
    """Keeps the steps of each sample."""

    def on_steps(self, steps: Sequence[StepRecord]) -> None:
        for step in steps:
            self.setdefault(step.sample_id, []).append(step)


def run(names: Sequence[str], method: str, dtype: torch.dtype = torch.float64, **settings: Any) -> Steps:
    """Sampled with each sample's seed, up to 20 tokens; in float64 a row alone and in company differ by rounding alone."""
    steps, inputs = Steps(), prompt("qwen2_5_vl", *(TURNS[name] for name in names), dtype=dtype)
    asked: dict[str, Any] = {"do_sample": True, "temperature": 1.5, "max_new_tokens": 20, "suppress_tokens": special_ids()}
    named = {"sample_ids": names, "row_seeds": [SEEDS[name] for name in names], "observers": [steps]}
    ours = {"custom_generate": vreason.decode, "vreason": METHODS[method]}
    shared_model(dtype=dtype).generate(**inputs, **ours, **asked | named | settings)
    return steps


EXACT, FLOATS = ("token_index", "token_id", "alpha", "updated"), ("entropy", "ema", "delta_v_norm", "value_cosine")


def same(expected: Sequence[StepRecord], found: Sequence[StepRecord]) -> None:
    """What is drawn and decided to the letter, the values that follow from it to five digits."""
    for a, b in zip(expected, found, strict=True):
        assert [getattr(a, name) for name in EXACT] == [getattr(b, name) for name in EXACT]
        near = {name: None if (value := getattr(a, name)) is None else pytest.approx(value, rel=1e-5, abs=1e-9) for name in FLOATS}
        assert near == {name: getattr(b, name) for name in FLOATS}


@pytest.mark.parametrize("ends", [None, ENDS], ids=["same length", "own ends"])
@pytest.mark.parametrize("method", METHODS)
def test_sampled_rows_equal_the_samples_alone(method: str, ends: list[int] | None) -> None:
    """In every order of three rows and with some left out: tokens, signs, updates and values are those of the sample alone.

    Also where the three end at different tokens, and where the signs of `random` or Lite's choice are drawn as well.
    """
    alone = {name: run([name], method, eos_token_id=ends, pad_token_id=5)[name] for name in TURNS}
    assert (1 if ends is None else 3) == len({len(steps) for steps in alone.values()})
    for names in [*itertools.permutations(TURNS), ("short", "long"), ("long", "image")]:
        together = run(names, method, eos_token_id=ends, pad_token_id=5)
        for name in names:
            same(alone[name], together[name])


def test_single_precision_draws_the_same() -> None:
    """In float32 the noise of padding turns none of these draws."""
    together = run(list(TURNS), "full", torch.float32)
    for name in TURNS:
        alone = run([name], "full", torch.float32)[name]
        assert [step.token_id for step in alone] == [step.token_id for step in together[name]]


def test_another_seed_changes_its_own_row_alone() -> None:
    """With the seed of the middle row changed, that row draws otherwise and its neighbours as before."""
    names = list(TURNS)
    before = run(names, "full")
    after = run(names, "full", row_seeds=[SEEDS["long"], 99, SEEDS["image"]])
    same = [[step.token_id for step in before[name]] == [step.token_id for step in after[name]] for name in names]
    assert [True, False, True] == same


def test_alone_it_draws_as_plain_generate_after_manual_seed() -> None:
    """A baseline alone with seed s: token for token what plain `generate` samples after ``torch.manual_seed(s)``."""
    model, inputs = shared_model(), prompt()
    asked = {"do_sample": True, "temperature": 1.5, "max_new_tokens": 20}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(11)
        plain = model.generate(**inputs, **asked)
        torch.manual_seed(12)
        before = torch.get_rng_state()
        ours = model.generate(**inputs, **asked, custom_generate=vreason.decode, vreason=METHODS["baseline"], row_seeds=[11])
        assert torch.equal(before, torch.get_rng_state())
    assert plain.tolist() == ours.tolist()


def test_several_samples_of_one_prompt_take_a_seed_each() -> None:
    """With `num_return_sequences` every returned row needs a seed; equal ones give equal rows."""
    model, inputs = shared_model(), prompt()
    asked = {"do_sample": True, "temperature": 1.5, "max_new_tokens": 20, "num_return_sequences": 3, "custom_generate": vreason.decode}
    first, second, third = model.generate(**inputs, **asked, row_seeds=[1, 2, 1]).tolist()
    assert first == third != second
    with pytest.raises(ConfigError, match=r"row_seeds: 1 seed\(s\) for 3 row\(s\)"):
        model.generate(**inputs, **asked, row_seeds=[1])


def test_without_sampling_seeds_change_nothing() -> None:
    """Greedy search is the same with whatever seeds."""
    greedy = [run(list(TURNS), "full", do_sample=False, temperature=None, row_seeds=seeds) for seeds in (None, [1, 2, 3], [4, 5, 6])]
    tokens = [{name: [step.token_id for step in steps] for name, steps in found.items()} for found in greedy]
    assert tokens[0] == tokens[1] == tokens[2]
