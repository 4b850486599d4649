"""`decode` beside plain `generate`: the same tokens where the method holds still, the same surroundings always, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import pytest
import torch
from transformers import LogitsProcessorList, StoppingCriteriaList, StopStringCriteria, TextStreamer

import vreason
from tests.helpers.tiny_models import FAMILIES, Turn, build_model, prompt, shared_model, special_ids, tokenizer
from vreason import ControllerConfig, PruningConfig, VReasonConfig
from vreason.config import PRESETS
from vreason.errors import ConfigError, UnsupportedGenerationError

STILL = {
    "baseline": VReasonConfig.preset("baseline"),
    "objective none": VReasonConfig(ControllerConfig(objective="none", k=1)),
    "lr 0": VReasonConfig(ControllerConfig(k=2, lr=0.0, weight_decay=0.0)),
    "lr 0, ratio 0": VReasonConfig(ControllerConfig(k=2, lr=0.0, weight_decay=0.0), PruningConfig(ratio=0)),
}
STRONG = VReasonConfig(ControllerConfig(k=2, lr=0.05))
BATCH = (Turn((4,)), Turn((8, 4), images=1, text="Up?"), Turn((), text="Down or left, or right and then up?"))


def favour(input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
    """A logits processor in place, as some of transformers' are: even tokens gain, by a rule that reads the sequence."""
    return scores.add_((torch.arange(scores.shape[1]) % 2 == 0) * (input_ids[:, -1:] % 3))


def fourths(input_ids: torch.Tensor, scores: Any, **_: Any) -> torch.Tensor:
    """A stopping criterion of each row's own: nine of the last 20 ids divide by four."""
    return (input_ids[:, -20:] % 4 == 0).sum(dim=1) >= 9


SETTINGS: dict[str, dict[str, Any]] = {
    "greedy": {},
    "sampling": {"do_sample": True},
    "warped sampling": {"do_sample": True, "temperature": 0.7, "top_k": 20, "top_p": 0.9, "min_p": 0.01},
    "several samples": {"do_sample": True, "num_return_sequences": 2},
    "repetition penalty": {"repetition_penalty": 1.5, "no_repeat_ngram_size": 2},
    "end tokens": {"do_sample": True, "eos_token_id": list(range(0, 300, 3)), "pad_token_id": 5},
    "least length": {"do_sample": True, "eos_token_id": list(range(0, 300, 3)), "min_new_tokens": 6},
    "max_length": {"max_length": 70, "max_new_tokens": None},
    "logits processor": {"logits_processor": LogitsProcessorList([favour])},
    "stopping criterion": {"stopping_criteria": StoppingCriteriaList([fourths]), "do_sample": True},
    "stop strings by name": {"stop_strings": ["e", "1"], "tokenizer": tokenizer(), "do_sample": True},
    "stop string": {"stopping_criteria": StoppingCriteriaList([StopStringCriteria(tokenizer(), ["e", "1"])]), "do_sample": True},
}


def generate(model: Any, inputs: dict[str, Any], method: VReasonConfig | str | None, **settings: Any) -> Any:
    torch.manual_seed(11)
    ours = {} if method is None else {"custom_generate": vreason.decode, "vreason": method}
    return model.generate(**inputs, **({"max_new_tokens": 12, "do_sample": False} | settings), **ours)


@pytest.mark.parametrize("still", STILL)
@pytest.mark.parametrize("name", SETTINGS)
def test_tokens_equal_plain_generate(name: str, still: str) -> None:
    """Without movement of the values, a left-padded batch gets plain `generate`'s tokens under every setting."""
    model, inputs = shared_model(), prompt("qwen2_5_vl", *BATCH)
    plain = generate(model, inputs, None, **SETTINGS[name])
    assert plain.tolist() == generate(model, inputs, STILL[still], **SETTINGS[name]).tolist()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64], ids=str)
@pytest.mark.parametrize("family", FAMILIES)
def test_families_and_types_equal_plain_generate(family: str, dtype: torch.dtype) -> None:
    """Each family in each floating type: lr 0 gives plain `generate`'s tokens, and a strong controller runs and stays finite."""
    model, inputs = shared_model(family, False, dtype), prompt(family, *BATCH, dtype=dtype)
    plain = generate(model, inputs, None, do_sample=True)
    assert plain.tolist() == generate(model, inputs, STILL["lr 0"], do_sample=True).tolist()
    steered = generate(model, inputs, STRONG, return_dict_in_generate=True, output_logits=True)
    assert all(bool(logits.isfinite().all()) for logits in steered.logits)
    assert {dtype} == {layer.values.dtype for layer in steered.past_key_values.layers}


@pytest.mark.parametrize("still", STILL)
def test_returned_parts_equal_plain_generate(still: str) -> None:
    """Scores, logits, hidden states, attentions and the cache are plain `generate`'s, bit for bit, and hold no graph."""
    model, inputs = build_model().requires_grad_(False), prompt("qwen2_5_vl", *BATCH)
    model.set_attn_implementation("eager")
    parts = ("scores", "logits", "hidden_states", "attentions")
    asked = {"return_dict_in_generate": True, "top_k": 9, "do_sample": True} | {f"output_{part}": True for part in parts}
    plain, ours = generate(model, inputs, None, **asked), generate(model, inputs, STILL[still], **asked)
    assert list(plain.keys()) == list(ours.keys())
    pairs = [(_flat(plain[name]), _flat(ours[name])) for name in ("sequences", *parts)]
    pairs += [([a.keys, a.values], [b.keys, b.values]) for a, b in zip(*(run.past_key_values.layers for run in (plain, ours)), strict=True)]
    for expected, found in pairs:
        assert [part.shape for part in expected] == [part.shape for part in found]
        assert all(torch.equal(a, b) and not b.requires_grad for a, b in zip(expected, found, strict=True))


def _flat(value: Any) -> list[torch.Tensor]:
    return [value] if isinstance(value, torch.Tensor) else [tensor for part in value for tensor in _flat(part)]


def test_logits_of_a_trainable_model_equal_plain_generate() -> None:
    """Parameters that ask for gradients, as loading leaves them: a batch's logits without a controller are still bit for bit the same.

    torch multiplies a batch's last positions by another kernel where the weight asks for a gradient, also without autograd.
    """
    model, inputs = shared_model(), prompt("qwen2_5_vl", *BATCH)
    asked = {"return_dict_in_generate": True, "output_logits": True, "max_new_tokens": 2}
    plain, ours = generate(model, inputs, None, **asked), generate(model, inputs, STILL["baseline"], **asked)
    torch.testing.assert_close(ours.logits, plain.logits, rtol=0, atol=0)


@pytest.mark.parametrize("asked", [(), ("return_dict_in_generate",), ("return_dict_in_generate", "output_scores")], ids=str)
def test_stopping_criteria_receive_what_plain_generate_hands_them(asked: tuple[str, ...]) -> None:
    """A criterion sees the ids so far, and scores exactly where `generate` hands them over: None unless they were asked for."""
    seen: list[list[Any]] = []
    for method in (None, STILL["baseline"]):
        calls: list[Any] = []

        def note(input_ids: torch.Tensor, scores: Any, calls: list[Any] = calls, **_: Any) -> torch.Tensor:
            calls.append((input_ids.shape[1], None if scores is None else len(scores)))
            return torch.zeros(len(input_ids), dtype=torch.bool)

        criteria = StoppingCriteriaList([note])
        generate(shared_model(), prompt(), method, stopping_criteria=criteria, max_new_tokens=3, **dict.fromkeys(asked, True))
        seen.append(calls)
    assert seen[0] == seen[1]


class Calls(TextStreamer):  # type: ignore[misc]
    """A real text streamer that also notes its calls and its text."""

    def __init__(self) -> None:
        super().__init__(tokenizer(), skip_prompt=True)
        self.calls: list[Any] = []

    def put(self, value: torch.Tensor) -> None:
        self.calls.append((str(value.device), value.tolist()))
        super().put(value)

    def end(self) -> None:
        self.calls.append("end")
        super().end()

    def on_finalized_text(self, text: str, stream_end: bool = False) -> None:
        self.calls.append((text, stream_end))


@pytest.mark.parametrize("settings", [{}, {"do_sample": True, "eos_token_id": list(range(0, 300, 7))}], ids=["length", "end token"])
def test_streamer_hears_what_plain_generate_tells(settings: dict[str, Any]) -> None:
    """The streamer's calls and texts, prompt and end included, are plain `generate`'s; each once."""
    model, inputs, plain, ours = shared_model(), prompt(), Calls(), Calls()
    generate(model, inputs, None, streamer=plain, **settings)
    generate(model, inputs, STILL["lr 0"], streamer=ours, **settings)
    assert plain.calls == ours.calls


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "beams": ({"num_beams": 3}, "use num_beams=1"),
    "beam sampling": ({"num_beams": 2, "do_sample": True}, "use num_beams=1"),
    "assistant": ({"assistant_model": True}, "leave out assistant_model"),
    "prompt lookup": ({"prompt_lookup_num_tokens": 2}, "leave out assistant_model and prompt_lookup_num_tokens"),
    "no cache": ({"use_cache": False}, "use_cache=False leaves no value cache to steer; leave it out"),
    "contrastive": ({"penalty_alpha": 0.5, "top_k": 4}, "use greedy search or sampling"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_unsupported_modes_are_refused_by_name(name: str) -> None:
    """Every decoding mode that the method cannot steer raises UnsupportedGenerationError, which says what to leave out."""
    settings, words = dict(REFUSED[name][0]), REFUSED[name][1]
    model, inputs = shared_model(), prompt()
    if "assistant_model" in settings:
        settings["assistant_model"] = shared_model("qwen2_5_vl", True)
    with pytest.raises(UnsupportedGenerationError, match=words):
        generate(model, inputs, STRONG, **settings)


@pytest.mark.parametrize("name", list(PRESETS))
def test_a_preset_may_be_named(name: str) -> None:
    """Its name stands for its settings."""
    named = generate(shared_model(), prompt(), name, max_new_tokens=6)
    assert torch.equal(named, generate(shared_model(), prompt(), PRESETS[name], max_new_tokens=6))


@pytest.mark.parametrize("given", ["v_reason", {"controller": None}, 4])
def test_what_is_no_method_is_refused(given: Any) -> None:
    """With what to pass in its place."""
    with pytest.raises(ConfigError, match=r"vreason: .* is no method; pass a preset's name \(baseline, .*or a vreason.VReasonConfig"):
        generate(shared_model(), prompt(), given, max_new_tokens=2)


@pytest.mark.parametrize("names", [["a"], ["a", "a", "b"], ["a", "b", "c", "d"]], ids=len)
def test_sample_ids_must_name_every_row_once(names: list[str]) -> None:
    """Too few, too many or doubled names for three rows raise ConfigError at `sample_ids`."""
    with pytest.raises(ConfigError, match=r"sample_ids: .*for 3 row\(s\)"):
        generate(shared_model(), prompt("qwen2_5_vl", *BATCH), STRONG, sample_ids=names)


@pytest.fixture
def touchy() -> Iterator[Any]:
    """A model in training mode with some parameters frozen, a gradient on one, and a hook of its owner's."""
    model = build_model()
    model.train()
    model.model.visual.eval()
    for parameter in list(model.parameters())[::2]:
        parameter.requires_grad_(False)
    model.lm_head.weight.grad = torch.ones_like(model.lm_head.weight) if model.lm_head.weight.requires_grad else None
    with model.model.language_model.layers[-1].register_forward_pre_hook(lambda *_: None):
        yield model


def _state(model: Any) -> list[Any]:
    hooks = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks")
    modules = [(part.training, [len(getattr(part, hook)) for hook in hooks], sorted(vars(part))) for part in model.modules()]
    parameters = [(p.requires_grad, None if p.grad is None else p.grad.tolist(), p.tolist()) for p in model.parameters()]
    return [modules, parameters, torch.is_grad_enabled(), torch.is_inference_mode_enabled(), model.generation_config.to_dict()]


class Stop(BaseException):
    """Not an Exception: as when somebody presses Ctrl-C."""


@pytest.mark.parametrize("where", ["nowhere", "prefill", "processor", "forward", "criterion", "refused", "observer", "memory"])
@pytest.mark.parametrize("caller", [torch.enable_grad, torch.no_grad, torch.inference_mode, nullcontext])
def test_model_and_modes_are_left_as_they_were(touchy: Any, where: str, caller: Any) -> None:
    """Hooks, grads, requires_grad, training flags, weights, grad and inference mode: as before, whether the call ends or breaks."""
    inputs, count = prompt(), 0

    def breaks(*arguments: Any, **_: Any) -> Any:
        nonlocal count
        count += 1
        if count == (1 if where in ("prefill", "observer") else 3):  # the third token is an update
            raise Stop
        return torch.zeros(1, dtype=torch.bool) if where == "criterion" else arguments[1]

    settings: dict[str, Any] = {
        "processor": {"logits_processor": LogitsProcessorList([breaks])},
        "criterion": {"stopping_criteria": StoppingCriteriaList([breaks])},
        "refused": {"num_beams": 2},
        "memory": {"memory": lambda: breaks(0, (1, "rss"))},
        "observer": {"observers": [type("Broken", (), {"on_steps": breaks})()]},
    }.get(where, {})
    with caller():
        hook = touchy.lm_head.register_forward_hook(lambda *_: breaks(0, None)) if where in ("forward", "prefill") else None
        before = _state(touchy)
        ends: dict[str, Any] = {"nowhere": nullcontext(), "refused": pytest.raises(UnsupportedGenerationError)}
        with ends.get(where, pytest.raises(Stop)):
            generate(touchy, inputs, STRONG, **settings)
        assert before == _state(touchy)
        if hook is not None:
            hook.remove()


def test_inference_mode_callers_get_the_same_tokens() -> None:
    """Inputs made and `generate` called in inference mode: the same steered tokens as outside it."""
    model = shared_model()
    outside = generate(model, prompt("qwen2_5_vl", *BATCH), STRONG, suppress_tokens=special_ids())
    with torch.inference_mode():
        inside = generate(model, prompt("qwen2_5_vl", *BATCH), STRONG, suppress_tokens=special_ids())
    assert outside.tolist() == inside.tolist()
