"""vreason_tracking.cards.eval_results: what the Hub reads of a variant, checked by huggingface_hub itself."""

from __future__ import annotations

from dataclasses import replace

import pytest
import yaml
from huggingface_hub import parse_eval_result_entries

from vreason_tracking.cards import Evidence, HubDataset, hub_names, without_dataset
from vreason_tracking.cards.eval_results import dataset_of, eval_results

NAMED = {"shapes": HubDataset("team/shapes", "moves")}


def test_one_file_a_variant(evidence: Evidence) -> None:
    """Accuracy in per cent, the data set, the day; notes name the variant and what departs, the baseline's only what departs."""
    files = eval_results(evidence, NAMED)
    assert {"baseline.yaml", "v-reason.yaml"} == set(files)
    (base,), (own,) = (parse_eval_result_entries(yaml.safe_load(files[f"{name}.yaml"])) for name in ("baseline", "v-reason"))
    figure = evidence.figure("v-reason", "accuracy", "mean")
    assert figure is not None
    assert figure.value is not None
    assert (pytest.approx(100 * figure.value, abs=1e-4), "team/shapes", "moves") == (own.value, own.dataset_id, own.task_id)
    assert own.notes is not None
    assert own.notes.startswith("v-reason")
    assert base.notes is None or not base.notes.startswith("baseline")
    assert evidence.runs[0].started[:10] == base.date


def test_a_benchmark_that_the_hub_does_not_have(evidence: Evidence) -> None:
    """It has no file, and is named."""
    assert {} == eval_results(evidence, {})
    assert ["shapes"] == without_dataset(evidence, {})
    assert [] == without_dataset(evidence, NAMED)


def test_the_six_benchmarks() -> None:
    """Are known however they are written."""
    for name in ("VSI-Bench", "vsi_bench", "Video-MME", "VideoMME", "video_mmmu", "MVBench", "TempCompass", "MMVU"):
        assert dataset_of(name, {}) is not None
    assert HubDataset("a/b") == dataset_of("MMVU", {"MMVU": HubDataset("a/b")})


def test_names_of_data_sets() -> None:
    """BENCHMARK=OWNER/NAME[:TASK]; anything else is refused by what it is."""
    assert {"a=b": HubDataset("o/n", "t"), "c": HubDataset("o/n")} == hub_names(["a=b=o/n:t", "c=o/n"])
    for wrong in ("x", "=o/n", "x=name", "x=o/n/m", "x=o/n:", "x=o/n:a b"):
        with pytest.raises(ValueError, match="OWNER/NAME"):
            hub_names([wrong])


def test_variants_whose_names_make_the_same_file(evidence: Evidence) -> None:
    """Each has a file of its own."""
    runs = [replace(run, name=name) for run, name in zip(evidence.runs, ("a/b", "a b"), strict=True)]
    names = {run.name: other.name for run, other in zip(evidence.runs, runs, strict=True)}
    changed = replace(evidence, runs=runs, figures=[replace(each, run=names[each.run]) for each in evidence.figures])
    assert {"a-b.yaml", "a-b-2.yaml"} == set(eval_results(changed, NAMED))
