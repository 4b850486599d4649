"""Make torchvision importable beside a torch build that its compiled operators were not made for.

transformers' video processors need torchvision's pure-Python transforms. torchvision's wheel on the package index is built for CUDA; beside
a CPU-only torch its import dies with "operator torchvision::nms does not exist", and with it every Qwen-VL class. Declaring the
schemas of the two operators that it registers fake kernels for is enough for the transforms. Import this module before transformers.
"""

from __future__ import annotations

import importlib.util
import sys

import torch

_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
_library: torch.library.Library | None = None  # the schemas live as long as this object


def ensure_torchvision() -> bool:
    """Declare the missing schemas when torchvision's compiled operators failed to load.

    Returns:
        True when the schemas had to be declared; False when torchvision works as it is or is not installed.
    """
    global _library
    if _library is not None:
        return True
    if importlib.util.find_spec("torchvision") is None:
        return False
    try:
        import torchvision
    except RuntimeError as error:
        if "torchvision::" not in str(error):
            raise
        for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
            del sys.modules[name]  # the half-imported package
        _library = torch.library.Library("torchvision", "DEF")
        for schema in _SCHEMAS:
            _library.define(schema)
        import torchvision  # noqa: F401
    return _library is not None


ensure_torchvision()
