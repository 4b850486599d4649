"""docs/guides/benchmark.md, followed: its questions are asked in real runs, and recorded under its name."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.helpers.guides import errors_of, text_of, unlike
from vreason.benchmarks import DemoBenchmark, Sample
from vreason.benchmarks.question_rows import KNOWN
from vreason.prompts import PROBLEM_TYPES

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def walk(followed):
    """Whoever has followed the guide to its end."""
    return followed("benchmark")


def test_the_samples_are_recorded_with_the_benchmarks_name(walk) -> None:
    """The first five of its questions, in its order, as they were in its file: the demo's, which they were made from."""
    asked = DemoBenchmark("validation", limit=5).samples()
    assert {"multiple choice"} < {sample.problem_type for sample in asked}
    runs = walk.runs("shapes")
    assert ["baseline", "v-reason"] == sorted(runs)
    for run in runs.values():
        found = [each.sample for each in run.samples]
        assert {("Moving shapes", None)} == {(sample.benchmark, sample.error) for sample in found}
        assert [f"shapes-test-{number:03d}" for number in range(5)] == [sample.sample_id for sample in found]
        for theirs, ours in zip(asked, found, strict=True):
            for field in ("question", "answer", "problem_type", "options", "category"):
                assert getattr(theirs, field) == getattr(ours, field)
            assert str(Path("shapes/clips") / Path(theirs.video).name) == ours.video


def test_the_record_names_the_package(walk) -> None:
    """And what was asked of it."""
    for run in walk.runs("shapes").values():
        assert "moving-shapes = vreason-moving-shapes 0.1" == run.manifest.tags["plugins"]
        assert ("moving-shapes", "test", "shapes") == tuple(
            run.manifest.params[f"data.{name}"] for name in ("source", "split", "video_root")
        )


def test_the_guide_names_every_field() -> None:
    """Of a sample, in their order; of a data file, in its first words; and every problem type."""
    text = text_of("benchmark")
    table = text.split("| field | type |")[1].split("\n\n")[0]
    assert list(Sample.__dataclass_fields__) == [line.split("`")[1] for line in table.splitlines() if line.startswith("| `")]
    assert [] == [name for name in KNOWN if f"`{name}`" not in text.split("**At the end")[0]]
    assert [] == [name for name in PROBLEM_TYPES if f"`{name}`" not in table]


def test_the_row_that_is_shown_is_one_of_the_data(walk) -> None:
    """So that the fields which place 5 reads are really there."""
    shown = json.loads(text_of("benchmark").split("```json\n")[1].split("```")[0])
    assert set(shown) in [set(row) for row in json.loads((walk.folder / "shapes" / "test.json").read_text())]


def uninstall(walk):
    shutil.rmtree(walk.site)


CONFIG, MODULE = "run.yaml", "my_benchmark.py"
MISTAKES = [
    (2, uninstall),
    (4, lambda walk: (walk.rewrite(CONFIG, "split: test, ", ""), uninstall(walk))),
    (2, lambda walk: walk.rewrite(MODULE, "class MyBenchmark", "class YourBenchmark")),
    (4, lambda walk: walk.rewrite(CONFIG, "split: test", "split: train")),
    (4, lambda walk: walk.rewrite(CONFIG, "video_root: shapes, ", "")),
    (2, lambda walk: walk.rewrite(MODULE, 'row["clip"]', 'row["clips"]')),
    (2, lambda walk: walk.rewrite(MODULE, "return Sample(", "return dict(")),
    (2, lambda walk: walk.rewrite(MODULE, '"multiple choice" if', '"choice" if')),
    (2, lambda walk: walk.rewrite(MODULE, 'f"shapes-{self.split}-{number:03d}"', 'f"shapes-{self.split}"')),
]


@pytest.mark.parametrize(("number", "code", "mistake"), [(number, *each) for number, each in enumerate(MISTAKES)])
def test_the_errors_are_those_of_the_guide(walk, tmp_path, number, code, mistake) -> None:
    """Each message of its table is what the program says of that mistake, with its exit code; none is left untried."""
    messages = errors_of(text_of("benchmark"))
    assert len(MISTAKES) == len(messages)
    other = walk.another(tmp_path)
    mistake(other)
    found, said = other.vreason_track("run", "--config", CONFIG)
    assert code == found, said
    assert [] == unlike(f"...{messages[number]}...", said), said


def test_a_video_that_is_missing_is_that_samples_error(walk, tmp_path) -> None:
    """The others are answered."""
    other = walk.another(tmp_path)
    shutil.rmtree(other.folder / "shapes" / "clips")
    (other.folder / "shapes" / "clips").mkdir()
    for clip in (walk.folder / "shapes" / "clips").glob("000.*"):
        shutil.copy(clip, other.folder / "shapes" / "clips")
    code, said = other.vreason_track("run", "--config", CONFIG, "--variant", "baseline")
    assert 0 == code, said
    found = [each.sample for each in other.runs("shapes")["baseline"].samples]
    assert [False] * 4 + [True] == [sample.error is not None for sample in found]
    assert "001.mp4" in found[4].error
