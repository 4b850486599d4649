"""vreason.models.registry: a family's adapter, of this package or of one that is installed."""

from __future__ import annotations

import sys
from typing import Any

import pytest
import torch
import transformers

import vreason
from tests.helpers.raised import error_of
from tests.helpers.site_packages import SitePackages
from tests.helpers.tiny_models import FAMILIES, build_model, prompt, shared_model
from vreason.errors import PluginError, UnsupportedModelError
from vreason.models import adapter_for, supported_families
from vreason.plugins import MODELS

SOURCE = """
from vreason.models.qwen_vl import QwenVLAdapter

class Adapter(QwenVLAdapter):
    model_types = ("mine_vl",)

adapter = Adapter()

class Half:
    model_types = ("half_vl",)
    inputs = None

    def decoder_layers(self, model): ...
    def head(self, model): ...

class NeedsArguments(Adapter):
    def __init__(self, processor): ...
"""
OFFERED = {
    "mine_vl": "mine_vl_adapter:Adapter",
    "made_vl": "mine_vl_adapter:adapter",
    "half_vl": "mine_vl_adapter:Half",
    "gone_vl": "mine_vl_adapter:Gone",
    "fails_vl": "mine_vl_adapter:NeedsArguments",
}


@pytest.fixture
def mine(site_packages: SitePackages) -> None:
    """A package with adapters, good and bad."""
    site_packages.install("vreason-mine", {MODELS: OFFERED}, "0.3", mine_vl_adapter=SOURCE)


def config_of(family: str) -> Any:
    """A config that says nothing but its family."""
    return type("Config", (), {"model_type": family})()


def test_every_supported_family_is_listed(site_packages: SitePackages) -> None:
    """The families named to users are those that have an adapter, those of installed packages behind this one's; none is imported."""
    assert FAMILIES == supported_families()
    site_packages.install("vreason-mine", {MODELS: OFFERED}, mine_vl_adapter="raise RuntimeError")
    assert (*FAMILIES, *sorted(OFFERED)) == supported_families()
    assert "mine_vl_adapter" not in sys.modules


def test_the_families_configs_choose_their_adapter() -> None:
    """Each family's own config finds an adapter that names the family."""
    for family in FAMILIES:
        assert family in adapter_for(shared_model(family).config).model_types


@pytest.mark.usefixtures("mine")
@pytest.mark.parametrize("family", ["mine_vl", "made_vl"])
def test_a_family_of_an_installed_package_is_steered(family: str) -> None:
    """A real model whose config has another name: the package's adapter, a class or an object, gives the tokens of the original."""
    inputs: dict[str, Any] = {**prompt(), "custom_generate": vreason.decode, "max_new_tokens": 12, "do_sample": False}
    method = vreason.VReasonConfig(vreason.ControllerConfig(k=2, lr=0.05))
    model = build_model()
    expected = model.generate(**inputs, vreason=method)
    model.config.model_type = family
    assert "Adapter" == type(adapter_for(model.config).inner).__name__  # type: ignore[attr-defined]
    assert torch.equal(expected, model.generate(**inputs, vreason=method))


@pytest.mark.usefixtures("mine")
def test_a_package_does_not_take_a_family_of_this_one(site_packages: SitePackages) -> None:
    """Whatever a package offers under a name of ours, ours is taken."""
    site_packages.install("grabs", {MODELS: {"qwen2_5_vl": "mine_vl_adapter:adapter"}})
    assert "vreason.models.qwen_vl" == type(adapter_for(config_of("qwen2_5_vl"))).__module__
    assert "QwenVLAdapter" == type(adapter_for(config_of("qwen2_5_vl"))).__name__


@pytest.mark.usefixtures("mine")
@pytest.mark.parametrize(
    ("family", "message"),
    [
        ("half_vl", "the adapter 'half_vl' of vreason-mine 0.3 lacks video_mask, messages, inputs; see vreason.models.ModelAdapter"),
        ("gone_vl", "plug-in 'gone_vl' (vreason.models, mine_vl_adapter:Gone) of vreason-mine 0.3 cannot be loaded: AttributeError: "),
        ("fails_vl", "the adapter 'fails_vl' of vreason-mine 0.3 cannot be made: TypeError: "),
    ],
)
def test_an_adapter_that_cannot_be_used(family: str, message: str) -> None:
    """PluginError names the family, the distribution and what is wrong."""
    error = error_of(lambda: adapter_for(config_of(family)))
    assert isinstance(error, PluginError)
    assert str(error).startswith(message)


@pytest.mark.usefixtures("mine")
def test_an_unknown_family_is_told_how_to_write_an_adapter() -> None:
    """UnsupportedModelError names the family, those there are, the protocol, the entry points and a template; so does `decode`."""
    config = transformers.LlamaConfig(vocab_size=50, hidden_size=32, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2)
    words = r"'llama'.*qwen2_vl, qwen2_5_vl, qwen3_vl.*mine_vl.*write a class.*ModelAdapter.*'vreason.models'.*docs/guides/model\.md"
    with pytest.raises(UnsupportedModelError, match=words):
        adapter_for(config)
    model = transformers.LlamaForCausalLM(config)
    with pytest.raises(UnsupportedModelError, match="'llama'"):
        model.generate(torch.ones(1, 4, dtype=torch.long), custom_generate=vreason.decode, max_new_tokens=2, pad_token_id=0)
    with pytest.raises(UnsupportedModelError, match="None"):
        adapter_for(object())
