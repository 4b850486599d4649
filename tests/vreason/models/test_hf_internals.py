"""vreason.models.hf_internals: the private names of transformers that we use, held to the version that is installed."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pytest
import transformers
from transformers import GenerationConfig, GenerationMixin, PretrainedConfig

from vreason.models import hf_internals

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("_prefill", ["self", "input_ids", "generation_config", "model_kwargs", "is_first_iteration"]),
        ("_optimize_model_for_decode", ["self"]),
        ("_update_model_kwargs_for_generation", ["self", "outputs", "model_kwargs", "is_encoder_decoder", "num_new_tokens"]),
    ],
)
def test_generate_still_has_it(name: str, parameters: list[str]) -> None:
    """A method of this name is there and takes these parameters; a change fails here, by its name."""
    found = inspect.signature(inspect.unwrap(getattr(GenerationMixin, name)))
    assert parameters == list(found.parameters)


def test_the_pad_token_is_prepared() -> None:
    """`generate` puts `_pad_token_tensor` on the config that a callable is handed."""
    assert "_pad_token_tensor" in inspect.getsource(GenerationMixin._prepare_special_tokens)
    assert not hasattr(GenerationConfig(), "_pad_token_tensor")


def test_a_configs_commit() -> None:
    """The hub's commit where a config has one; None of a folder's."""
    config = PretrainedConfig()
    assert hf_internals.commit_of(config) is None
    assert "_commit_hash" in inspect.getsource(PretrainedConfig)
    config._commit_hash = "4c71d97"
    assert "4c71d97" == hf_internals.commit_of(config)


def test_generate_keeps_these_arguments_in_its_frame() -> None:
    """`streamer` and `assistant_model` are parameters of `generate`, whose frame `caller_argument` reads."""
    assert {"streamer", "assistant_model"} <= set(inspect.signature(inspect.unwrap(GenerationMixin.generate)).parameters)


def test_generate_takes_the_tokenizer_where_it_is_put_back() -> None:
    """In the method of this name, whose locals are called so, before it looks into the signature of a custom function."""
    source = inspect.getsource(GenerationMixin._extract_generation_mode_kwargs)
    taken, looked = (
        source.index('"tokenizer": kwargs.pop("tokenizer", None)'),
        source.index("inspect.signature(custom_generate).parameters"),
    )
    assert source.index("generation_mode_kwargs = {") < taken < looked


def test_the_signature_is_the_functions_own() -> None:
    """It reads as any other, and is that of the function."""

    def own(model: object, tokenizer: object = None) -> int:
        return 3

    whole = inspect.signature(own)
    told = hf_internals.told_of_tokenizer(own)
    assert (own, str(whole), dict(whole.parameters)) == (told, str(inspect.signature(told)), dict(inspect.signature(told).parameters))


def test_the_version_that_was_checked_is_installed() -> None:
    """Another version of transformers has to be read again: run these tests, then change `CHECKED_WITH`."""
    assert hf_internals.CHECKED_WITH == transformers.__version__


def test_no_other_file_uses_a_private_name() -> None:
    """Outside of hf_internals no source file reads a private attribute of a model, its config or its generation config."""
    owners = {"model", "config", "generation", "generation_config", "cache", "processor"}
    found = []
    for path in sorted((ROOT / "vreason").rglob("*.py")):
        if path.name == "hf_internals.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.startswith("__"):
                owner = node.value.attr if isinstance(node.value, ast.Attribute) else getattr(node.value, "id", "")
                found += [f"{path.name}:{node.lineno} {owner}.{node.attr}"] if owner in owners else []
    assert [] == found
