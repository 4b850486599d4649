"""vreason_tracking.comparison.groups: which questions belong to which part."""

from __future__ import annotations

import numpy as np
import pytest

from vreason.errors import IncomparableRunsError
from vreason_tracking.comparison.groups import groups_of, labels_of, lengths_of


def named(groups):
    """Members by grouping and name, as the questions' numbers."""
    return {(group.grouping, group.name): np.flatnonzero(group.members).tolist() for group in groups}


def test_every_part() -> None:
    """All questions, each benchmark with its two halves where it has both, each problem type, length and category."""
    found = groups_of(
        ["VSI-Bench", "VSI-Bench", "MMVU", "MMVU", "VSI-Bench"],
        ["regression", "multiple choice", "multiple choice", "free-form", "regression"],
        np.array([1.0, 3.0, np.nan, 3.0, 3.0]),
        ["size", "", "", "size", "route"],
    )
    assert {
        ("all", "all questions"): [0, 1, 2, 3, 4],
        ("benchmark", "MMVU"): [2, 3],
        ("benchmark", "VSI-Bench"): [0, 1, 4],
        ("benchmark", "VSI-Bench (acc)"): [1],
        ("benchmark", "VSI-Bench (MRA)"): [0, 4],
        ("problem type", "free-form"): [3],
        ("problem type", "multiple choice"): [1, 2],
        ("problem type", "regression"): [0, 4],
        ("video length", "up to 2 s"): [0],
        ("video length", "2 s to 4 s"): [1, 3, 4],
        ("video length", "unknown length"): [2],
        ("category", "route"): [4],
        ("category", "size"): [0, 3],
    } == named(found)


def test_each_grouping_is_one_stretch() -> None:
    """All questions first, then grouping by grouping: p-values are adjusted over such a stretch."""
    found = groups_of(["a", "b"], ["numerical", "regression"], np.array([1.0, 1.0]), ["x", "y"])
    assert ["all", "benchmark", "benchmark", "problem type", "problem type", "video length", "category", "category"] == [
        group.grouping for group in found
    ]


def test_a_benchmark_of_regression_only_has_no_halves() -> None:
    """One figure is enough where there is one kind."""
    found = groups_of(["VSI-Bench"] * 2, ["regression"] * 2, np.array([1.0, 1.0]), ["", ""])
    assert [("benchmark", "VSI-Bench")] == [each for each in named(found) if each[0] == "benchmark"]


@pytest.mark.parametrize(
    ("seconds", "name"),
    [
        (0.0, "up to 2 s"),
        (2.0, "up to 2 s"),
        (np.nextafter(2.0, 3.0), "2 s to 4 s"),
        (4.0, "2 s to 4 s"),
        (15.0, "8 s to 15 s"),
        (59.99, "30 s to 1 min"),
        (120.0, "1 min to 2 min"),
    ],
)
def test_edges_of_short_clips(seconds, name) -> None:
    """Where no clip is longer than two minutes they are told apart; one as long as an edge is in the shorter bucket."""
    assert ([name], [name]) == lengths_of(np.array([seconds]))


@pytest.mark.parametrize(
    ("seconds", "name"),
    [
        (1.0, "up to 2 min"),
        (120.0, "up to 2 min"),
        (np.nextafter(120.0, 121.0), "2 min to 4 min"),
        (240.0, "2 min to 4 min"),
        (900.0, "4 min to 15 min"),
        (1_800.0, "15 min to 30 min"),
        (3_600.0, "30 min to 60 min"),
        (3_600.1, "over 60 min"),
        (float("inf"), "over 60 min"),
        (float("nan"), "unknown length"),
    ],
)
def test_edges_beside_a_long_clip(seconds, name) -> None:
    """Then Video-MME's short, medium and long clips are a bucket each; an unknown length has one of its own."""
    assert name == lengths_of(np.array([seconds, 7_200.0]))[0][0]


def test_lengths_from_short_to_long() -> None:
    """Buckets stand by their lengths, not by the alphabet, those without a clip are left out, and each clip is in one of them."""
    seconds = np.array([7_200.0, np.nan, 100.0, 1.0, 300.0, 9.0])
    found = [group for group in groups_of(["a"] * 6, ["numerical"] * 6, seconds, [""] * 6) if group.grouping == "video length"]
    assert ["up to 2 min", "4 min to 15 min", "over 60 min", "unknown length"] == [group.name for group in found]
    assert [1] * 6 == sum(group.members.astype(int) for group in found).tolist()


def test_columns_of_the_data_files_own() -> None:
    """A group for each value, numbers by size, what lacks one in a group of its own; each key is a grouping behind the others."""
    texts = ['{"level": 10, "who": "ada"}', '{"level": 9}', "", '{"level": "hard"}', '{"level": true}', '{"level": ""}']
    labels = labels_of(texts, "level")
    assert ["10", "9", "(none)", "hard", "true", '""'] == labels
    found = groups_of(["a"] * 6, ["numerical"] * 6, np.ones(6), [""] * 6, {"level": labels, "who": labels_of(texts, "who")})
    assert [("metadata level", name) for name in ("9", "10", '""', "(none)", "hard", "true")] == [
        (group.grouping, group.name) for group in found if group.grouping == "metadata level"
    ]
    assert {("metadata who", "ada"): [0], ("metadata who", "(none)"): [1, 2, 3, 4, 5]}.items() <= named(found).items()


def test_a_column_that_is_not_there() -> None:
    """The message has those that are."""
    with pytest.raises(IncomparableRunsError, match="no question has 'leval' among its metadata; there are level, who"):
        labels_of(['{"level": 1}', '{"who": 2}'], "leval")
    with pytest.raises(IncomparableRunsError, match="the data file has no columns of its own"):
        labels_of(["", None], "level")


def test_a_column_of_many_values() -> None:
    """Numbers that differ for each question make no groups."""
    with pytest.raises(IncomparableRunsError, match=r"'level' has 51 different values; .* at most 50 do"):
        labels_of([f'{{"level": {number}}}' for number in range(51)], "level")
