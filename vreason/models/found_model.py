"""What can be known of a model before its weights are read: where it is, its family, and whether the device is there."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch

import vreason.models.torchvision_shim  # noqa: F401  (before transformers)
from vreason.errors import UnsupportedModelError, VReasonError
from vreason.models.adapter import ModelAdapter
from vreason.models.hub import hub_fault
from vreason.models.registry import adapter_for
from vreason.models.spec import DEMO_MODEL, ModelSpec

DEMO_WEIGHTS = Path(__file__).parents[1] / "demo" / "weights"
_POINTER = b"version https://git-lfs"  # what git leaves in the place of a large file that it has not fetched


@dataclass(frozen=True)
class FoundModel:
    """A model that can be loaded, as far as is known without reading its weights.

    Attributes:
        source: its folder, or its name on the hub.
        family: its ``model_type``.
        adapter: of that family.
        placement: keyword arguments that put the weights where they belong while they are read.
        hub_fault: why the hub does not answer; None where it does, or is not needed.
    """

    source: str
    family: str
    adapter: ModelAdapter
    placement: dict[str, Any]
    hub_fault: str | None = None

    @property
    def cached(self) -> bool:
        """Whether only files that lie in the hub's cache are taken."""
        return self.hub_fault is not None


def find_model(spec: ModelSpec) -> FoundModel:
    """Look for a model, without reading its weights.

    Raises:
        UnsupportedModelError: it cannot be found, its weights are not all there, the family has no adapter, or the device is not there.
        PluginError: the package that offers the family's adapter cannot be loaded.
    """
    placement = _placement(spec.device)
    if spec.id == DEMO_MODEL:
        return _found(spec, str(DEMO_WEIGHTS), placement, None)
    _require_place(spec.id)
    if Path(spec.id).is_dir():
        found = _found(spec, spec.id, placement, None)
        _require_weights(Path(spec.id))
        return found
    return _found(spec, spec.id, placement, hub_fault(spec.id, spec.revision))


def unloadable(spec: ModelSpec, error: Exception, hub: str | None = None) -> UnsupportedModelError:
    """The error for whatever transformers, safetensors or the hub's client raises; `hub` says why that does not answer."""
    first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    if hub is not None:
        from huggingface_hub.constants import HF_HUB_CACHE

        return UnsupportedModelError(
            f"model {spec.id!r}: the hub does not answer ({hub}), and the cache ({HF_HUB_CACHE}) does not have all of it: {first} Check the"
            " network, HTTPS_PROXY and HF_ENDPOINT, or name the folder of a copy in model.id; model.id: demo needs neither"
        )
    return UnsupportedModelError(
        f"model {spec.id!r} cannot be loaded as dtype {spec.dtype} with {spec.attention} attention: {first} Check model.id and"
        " model.revision, and that the hub can be reached or the weights are whole and in its cache; model.id: demo needs neither"
    )


def _found(spec: ModelSpec, source: str, placement: dict[str, Any], fault: str | None) -> FoundModel:
    """With its adapter, found before transformers makes anything of the config: a plug-in may register classes with it on import."""
    from transformers import PreTrainedConfig

    try:
        values, _ = PreTrainedConfig.get_config_dict(source, revision=spec.revision, local_files_only=fault is not None)
        if not values:
            raise FileNotFoundError("it has no config.json.")
        adapter = adapter_for(SimpleNamespace(model_type=values.get("model_type")))
    except VReasonError:
        raise
    except Exception as error:
        raise unloadable(spec, error, fault) from error
    return FoundModel(source, str(values.get("model_type")), adapter, placement, fault)


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


def _require_weights(folder: Path) -> None:
    """Files of weights are there, all that an index names, and none is a pointer of git's.

    Raises:
        UnsupportedModelError: they are not.
    """
    files = {path.name: path for path in folder.iterdir() if path.suffix in (".safetensors", ".bin")}
    named: set[str] = set()
    for index in folder.glob("*.index.json"):
        try:
            named |= set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise UnsupportedModelError(f"model.id {str(folder)!r}: {index.name} cannot be read ({error}); copy it again") from error
    if not files:
        raise UnsupportedModelError(f"model.id {str(folder)!r}: the folder has no weights (*.safetensors, *.bin); copy them there")
    if missing := sorted(named - set(files)):
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise UnsupportedModelError(f"model.id {str(folder)!r}: {missing[0]}{more} of its index is not there; copy all of its files")
    for name, path in files.items():
        with path.open("rb") as file:
            if file.read(len(_POINTER)) == _POINTER:
                what = f"{name} is a pointer that git left in the place of the weights"
                raise UnsupportedModelError(f"model.id {str(folder)!r}: {what}; run `git lfs pull` there")


def _placement(device: str) -> dict[str, Any]:
    """Keyword arguments that put the weights where they belong while they are read.

    Raises:
        UnsupportedModelError: this machine has no such device, or torch cannot use it.
    """
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise UnsupportedModelError(
            f"model.device is {device!r}, but this torch sees no CUDA device; use device: cpu, or install a CUDA build of torch"
        )
    if device.startswith("cuda:") and int(device.removeprefix("cuda:")) >= (count := torch.cuda.device_count()):
        last = f"cuda:{count - 1}"
        raise UnsupportedModelError(f"model.device is {device!r}, but torch sees {count} CUDA device(s); the last one is {last}")
    if device == "mps" and not torch.backends.mps.is_available():
        raise UnsupportedModelError(f"model.device is {device!r}, but this torch sees no Apple GPU; use device: cpu")
    if device == "auto" and torch.cuda.is_available():
        return {"device_map": "auto"} if torch.cuda.device_count() > 1 else {"device_map": "cuda:0"}
    return {"device_map": device} if device.startswith("cuda") else {}
