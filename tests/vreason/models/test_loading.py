"""A model by its id: what is found, how it is identified, and what is said when it cannot be had."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch

from tests.helpers import random_demo
from tests.helpers.site_packages import SitePackages
from vreason.errors import PluginError, UnsupportedModelError
from vreason.models import found_model, loading
from vreason.models.loading import load_model
from vreason.models.spec import ModelSpec
from vreason.plugins import MODELS


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A saved random model."""
    return random_demo.save(tmp_path_factory.mktemp("model"))


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """No hub: as with HF_HUB_OFFLINE=1, which is read when the library loads."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)


def copied(folder: Path, target: Path) -> Path:
    shutil.copytree(folder, target)
    return target


def test_a_folder_loads(folder: Path) -> None:
    """Model, processor and adapter, in evaluation mode, as saved; what it says of itself is true."""
    loaded = load_model(ModelSpec(id=str(folder), device="cpu"))
    assert not loaded.model.training
    assert "qwen2_5_vl" in loaded.adapter.model_types
    assert ("cpu", "float32", 512) == (loaded.device, loaded.dtype, loaded.vocabulary)
    assert "sdpa" == loaded.model.config._attn_implementation
    assert ModelSpec(id=str(folder), device="cpu") == loaded.spec
    weights = random_demo.model().state_dict()
    assert all(torch.equal(weights[name], value) for name, value in loaded.model.state_dict().items())
    assert "Which way?" == loaded.processor.tokenizer.decode(loaded.processor.tokenizer("Which way?")["input_ids"])


def test_dtype_and_attention_are_obeyed(folder: Path) -> None:
    """Another type of weights and another attention, as asked for."""
    loaded = load_model(ModelSpec(id=str(folder), device="cpu", dtype="bfloat16", attention="eager"))
    assert "bfloat16" == loaded.dtype
    assert {torch.bfloat16} == {parameter.dtype for parameter in loaded.model.parameters()}
    assert "eager" == loaded.model.config._attn_implementation


def test_demo_is_the_folder_of_weights(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The id "demo" needs no hub and no folder of the user's."""
    monkeypatch.setattr(found_model, "DEMO_WEIGHTS", folder)
    loaded = load_model(ModelSpec(device="cpu"))
    assert "demo" == loaded.spec.id
    assert load_model(ModelSpec(id=str(folder), device="cpu")).revision == loaded.revision


def test_the_revision_identifies_the_weights(folder: Path, tmp_path: Path) -> None:
    """The same weights elsewhere have the same revision; one changed number has another."""
    first = load_model(ModelSpec(id=str(folder), device="cpu")).revision
    assert first.startswith("sha256:")
    assert len(first) > len("sha256:") + 8
    copy = copied(folder, tmp_path / "copy")
    assert first == load_model(ModelSpec(id=str(copy), device="cpu")).revision
    weights = bytearray((copy / "model.safetensors").read_bytes())
    weights[-2] ^= 1
    (copy / "model.safetensors").write_bytes(weights)
    assert first != load_model(ModelSpec(id=str(copy), device="cpu")).revision


def test_large_weights_are_identified_by_names_and_sizes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Above the bound the weights are not read through; the revision says that it is of another sort."""
    whole = load_model(ModelSpec(id=str(folder), device="cpu")).revision
    monkeypatch.setattr(loading, "_HASHED_WHOLE", 1000)
    sized = load_model(ModelSpec(id=str(folder), device="cpu")).revision
    assert sized.startswith("files:")
    assert whole.split(":")[1] != sized.split(":")[1]


def test_weights_of_the_older_form_are_identified_too(tmp_path: Path) -> None:
    """Two folders whose weights lie in pytorch_model.bin have two revisions."""
    revisions = []
    for seed in (0, 1):
        target = random_demo.save(tmp_path / str(seed), seed=seed)
        (target / "model.safetensors").unlink()
        torch.save(random_demo.model(seed).state_dict(), target / "pytorch_model.bin")
        revisions.append(load_model(ModelSpec(id=str(target), device="cpu")).revision)
    assert revisions[0] != revisions[1]


def refused(spec: ModelSpec) -> str:
    with pytest.raises(UnsupportedModelError) as caught:
        load_model(spec)
    return str(caught.value)


@pytest.mark.parametrize("name", ["nobody/no-such-model", "/no/such/folder", "no such id"])
def test_an_unknown_model_is_named(name: str) -> None:
    """A hub id that is not in the cache, a folder that is not there, a text that is neither: the message names it and what to check."""
    message = refused(ModelSpec(id=name, device="cpu"))
    assert repr(name) in message
    assert "model.id" in message


@pytest.mark.parametrize("name", ["/no/such/folder", "./nowhere", "../a/b", "a/b/c", "weights/", "~/weights", "$HOME/weights"])
def test_a_folder_that_is_not_there_is_no_repository(name: str) -> None:
    """What is written as a path is said to be no folder, with the whole path, at once and without asking the hub."""
    message = refused(ModelSpec(id=name, device="cpu"))
    assert f"model.id {name!r}: no such folder ({Path(name).absolute()})" in message
    assert "repo id" not in message
    assert (name[0] in "~$") == ("~ and $NAMES are not replaced: write /" in message)


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    """A file of weights is not what is asked for."""
    (tmp_path / "model.safetensors").touch()
    spec = ModelSpec(id=str(tmp_path / "model.safetensors"), device="cpu")
    assert "is a file; name the folder of weights that it lies in" in refused(spec)


def test_an_empty_folder_is_named(tmp_path: Path) -> None:
    """A folder without a config is no model."""
    message = refused(ModelSpec(id=str(tmp_path), device="cpu"))
    assert str(tmp_path) in message
    assert "model.id" in message


def test_missing_weights_are_named(folder: Path, tmp_path: Path) -> None:
    """A config without weights is no model either."""
    copy = copied(folder, tmp_path / "copy")
    (copy / "model.safetensors").unlink()
    message = refused(ModelSpec(id=str(copy), device="cpu"))
    assert str(copy) in message
    assert "model.id" in message


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_damaged_weights_are_named(folder: Path, tmp_path: Path, share: float) -> None:
    """A file of weights that broke off, as after a full disk, is told by its model and not by a traceback."""
    copy = copied(folder, tmp_path / "copy")
    data = (copy / "model.safetensors").read_bytes()
    (copy / "model.safetensors").write_bytes(data[: int(len(data) * share)])
    assert str(copy) in refused(ModelSpec(id=str(copy), device="cpu"))


def test_another_family_is_refused(folder: Path, tmp_path: Path) -> None:
    """A family without an adapter: the message names it and says how to add one."""
    copy = copied(folder, tmp_path / "copy")
    (copy / "config.json").write_text(json.dumps({"model_type": "bert", "architectures": ["BertModel"]}))
    message = refused(ModelSpec(id=str(copy), device="cpu"))
    assert "'bert'" in message
    assert "adapter" in message


def test_an_adapter_that_cannot_be_loaded_is_its_package_s_fault(folder: Path, tmp_path: Path, site_packages: SitePackages) -> None:
    """PluginError names the package; nobody is sent to check the model's id."""
    site_packages.install("broken", {MODELS: {"llama": "broken_adapter:Adapter"}}, broken_adapter="import no_such_library_here")
    config = json.loads((folder / "config.json").read_text()) | {"model_type": "llama"}
    (copied(folder, tmp_path / "model") / "config.json").write_text(json.dumps(config))
    with pytest.raises(PluginError, match=r"^plug-in 'llama' .* of broken 1.0 cannot be loaded"):
        load_model(ModelSpec(id=str(tmp_path / "model"), device="cpu"))


PLUGIN = """
from transformers import AutoConfig, AutoModelForImageTextToText, Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

from vreason.models.qwen_vl import QwenVLAdapter


class GlanceConfig(Qwen2_5_VLConfig):
    model_type = "glance"


class GlanceForConditionalGeneration(Qwen2_5_VLForConditionalGeneration):
    config_class = GlanceConfig


class Adapter(QwenVLAdapter):
    model_types = ("glance",)


AutoConfig.register("glance", GlanceConfig)
AutoModelForImageTextToText.register(GlanceConfig, GlanceForConditionalGeneration)
"""


def offered(folder: Path, target: Path, packages: SitePackages, module: str) -> ModelSpec:
    """A copy of the model whose family transformers does not know, and an installed package with this module that offers its adapter."""
    copy = copied(folder, target / "model")
    config = json.loads((copy / "config.json").read_text()) | {"model_type": "glance"}
    (copy / "config.json").write_text(json.dumps(config))
    packages.install("glance-family", {MODELS: {"glance": "glance_family:Adapter"}}, glance_family=module)
    return ModelSpec(id=str(copy), device="cpu")


def test_a_plug_in_may_bring_the_classes_of_its_family(folder: Path, tmp_path: Path, site_packages: SitePackages) -> None:
    """It is imported before transformers is asked for a family that only its classes know."""
    loaded = load_model(offered(folder, tmp_path, site_packages, PLUGIN))
    assert ("glance", ("glance",)) == (loaded.model.config.model_type, loaded.adapter.model_types)
    assert "GlanceForConditionalGeneration" == type(loaded.model).__name__


def test_a_plug_in_that_cannot_be_loaded_is_named(folder: Path, tmp_path: Path, site_packages: SitePackages) -> None:
    """With its package and what to do; it is no fault of the model's id."""
    with pytest.raises(PluginError, match=r"of glance-family 1\.0 cannot be loaded: ZeroDivisionError: .*; upgrade or remove that package"):
        load_model(offered(folder, tmp_path, site_packages, "1 / 0"))


@pytest.mark.parametrize("device", ["cuda", "cuda:3"])
def test_no_cuda(folder: Path, device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a CUDA device the message names the field and what to use instead."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    message = refused(ModelSpec(id=str(folder), device=device))
    assert "model.device" in message
    assert repr(device) in message
    assert "device: cpu" in message


def test_no_apple_gpu(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an Apple GPU the message names the field and what to use instead."""
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    message = refused(ModelSpec(id=str(folder), device="mps"))
    assert "model.device" in message
    assert "'mps'" in message
    assert "device: cpu" in message


def test_an_attention_that_is_not_installed_is_named(folder: Path) -> None:
    """An attention that this machine cannot have is named."""
    assert "flash_attention_2" in refused(ModelSpec(id=str(folder), device="cpu", attention="flash_attention_2"))
