"""vreason.models.plugin_adapter: somebody else's adapter, whose mistakes are said in words."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from transformers import BatchFeature

from tests.helpers.raised import error_of
from tests.helpers.tiny_models import processor, prompt, shared_model
from vreason.errors import DataError, PluginError
from vreason.models.plugin_adapter import PluginAdapter
from vreason.models.qwen_vl import QwenVLAdapter
from vreason.video.frames import VideoFrames

WHAT = "'mine' of vreason-mine 0.3"
IDS = torch.zeros(2, 5, dtype=torch.long)


def adapter(**methods: Any) -> PluginAdapter:
    """One that is right but for these methods."""
    inner = QwenVLAdapter()
    for name, method in methods.items():
        setattr(inner, name, method)
    return PluginAdapter(inner, WHAT)


def clip() -> VideoFrames:
    """Two frames."""
    return VideoFrames("a.mp4", np.zeros((2, 56, 56, 3), np.uint8), (0, 1), (0.0, 0.5), 2.0, 2, 1.0)


def test_what_is_right_comes_through() -> None:
    """Every method returns what theirs returns, the same objects."""
    model, ids = shared_model(), prompt()["input_ids"]
    theirs, ours = QwenVLAdapter(), adapter()
    assert theirs.model_types == ours.model_types
    assert theirs.decoder_layers(model) is ours.decoder_layers(model)
    assert theirs.head(model) == ours.head(model)
    assert torch.equal(theirs.video_mask(model, ids), ours.video_mask(model, ids))
    assert theirs.messages("Up?", 1) == ours.messages("Up?", 1)
    chat = processor().apply_chat_template(ours.messages("Up?", 1), tokenize=False, add_generation_prompt=True)
    turns = [(chat, [clip()]), (chat + "longer", [clip()])]
    made, expected = (each.inputs(processor(), turns, (784, 3136)) for each in (ours, theirs))
    assert all(torch.equal(value, made[name]) for name, value in expected.items() if isinstance(value, torch.Tensor))


def test_an_adapter_need_not_repeat_its_family() -> None:
    """The name of its entry point says it."""
    assert () == PluginAdapter(object(), WHAT).model_types  # type: ignore[arg-type]


CALLS = {
    "decoder_layers": (None,),
    "head": (None,),
    "video_mask": (None, IDS),
    "messages": ("Up?", 1),
    "inputs": (None, [("Up?", []), ("Down?", [])], None),
}


@pytest.mark.parametrize("method", CALLS)
def test_what_theirs_raises_is_told_with_the_package(method: str) -> None:
    """PluginError with the method; a NotImplementedError, which a template has, is never taken for a fault of the frames."""
    for raised in (KeyError("layers"), NotImplementedError("place 3")):

        def fails(*_: Any, raised: Exception = raised) -> None:
            raise raised

        error = error_of(lambda: getattr(adapter(**{method: fails}), method)(*CALLS[method]))
        assert isinstance(error, PluginError)
        assert f"the adapter {WHAT}: {method} failed: {type(raised).__name__}: {raised}; fix it" == str(error)


@pytest.mark.parametrize(
    "raised", [ValueError("too small"), MemoryError(), RuntimeError("out of memory"), DataError("a.mp4: no")], ids=repr
)
def test_what_inputs_raises_of_the_frames_comes_through(raised: Exception) -> None:
    """An evaluation makes it the sample's error."""

    def refuses(*_: Any) -> None:
        raise raised

    assert error_of(lambda: adapter(inputs=refuses).inputs(*CALLS["inputs"])) is raised


NORM, HEAD = torch.nn.LayerNorm(4), torch.nn.Linear(4, 9)


@pytest.mark.parametrize(
    ("method", "made", "told"),
    [
        ("decoder_layers", None, "a NoneType; return the language model's layers, a list of modules"),
        ("decoder_layers", [], "a list; return the language model's layers"),
        ("decoder_layers", torch.nn.ModuleList(), "a ModuleList; return the language model's layers"),
        ("decoder_layers", ["layers"], "a list; return the language model's layers"),
        ("head", HEAD, "a Linear; return the final norm and the LM head, a tuple of two modules"),
        ("head", (NORM, None), "a tuple; return the final norm"),
        ("head", (NORM, torch.nn.Identity()), "a tuple; return the final norm"),
        ("video_mask", None, "a NoneType; return a tensor of bool of the shape (2, 5) of input_ids"),
        ("video_mask", IDS, "a tensor of torch.int64 of shape (2, 5); return a tensor of bool"),
        ("video_mask", IDS[0] == 0, "a tensor of torch.bool of shape (5,); return a tensor of bool"),
        ("messages", "Up?", "a str; return a list of messages, each a dict"),
        ("messages", ["Up?"], "a list; return a list of messages"),
        ("inputs", {"input_ids": IDS}, "a dict; return what the processor returns, with input_ids of shape (2, tokens)"),
        ("inputs", BatchFeature({"pixel_values": IDS}), "a BatchFeature; return what the processor returns"),
        ("inputs", BatchFeature({"input_ids": IDS[:1]}), "a BatchFeature; return what the processor returns"),
        ("inputs", BatchFeature({"input_ids": IDS[0]}), "a BatchFeature; return what the processor returns"),
        ("inputs", BatchFeature({"input_ids": [[1], [2]]}), "a BatchFeature; return what the processor returns"),
    ],
)
def test_what_cannot_be_used_is_told(method: str, made: Any, told: str) -> None:
    """With what it is, and what to return."""
    error = error_of(lambda: getattr(adapter(**{method: lambda *_: made}), method)(*CALLS[method]))
    assert isinstance(error, PluginError)
    assert str(error).startswith(f"the adapter {WHAT}: {method} returned {told}")


def test_padding_on_the_right_is_refused() -> None:
    """It would put the shorter prompts' replies behind their padding."""
    mask = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]])
    error = error_of(lambda: adapter(inputs=lambda *_: BatchFeature({"input_ids": IDS, "attention_mask": mask})).inputs(*CALLS["inputs"]))
    assert isinstance(error, PluginError)
    assert "inputs pads on the right; pad on the left" in str(error)
    assert adapter(inputs=lambda *_: BatchFeature({"input_ids": IDS, "attention_mask": mask.flip(1)})).inputs(*CALLS["inputs"])
