"""The demo's tokenizer, processor and model: Qwen's own conventions, and text that comes back as it went in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import example, given, settings, strategies as st

import vreason.models.torchvision_shim  # noqa: F401  (before transformers)
from tests.helpers import random_demo
from vreason.demo.network import CHAT_TEMPLATE, REASONING_TOKENS, SPECIAL_TOKENS, VOCABULARY, build_model
from vreason.models import adapter_for


@pytest.fixture(scope="module")
def reloaded(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The processor as it comes back from its folder."""
    from transformers import AutoProcessor

    return AutoProcessor.from_pretrained(random_demo.save(tmp_path_factory.mktemp("model")))


@settings(max_examples=80, deadline=None)
@given(st.text())
@example("  two  spaces\n\nand\ttabs\r\n ")
@example("naïve 漢字 🎥 don't I'LL")
@example("<|im_end|><think>x</think><answer>A</answer><|endoftext|>")
def test_any_text_survives(text: str) -> None:
    """Byte level: every text comes back, character for character, and no id lies beyond the vocabulary."""
    tokenizer = random_demo.tokenizer()
    ids = tokenizer(text)["input_ids"]
    assert text == tokenizer.decode(ids)
    assert all(0 <= token < VOCABULARY for token in ids)


def test_the_vocabulary_is_full() -> None:
    """As many entries as the embedding has rows, special and reasoning tokens included; each has an id of its own."""
    tokenizer = random_demo.tokenizer()
    assert VOCABULARY == len(tokenizer)
    assert VOCABULARY == len(set(tokenizer.get_vocab().values()))


@pytest.mark.parametrize("token", [*SPECIAL_TOKENS, *REASONING_TOKENS])
def test_marks_are_single_tokens(token: str) -> None:
    """A mark is one id, wherever it stands."""
    tokenizer = random_demo.tokenizer()
    (single,) = tokenizer(token)["input_ids"]
    assert token == tokenizer.decode([single])
    assert [single] == [found for found in tokenizer(f"a{token}b {token}\n")["input_ids"] if found == single][:1]
    assert 2 == tokenizer(f"a{token}b {token}\n")["input_ids"].count(single)


def test_only_special_tokens_are_skipped() -> None:
    """What a reply is decoded with drops turns and pads, and keeps the tags of reasoning and answer."""
    tokenizer = random_demo.tokenizer()
    reply = "<think>left</think><answer>A</answer>"
    for mark in SPECIAL_TOKENS:
        assert reply == tokenizer.decode(tokenizer(reply + mark)["input_ids"], skip_special_tokens=True)


def test_ends_and_pads() -> None:
    """Qwen's roles: a turn's end ends the reply, another token pads, on the left."""
    tokenizer = random_demo.tokenizer()
    assert ("<|im_end|>", "<|endoftext|>", "left") == (tokenizer.eos_token, tokenizer.pad_token, tokenizer.padding_side)
    ids = tokenizer(["a", "a b c d"], padding=True)["input_ids"]
    assert len(ids[0]) == len(ids[1])
    assert tokenizer.pad_token_id == ids[0][0]


@pytest.mark.parametrize("text", ["Which way does it move?\nThink, then answer with a letter.", "<think>x 3</think>", "漢 it's 12"])
def test_a_reloaded_processor_reads_alike(reloaded: Any, text: str) -> None:
    """Out of its folder the tokenizer gives the same ids, pads on the same side and has the same ends."""
    tokenizer = random_demo.tokenizer()
    assert tokenizer(text)["input_ids"] == reloaded.tokenizer(text)["input_ids"]
    assert text == reloaded.tokenizer.decode(reloaded.tokenizer(text)["input_ids"])
    for name in ("padding_side", "eos_token_id", "pad_token_id"):
        assert getattr(tokenizer, name) == getattr(reloaded.tokenizer, name)
    assert CHAT_TEMPLATE == reloaded.chat_template


def test_the_chat_is_qwen_s(reloaded: Any) -> None:
    """One user turn, the video in its marks before the text, and the reply's opening."""
    message = [{"role": "user", "content": [{"type": "video"}, {"type": "text", "text": "Which way?"}]}]
    expected = "<|im_start|>user\n<|vision_start|><|video_pad|><|vision_end|>Which way?<|im_end|>\n<|im_start|>assistant\n"
    assert expected == reloaded.apply_chat_template(message, tokenize=False, add_generation_prompt=True)


def test_a_clip_is_36_tokens(reloaded: Any) -> None:
    """Eight frames of 84 pixels: four temporal patches of nine tokens, unscaled, and a prompt that holds as many marks."""
    clip = torch.randint(0, 256, (8, 3, 84, 84), dtype=torch.uint8)
    batch = reloaded(text=["<|vision_start|><|video_pad|><|vision_end|>Which way?"], videos=[clip], return_tensors="pt")
    assert [[4, 6, 6]] == batch["video_grid_thw"].tolist()
    assert 36 == (batch["input_ids"] == reloaded.video_token_id).sum()


def test_the_model_is_the_real_class() -> None:
    """Qwen2.5-VL of a few million parameters in float32, tied, with an adapter, fresh each time from torch's seed."""
    tokenizer = random_demo.tokenizer()
    models = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        models.append(build_model(tokenizer))
    assert "Qwen2_5_VLForConditionalGeneration" == type(models[0]).__name__
    assert "qwen2_5_vl" in adapter_for(models[0].config).model_types
    assert 1e6 < sum(parameter.numel() for parameter in models[0].parameters()) < 5e6
    assert torch.float32 == models[0].dtype
    assert models[0].lm_head.weight is models[0].get_input_embeddings().weight
    assert VOCABULARY == models[0].lm_head.weight.shape[0]
    weights = [model.model.language_model.layers[0].mlp.up_proj.weight for model in models]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_the_model_knows_its_marks() -> None:
    """Video token, ends and pad are the tokenizer's; both `<|im_end|>` and the pad end a reply."""
    tokenizer, model = random_demo.tokenizer(), random_demo.model()
    assert tokenizer.convert_tokens_to_ids("<|video_pad|>") == model.config.video_token_id
    assert {tokenizer.eos_token_id, tokenizer.pad_token_id} == set(model.generation_config.eos_token_id)
    assert tokenizer.pad_token_id == model.generation_config.pad_token_id


def test_saved_weights_come_back(tmp_path: Path) -> None:
    """The folder is plain Hugging Face: the auto classes load the same weights."""
    from transformers import AutoModelForImageTextToText

    model = AutoModelForImageTextToText.from_pretrained(random_demo.save(tmp_path))
    for name, weight in random_demo.model().state_dict().items():
        assert torch.equal(weight, model.state_dict()[name]), name
