"""vreason_tracking.comparison.paired_samples: the same questions of all runs, row by row."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from tests.helpers import compared, records
from vreason.errors import IncomparableRunsError
from vreason_tracking.comparison.paired_samples import align
from vreason_tracking.records.sample_table import read_samples

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")


def aligned(runs):
    return align(runs, [read_samples(run.samples) for run in runs])


def named(frame, grouping):
    return [group.name for group in frame.groups if group.grouping == grouping]


def test_rows_are_questions(tmp_path) -> None:
    """Each row holds what each run has recorded of that question, in whatever order it was asked."""
    runs = [compared.recorded(tmp_path, f"run {seed}", compared.mixed(seed)) for seed in range(3)]
    runs[1] = compared.rewritten(runs[1], lambda table: table.take(np.random.default_rng(1).permutation(len(table))))
    frame = aligned(runs)
    assert sorted(row["sample_id"] for row in compared.rows(runs[0])) == frame.ids
    for place, run in enumerate(runs):
        by_id = {row["sample_id"]: row for row in compared.rows(run)}
        for name in ("score", "output_tokens", "generation_ms", "control_ms", "peak_memory_bytes"):
            expected = [by_id[each][name] for each in frame.ids]
            assert expected == [None if np.isnan(value) else value for value in frame.numbers[name][:, place]]
        for name in ("video", "error", "memory_source", "category"):
            assert [by_id[each][name] for each in frame.ids] == frame.texts[name][place]
        for name in ("signatures", "peak_allocated_bytes"):
            assert [by_id[each][name] for each in frame.ids] == frame.lists[name][place]


def test_only_what_all_have(tmp_path) -> None:
    """Questions that one run lacks, or was asked otherwise, are left out, and counted for each run."""
    samples = compared.make_samples(10, 5)
    other = [(replace(sample, question="Another?") if number == 3 else sample, steps) for number, (sample, steps) in enumerate(samples)]
    runs = [compared.recorded(tmp_path, "a", samples), compared.recorded(tmp_path, "b", other[:8])]
    frame = aligned(runs)
    assert [f"q-{number:04d}" for number in (0, 1, 2, 4, 5, 6, 7)] == frame.ids
    assert [3, 1] == frame.uncommon


def test_nothing_in_common(tmp_path) -> None:
    """There is nothing to compare, and the message says so."""
    runs = [compared.recorded(tmp_path, "a", compared.make_samples(4, 2)), compared.recorded(tmp_path, "b", [])]
    with pytest.raises(IncomparableRunsError, match=re.escape("these runs have no question in common; name runs of the same data")):
        aligned(runs)


def test_clusters_are_videos(tmp_path) -> None:
    """Questions about one video share a number; two videos of one name in two folders do not; nor do questions without a video."""
    videos = ["a/1.mp4", "b/1.mp4", "a/1.mp4", "", ""]
    samples = [(records.sample(f"s-{number}", video=video), ()) for number, video in enumerate(videos)]
    frame = aligned([compared.recorded(tmp_path, name, samples) for name in "ab"])
    codes = frame.clusters.tolist()
    assert codes[0] == codes[2]
    assert (4, 4) == (len(set(codes)), frame.videos)


def test_a_length_that_one_run_does_not_know(tmp_path) -> None:
    """A clip that one run could not read is as long as the other says; one that nobody read is of unknown length."""
    answered = [(records.sample(name, video_seconds=70.0), ()) for name in ("s-1", "s-2")]
    failed = [(records.failed(name), ()) for name in ("s-1", "s-2", "s-3")]
    runs = [compared.recorded(tmp_path, "a", failed), compared.recorded(tmp_path, "b", [*answered, failed[2]])]
    for order in (runs, runs[::-1]):
        assert ["1 min to 2 min", "unknown length"] == named(aligned(order), "video length")


def test_records_without_benchmarks(tmp_path) -> None:
    """Earlier versions recorded none: the other run's name counts, whichever comes first; without any, that of the data file."""
    new = compared.recorded(tmp_path, "new", compared.make_samples(4, 2), params={"data.source": "eval/mmvu.json"})
    old = compared.rewritten(
        compared.recorded(tmp_path, "old", compared.make_samples(4, 2), params={"data.source": "old/MMVU.json"}),
        compared.without("benchmark", "token_ends", "peak_allocated_bytes"),
    )
    assert [["shapes", "shapes (acc)", "shapes (MRA)"]] * 2 == [named(aligned(runs), "benchmark") for runs in ([old, new], [new, old])]
    older = [old, replace(old, params={**old.params, "data.source": "eval/mmvu.json"})]
    assert [["MMVU", "MMVU (acc)", "MMVU (MRA)"]] * 2 == [named(aligned(runs), "benchmark") for runs in (older, older[::-1])]
    assert "not recorded" == named(aligned([replace(old, params={})] * 2), "benchmark")[0]
    assert [[]] * 4 == [row or [] for row in aligned([old, new]).lists["peak_allocated_bytes"][0]]


def test_ids_that_sort_oddly(tmp_path) -> None:
    """Any id will do: other scripts, quotes, numbers that look like others."""
    names = ["10", "9", "é", "e\u0301", "𝔘", "a'b", 'a"b', "-", " "]
    scores = dict(zip(names, np.linspace(0, 1, len(names)), strict=True))
    runs = [compared.recorded(tmp_path, run, [(records.sample(each, score=scores[each]), ()) for each in order])
            for run, order in (("a", names), ("b", names[::-1]))]  # fmt: skip
    frame = aligned(runs)
    assert sorted(names) == frame.ids
    assert [[scores[name]] * 2 for name in frame.ids] == frame.scores.tolist()
