"""What has to be installed for a bundle to answer as it did: the packages that decide a result, at their exact versions."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, distribution

_PACKAGES = (
    "vreason-track",
    "mlflow",
    "torch",
    "torchvision",
    "transformers",
    "tokenizers",
    "safetensors",
    "accelerate",
    "huggingface_hub",
    "numpy",
    "pandas",
    "pillow",
    "decord",
    "av",
)
_PLUGIN = re.compile(r"[^=,]+ = (\S+) (\S+)")


def pinned_requirements(plugins: str = "") -> list[str]:
    """Requirements for pip, "name==version" each; a version's local part, such as torch's "+cpu", is left out, as indexes do not have it.

    Args:
        plugins: what of other packages the run used, as its record has it: "name = package version", one after the other.
    """
    names = [*_PACKAGES, *(found[1] for found in map(_PLUGIN.fullmatch, plugins.split(", ")) if found)]
    return [f"{name}=={version}" for name in dict.fromkeys(names) if (version := _version(name))]


def _version(name: str) -> str | None:
    try:
        return distribution(name).version.partition("+")[0]
    except PackageNotFoundError:
        return None
