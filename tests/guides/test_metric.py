"""docs/guides/metric.md, followed: the scorer scores real runs, and its scores are in their record."""

from __future__ import annotations

import importlib.util

import pytest

from tests.helpers.guides import errors_of, text_of, unlike
from vreason.benchmarks import DemoBenchmark, Sample

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def walk(followed):
    """Whoever has followed the guide to its end."""
    return followed("metric")


def test_the_recorded_scores_are_the_scorers(walk) -> None:
    """Of every sample of every variant, half marks among them; accuracy is their mean."""
    spec = importlib.util.spec_from_file_location("my_scorer_of_the_guide", walk.folder / "my_scorer.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    asked = {sample.sample_id: sample for sample in DemoBenchmark(limit=6).samples()}
    runs = walk.runs("near-misses")
    assert ["baseline", "v-reason"] == sorted(runs)
    for run in runs.values():
        assert list(asked) == [each.sample.sample_id for each in run.samples]
        for each in run.samples:
            scored = module.score_answer(each.sample.prediction or each.sample.output, asked[each.sample.sample_id])
            assert scored == each.sample.score
        assert 0.5 in [each.sample.score for each in run.samples]


def test_the_record_names_the_function(walk) -> None:
    """In its tag, by which a comparison tells whether two runs were scored alike."""
    for run in walk.runs("near-misses").values():
        assert "my_scorer:score_answer" == run.manifest.tags["scoring"]


def test_every_field_of_a_sample_is_in_the_guide() -> None:
    """And none that it has not."""
    table = text_of("metric").split("| field of `sample` |")[1].split("\n\n")[0]
    assert list(Sample.__dataclass_fields__) == [line.split("`")[1] for line in table.splitlines() if line.startswith("| `")]


LAST = "return max(0.0, 1.0 - 0.5 * abs(int(number[0]) - int(sample.answer)))"
MISTAKES = [
    lambda walk: walk.rewrite("run.yaml", "my_scorer:score_answer", "my_scorer"),
    lambda walk: (walk.folder / "my_scorer.py").unlink(),
    lambda walk: walk.rewrite("my_scorer.py", "def score_answer", "def another_name"),
    lambda walk: walk.rewrite("my_scorer.py", "def score_answer(", "def score_answer("[:-1]),
    lambda walk: walk.rewrite("my_scorer.py", LAST, "return float('four')"),
    lambda walk: walk.rewrite("my_scorer.py", LAST, "return 100 * 0.5"),
]


@pytest.mark.parametrize(("number", "mistake"), list(enumerate(MISTAKES)))
def test_the_errors_are_those_of_the_guide(walk, tmp_path, number, mistake) -> None:
    """Each message of its table is what the program says of that mistake, with exit code 2; none is left untried."""
    messages = errors_of(text_of("metric"))
    assert len(MISTAKES) == len(messages)
    other = walk.another(tmp_path)
    mistake(other)
    code, said = other.vreason_track("run", "--config", "run.yaml")
    assert 2 == code, said
    assert [] == unlike(f"...{messages[number]}...", said), said


def test_a_run_goes_on_once_the_function_is_mended(walk, tmp_path) -> None:
    """What was scored before stays; the sample that failed is asked again."""
    other = walk.another(tmp_path)
    other.rewrite("my_scorer.py", LAST, "return float('four')")
    assert 2 == other.vreason_track("run", "--config", "run.yaml")[0]
    begun = other.runs("near-misses")["baseline"].samples
    assert 2 == len(begun)
    other.rewrite("my_scorer.py", "return float('four')", LAST)
    code, said = other.vreason_track("run", "--config", "run.yaml", "--resume", "auto")
    assert 0 == code, said
    whole = other.runs("near-misses")["baseline"].samples
    assert (6, [each.sample for each in begun]) == (len(whole), [each.sample for each in whole[:2]])
