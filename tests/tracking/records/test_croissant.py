"""vreason_tracking.records.provenance: the Croissant description beside a data file is recorded; one that cannot be read stops nothing."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from vreason_tracking.records import CROISSANT_TAG
from vreason_tracking.records.provenance import croissant_tags

TOLD = {"@type": "sc:Dataset", "name": "Shapes", "url": "https://example.org/shapes", "license": "CC0", "recordSet": []}


@pytest.mark.parametrize("name", ["croissant.json", "shapes.croissant.json"])
def test_it_is_recorded(tmp_path: Path, name: str) -> None:
    """File, SHA-256, name, address and licence; a file of the data's own name goes before the folder's."""
    (tmp_path / "croissant.json").write_text("{}")
    (tmp_path / name).write_text(json.dumps(TOLD))
    found = json.loads(croissant_tags(tmp_path / "shapes.jsonl.gz")[CROISSANT_TAG])
    digest = hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()
    assert {"file": name, "sha256": digest, "name": "Shapes", "url": TOLD["url"], "license": "CC0"} == found


def test_without_one(tmp_path: Path) -> None:
    assert {} == croissant_tags(tmp_path / "shapes.jsonl")


@pytest.mark.parametrize("text", [b"{", b"[]", b"\xff\xfe", b"null"])
def test_one_that_cannot_be_read(tmp_path: Path, text: bytes) -> None:
    """Is warned about by its path, and left out."""
    (tmp_path / "croissant.json").write_bytes(text)
    with pytest.warns(RuntimeWarning, match=r"croissant\.json: .*names no Croissant description"):
        assert {} == croissant_tags(tmp_path / "shapes.jsonl")
