"""README.md: its Python runs, with the embedded demo in the place of models that are fetched."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from vreason.benchmarks import DemoBenchmark
from vreason.models import DEMO_WEIGHTS

ROOT = Path(__file__).parents[2]
BLOCKS = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)


def test_there_are_some() -> None:
    assert len(BLOCKS) >= 2


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_the_python_runs(number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """As it is written, where a clip.mp4 lies; it prints an answer."""
    (sample,) = DemoBenchmark(limit=1).samples()
    shutil.copy(sample.video, tmp_path / "clip.mp4")
    monkeypatch.chdir(tmp_path)
    text = re.sub(r'^name = ".*?"', f"name = {str(DEMO_WEIGHTS)!r}", BLOCKS[number], flags=re.MULTILINE)
    exec(compile(text.replace("max_new_tokens=1024", "max_new_tokens=16"), "README.md", "exec"), {})
    assert capsys.readouterr().out.strip()
