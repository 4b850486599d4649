"""A model by its id: the embedded demo, a folder, or a Hugging Face hub repository."""

from __future__ import annotations

import hashlib
import logging
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import vreason.models.torchvision_shim  # noqa: F401  (before transformers)
from vreason.errors import VReasonError
from vreason.models.adapter import ModelAdapter
from vreason.models.found_model import DEMO_WEIGHTS as DEMO_WEIGHTS, FoundModel, find_model, unloadable
from vreason.models.hf_internals import commit_of
from vreason.models.spec import ModelSpec

_log = logging.getLogger(__name__)

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


def load_model(spec: ModelSpec, found: FoundModel | None = None) -> LoadedModel:
    """Load model and processor, in evaluation mode.

    Args:
        spec: which, and how.
        found: what `find_model` has said of it; None has it looked for.

    Raises:
        UnsupportedModelError: the id cannot be found, the family has no adapter, or the device is not there.
        PluginError: the package that offers the family's adapter cannot be loaded.
    """
    from transformers import AutoConfig, AutoModelForImageTextToText, AutoProcessor

    found = found or find_model(spec)
    began = time.monotonic()
    _log.info("loading model %s from %s (revision %s, dtype %s, device %s)", spec.id, found.source, spec.revision, spec.dtype, spec.device)
    if found.hub_fault:
        _log.warning("the hub does not answer (%s); model %s is taken from its cache", found.hub_fault, spec.id)
    chosen = {"revision": spec.revision, "local_files_only": found.cached}
    try:
        config = AutoConfig.from_pretrained(found.source, **chosen)
        processor = AutoProcessor.from_pretrained(found.source, **chosen)
        model = AutoModelForImageTextToText.from_pretrained(
            found.source, dtype=spec.dtype, attn_implementation=spec.attention, **chosen, **found.placement
        )
    except VReasonError:
        raise
    except Exception as error:
        raise unloadable(spec, error, found.hub_fault) from error
    if not found.placement:
        model = model.to("cpu" if spec.device == "auto" else spec.device)
    revision = commit_of(config) or folder_revision(Path(found.source))
    loaded = LoadedModel(model.eval(), processor, found.adapter, spec, revision)
    seconds = time.monotonic() - began
    _log.info("model %s loaded in %.1f s: revision %s, %s on %s", spec.id, seconds, loaded.revision, loaded.dtype, loaded.device)
    return loaded


def folder_revision(folder: Path) -> str:
    """What identifies a folder's weights: "sha256:..." of their contents, above 1 GiB "files:..." of their names and sizes."""
    files = sorted(folder.glob("*.safetensors")) or sorted(folder.glob("*.bin"))
    whole = sum(file.stat().st_size for file in files) <= _HASHED_WHOLE
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.name}:{file.stat().st_size}".encode())
        if whole:
            digest.update(file.read_bytes())
    return f"{'sha256' if whole else 'files'}:{digest.hexdigest()[:16]}"
