"""vreason.models.spec: which model, on what, in what form; checked in one place, before anything is loaded."""

from __future__ import annotations

import subprocess
import sys

import pytest

from vreason.errors import ConfigError
from vreason.models.spec import ModelSpec

DEVICE = "one of auto, cpu, mps, cuda, or cuda:N with N a number"


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"id": ""}, "id: '' is not a Hub id, a folder, or demo"),
        ({"id": " \n"}, "id: ' \\n' is not a Hub id, a folder, or demo"),
        ({"id": None}, "id: null is not a Hub id, a folder, or demo"),
        ({"id": 7}, "id: 7 is not a Hub id, a folder, or demo; put it in quotes"),
        ({"id": "a/b", "revision": ""}, "revision: '' is not text or null"),
        ({"id": "a/b", "revision": 1234567}, "revision: 1234567 is not text or null; put it in quotes"),
        ({"revision": "abc"}, "revision: 'abc': the embedded demo model has no revisions; leave it out or give model.id"),
        ({"dtype": "bfloat"}, "dtype: 'bfloat' is not one of auto, float32, bfloat16, float16; did you mean bfloat16?"),
        ({"dtype": ["auto"]}, "dtype: ['auto'] is not one of auto, float32, bfloat16, float16"),
        ({"attention": "flash"}, "attention: 'flash' is not one of sdpa, eager, flash_attention_2"),
        ({"attention": None}, "attention: null is not one of sdpa, eager, flash_attention_2"),
        ({"device": "gpu"}, f"device: 'gpu' is not {DEVICE}"),
        ({"device": "cuda:"}, f"device: 'cuda:' is not {DEVICE}"),
        ({"device": "cuda:0\n"}, f"device: 'cuda:0\\n' is not {DEVICE}"),
        ({"device": "cuda:1234"}, f"device: 'cuda:1234' is not {DEVICE}"),
        ({"device": 0}, f"device: 0 is not {DEVICE}"),
    ],
)
def test_a_wrong_setting_is_refused_by_its_path(settings: dict[str, object], expected: str) -> None:
    """Each wrong value makes one issue: the field, the value, and what is allowed."""
    with pytest.raises(ConfigError) as caught:
        ModelSpec(**settings)  # type: ignore[arg-type]
    assert [f"model.{expected}"] == [str(issue) for issue in caught.value.issues]


def test_every_wrong_setting_is_reported_at_once() -> None:
    """Each wrong field makes an issue, in one error."""
    with pytest.raises(ConfigError) as caught:
        ModelSpec(id=" ", revision="", dtype="x", device="x", attention="x")
    assert {"id", "revision", "dtype", "device", "attention"} == {issue.path.removeprefix("model.") for issue in caught.value.issues}


@pytest.mark.parametrize("device", ["auto", "cpu", "mps", "cuda", "cuda:0", "cuda:12"])
def test_every_way_to_name_a_device(device: str) -> None:
    """A device is taken as it is, also one that this machine has not: that is seen when a model is loaded."""
    assert device == ModelSpec(device=device).device


@pytest.mark.parametrize("revision", [None, "main", " "])
def test_a_revision_of_a_hub_model(revision: str | None) -> None:
    """Any text is one, and none stands for the newest."""
    assert revision == ModelSpec(id="a/b", revision=revision).revision


def test_spec_loads_without_heavy_libraries() -> None:
    """Importing it loads neither torch, transformers nor numpy: a command that only reads settings stays fast."""
    code = "import sys; from vreason.models import ModelSpec; print(sorted({'torch', 'transformers', 'numpy'} & set(sys.modules)))"
    assert "[]\n" == subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
