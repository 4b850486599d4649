"""The files that a model is loaded from."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from vreason.errors import UnsupportedModelError
from vreason_tracking.bundles.weights import differing_files, file_digests, model_folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "deep").mkdir()
    (tmp_path / ".cache").mkdir()
    for name in ("model.safetensors", "config.json", "deep/tokenizer.json", "README.md", "picture.png", ".cache/x.json"):
        (tmp_path / name).write_text(name)
    return tmp_path


def test_what_is_loaded_and_nothing_else(folder: Path) -> None:
    """Weights, configs and tokenizers, by their paths; no read-me, no picture, nothing hidden."""
    found = file_digests(folder)
    assert {"model.safetensors", "config.json", "deep/tokenizer.json"} == set(found)
    assert hashlib.sha256(b"config.json").hexdigest() == found["config.json"]


def test_what_differs(folder: Path) -> None:
    """A changed file and a missing one; one more is no difference."""
    expected = file_digests(folder)
    assert [] == differing_files(folder, expected)
    (folder / "config.json").write_text("other")
    (folder / "deep" / "tokenizer.json").unlink()
    (folder / "more.json").write_text("")
    assert ["config.json", "deep/tokenizer.json"] == differing_files(folder, expected)


def test_a_hub_model_that_is_not_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said what to do; a folder is itself."""
    assert tmp_path == model_folder(str(tmp_path), None)
    with pytest.raises(UnsupportedModelError, match=r"not in the hub's cache.*--include-weights"):
        model_folder("nobody/no-such-model", "0" * 40)
