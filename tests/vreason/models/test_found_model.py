"""vreason.models.found_model: what is known of a model before its weights are read."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch

from vreason.errors import UnsupportedModelError
from vreason.models import found_model
from vreason.models.found_model import find_model
from vreason.models.spec import ModelSpec


@pytest.fixture
def copy(random_model_folder: Path, tmp_path: Path) -> Path:
    """A saved model, to be spoilt."""
    shutil.copytree(random_model_folder, tmp_path / "model")
    return tmp_path / "model"


def refused(folder: Path, device: str = "cpu") -> str:
    with pytest.raises(UnsupportedModelError) as caught:
        find_model(ModelSpec(id=str(folder), device=device))
    return str(caught.value)


def test_a_folder(copy: Path) -> None:
    """Its family and adapter; the hub is not asked."""
    found = find_model(ModelSpec(id=str(copy), device="cpu"))
    assert (str(copy), "qwen2_5_vl", False, None) == (found.source, found.family, found.cached, found.hub_fault)
    assert found.family in found.adapter.model_types


def test_the_weights_are_not_read(copy: Path) -> None:
    """Only whether they are there."""
    (copy / "model.safetensors").write_bytes(b"these are no weights, but nobody has looked")
    assert "qwen2_5_vl" == find_model(ModelSpec(id=str(copy), device="cpu")).family


def test_weights_that_git_has_not_fetched(copy: Path) -> None:
    """A clone without git-lfs has pointers in their place."""
    (copy / "model.safetensors").write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    assert "model.safetensors is a pointer that git left in the place of the weights; run `git lfs pull` there" in refused(copy)


def test_no_weights(copy: Path) -> None:
    """A folder without weights is refused, and the message says which files are looked for."""
    (copy / "model.safetensors").unlink()
    assert "the folder has no weights (*.safetensors, *.bin); copy them there" in refused(copy)


def test_a_part_of_the_weights(copy: Path) -> None:
    """Files that the index names and that were not copied."""
    index = {"weight_map": {"a": "model.safetensors", "b": "model-00002.safetensors", "c": "model-00003.safetensors"}}
    (copy / "model.safetensors.index.json").write_text(json.dumps(index))
    assert "model-00002.safetensors and 1 more of its index is not there; copy all of its files" in refused(copy)


@pytest.mark.parametrize("text", ["{", "[]", '{"weight_map": 3}', "\xff"])
def test_an_index_that_is_none(copy: Path, text: str) -> None:
    """An index of weights that is no index is refused by name."""
    (copy / "model.safetensors.index.json").write_text(text, encoding="latin-1")
    assert "model.safetensors.index.json cannot be read" in refused(copy)


@pytest.mark.parametrize("text", ["{", "[]", '"text"', "\xff"])
def test_a_config_that_is_none(copy: Path, text: str) -> None:
    """The message names the model, and it is no traceback."""
    (copy / "config.json").write_text(text, encoding="latin-1")
    assert str(copy) in refused(copy)


def test_a_gpu_that_is_not_there(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with two GPUs has no third."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert "model.device is 'cuda:2', but torch sees 2 CUDA device(s); the last one is cuda:1" in refused(copy, "cuda:2")
    assert {"device_map": "cuda:1"} == find_model(ModelSpec(id=str(copy), device="cuda:1")).placement


def test_the_demo(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo's model is found without a network."""
    monkeypatch.setattr(found_model, "DEMO_WEIGHTS", copy)
    assert str(copy) == find_model(ModelSpec(device="cpu")).source
