"""torchvision's pure-Python part beside any torch build, in interpreters of their own."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import pytest

from vreason.models import torchvision_shim


def python(code: str) -> str:
    """Output of a fresh interpreter."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stderr
    return done.stdout.strip()


# A finder in front of all others that serves another torchvision package, or none.
PRETEND = """
import importlib.abc, importlib.util, sys
class Pretend(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    tries = 0
    def find_spec(self, name, path=None, target=None):
        return importlib.util.spec_from_loader(name, self) if name == "torchvision" else None
    def exec_module(self, module):
        Pretend.tries += 1
        {body}
sys.meta_path.insert(0, Pretend())
"""


def test_video_processors_import_after_the_shim() -> None:
    """With the shim first, the three families' video processors and models can be imported, and transforms work."""
    code = """
import vreason.models.torchvision_shim
from transformers import Qwen2VLVideoProcessor, Qwen3VLVideoProcessor, Qwen2_5_VLForConditionalGeneration
import torch
from torchvision.transforms.v2 import functional
print(tuple(functional.resize(torch.zeros(1, 3, 8, 8), [4, 6]).shape))
"""
    assert "(1, 3, 4, 6)" == python(code)


def test_it_tells_whether_schemas_were_declared_and_does_it_once() -> None:
    """The answer is the same at every call: whether torchvision fails without it."""
    bare = subprocess.run([sys.executable, "-c", "import torchvision"], capture_output=True, text=True, check=False)
    needed = bare.returncode != 0
    assert [needed, needed] == [torchvision_shim.ensure_torchvision(), torchvision_shim.ensure_torchvision()]
    assert not needed or "torchvision::" in bare.stderr


def test_a_missing_operator_is_declared_and_the_import_tried_again() -> None:
    """A torchvision that fails for want of its operators is imported a second time, with both schemas declared."""
    body = """
        import torch
        if Pretend.tries == 1: raise RuntimeError("operator torchvision::nms does not exist")
        module.found = [str(torch.ops.torchvision.nms.default._schema), str(torch.ops.torchvision.qnms.default._schema)]"""
    code = (
        PRETEND.format(body=body)
        + """
import vreason.models.torchvision_shim as shim, torchvision
print(shim.ensure_torchvision(), Pretend.tries, *torchvision.found, sep="|")
"""
    )
    signature = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
    assert f"True|2|torchvision::nms{signature}|torchvision::qnms{signature}" == python(code)


def test_a_working_torchvision_is_left_alone() -> None:
    """One that imports gets no schemas of ours."""
    code = (
        PRETEND.format(body="pass")
        + """
import torch, vreason.models.torchvision_shim as shim
print(shim.ensure_torchvision(), Pretend.tries, hasattr(torch.ops.torchvision, "nms"))
"""
    )
    assert "False 1 False" == python(code)


@pytest.mark.parametrize("error", ["RuntimeError('CUDA driver too old')", "ImportError('libfoo.so')"])
def test_another_fault_is_not_hidden(error: str) -> None:
    """A torchvision that fails for another reason fails as it did."""
    code = (
        PRETEND.format(body=f"raise {error}")
        + f"""
try:
    import vreason.models.torchvision_shim
except {error.split("(")[0]} as fault:
    print(fault)
"""
    )
    assert error.split("'")[1] == python(code)


def test_without_torchvision_there_is_nothing_to_do() -> None:
    """Where torchvision is not installed the shim returns False, and torch works."""
    code = """
import importlib.util
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name == "torchvision" else find(name, package)
import vreason.models.torchvision_shim as shim
print(shim.ensure_torchvision())
"""
    assert "False" == python(code)
    assert importlib.util.find_spec("torch") is not None
