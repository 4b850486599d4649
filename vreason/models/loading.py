"""A model by its id: the embedded demo, a folder, or a Hugging Face hub repository."""

from __future__ import annotations

import hashlib
import logging
import os
import time
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch

import vreason.models.torchvision_shim  # noqa: F401  (before transformers)
from vreason.errors import UnsupportedModelError, VReasonError
from vreason.models.adapter import ModelAdapter
from vreason.models.hf_internals import commit_of
from vreason.models.registry import adapter_for
from vreason.models.spec import DEMO, ModelSpec

_log = logging.getLogger(__name__)

DEMO_WEIGHTS = Path(__file__).parents[1] / "demo" / "weights"
_HASHED_WHOLE = 2**30  # bytes of weights up to which a folder is identified by its contents


@dataclass(frozen=True)
class LoadedModel:
    """A model ready to answer. `revision` identifies the weights: a hub commit, or a digest of the folder."""

    model: Any
    processor: Any
    adapter: ModelAdapter
    spec: ModelSpec
    revision: str

    @property
    def device(self) -> str:
        """Device of the first parameters, for example "cuda:0"."""
        return str(self.model.device)

    @property
    def dtype(self) -> str:
        """Type of the weights, for example "bfloat16"."""
        return str(self.model.dtype).removeprefix("torch.")

    @property
    def vocabulary(self) -> int:
        """Number of tokens over which entropy is taken: the rows of the LM head."""
        return int(self.adapter.head(self.model)[1].weight.shape[0])


def load_model(spec: ModelSpec) -> LoadedModel:
    """Load model and processor, in evaluation mode.

    Raises:
        UnsupportedModelError: the id cannot be found, the family has no adapter, or the device is not there.
        PluginError: the package that offers the family's adapter cannot be loaded.
    """
    from transformers import AutoConfig, AutoModelForImageTextToText, AutoProcessor

    source = str(DEMO_WEIGHTS) if spec.id == DEMO else spec.id
    _require_place(spec.id)
    placement = _placement(spec.device)
    began = time.monotonic()
    _log.info("loading model %s from %s (revision %s, dtype %s, device %s)", spec.id, source, spec.revision, spec.dtype, spec.device)
    try:
        adapter = _adapter(source, spec.revision)
        config = AutoConfig.from_pretrained(source, revision=spec.revision)
        processor = AutoProcessor.from_pretrained(source, revision=spec.revision)
        model = AutoModelForImageTextToText.from_pretrained(
            source, revision=spec.revision, dtype=spec.dtype, attn_implementation=spec.attention, **placement
        )
    except VReasonError:
        raise
    except Exception as error:  # transformers, safetensors and the hub's client raise whatever they like
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise UnsupportedModelError(
            f"model {spec.id!r} cannot be loaded as dtype {spec.dtype} with {spec.attention} attention: {first} Check model.id and"
            " model.revision, and that the hub can be reached or the weights are whole and in its cache; model.id: demo needs neither"
        ) from error
    if not placement:
        model = model.to("cpu" if spec.device == "auto" else spec.device)
    loaded = LoadedModel(model.eval(), processor, adapter, spec, _revision(source, config))
    seconds = time.monotonic() - began
    _log.info("model %s loaded in %.1f s: revision %s, %s on %s", spec.id, seconds, loaded.revision, loaded.dtype, loaded.device)
    return loaded


def _require_place(model_id: str) -> None:
    """What is written as a path must be a folder; anything else may be a repository of the hub.

    Raises:
        UnsupportedModelError: there is no such folder, or it is none.
    """
    path = Path(model_id)
    written = model_id.startswith(("/", "./", "../", "~", "$")) or model_id.count("/") > 1 or model_id.endswith("/") or "\\" in model_id
    if path.is_dir() or not (written or path.exists()):
        return
    if path.exists():
        raise UnsupportedModelError(f"model.id {model_id!r} is a file; name the folder of weights that it lies in")
    whole = os.path.expandvars(os.path.expanduser(model_id))
    hint = f"; ~ and $NAMES are not replaced: write {whole} out" if model_id[:1] in "~$" else ""
    where = f"no such folder ({path.absolute()}){hint}"
    raise UnsupportedModelError(f"model.id {model_id!r}: {where}; check the path, or name a repository of the hub")


def _adapter(source: str, revision: str | None) -> ModelAdapter:
    """The family's adapter, found before transformers makes anything of the config: a plug-in may register classes with it on import."""
    from transformers import PreTrainedConfig

    values, _ = PreTrainedConfig.get_config_dict(source, revision=revision)
    if not values:
        raise FileNotFoundError("it has no config.json.")
    return adapter_for(SimpleNamespace(model_type=values.get("model_type")))


def _placement(device: str) -> dict[str, Any]:
    """Keyword arguments that put the weights where they belong while they are read.

    Raises:
        UnsupportedModelError: this machine has no such device, or torch cannot use it.
    """
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise UnsupportedModelError(
            f"model.device is {device!r}, but this torch sees no CUDA device; use device: cpu, or install a CUDA build of torch"
        )
    if device == "mps" and not torch.backends.mps.is_available():
        raise UnsupportedModelError(f"model.device is {device!r}, but this torch sees no Apple GPU; use device: cpu")
    if device == "auto" and torch.cuda.is_available():
        return {"device_map": "auto"} if torch.cuda.device_count() > 1 else {"device_map": "cuda:0"}
    return {"device_map": device} if device.startswith("cuda") else {}


def _revision(source: str, config: Any) -> str:
    """A hub commit, or "sha256:..." of a folder's weights (by names and sizes, "files:...", above 1 GiB)."""
    if commit := commit_of(config):
        return commit
    files = sorted(Path(source).glob("*.safetensors")) or sorted(Path(source).glob("*.bin"))
    whole = sum(file.stat().st_size for file in files) <= _HASHED_WHOLE
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.name}:{file.stat().st_size}".encode())
        if whole:
            digest.update(file.read_bytes())
    return f"{'sha256' if whole else 'files'}:{digest.hexdigest()[:16]}"
