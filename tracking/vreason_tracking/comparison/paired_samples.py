"""The samples of all compared runs side by side: one row a question, one column a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vreason.errors import IncomparableRunsError
from vreason_tracking.catalog import RecordedRun
from vreason_tracking.comparison.groups import Group, groups_of, labels_of
from vreason_tracking.records import SampleTable
from vreason_tracking.statistics import Codes, codes_of

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Frame:
    """n questions, V runs.

    Attributes:
        ids: sample ids, in alphabetical order.
        clusters: number of the video that each question is about, shape (n,).
        groups: the parts to look at.
        numbers: by column of the record, NaN for what is missing (a failed sample has no score), shape (n, V).
        texts, lists: by column of the record, a list of n values a run.
        uncommon: samples of each run that not all of them have, shape (V,).
    """

    ids: list[str]
    clusters: Codes
    groups: list[Group]
    numbers: dict[str, Matrix]
    texts: dict[str, list[list[Any]]]
    lists: dict[str, list[list[Any]]]
    uncommon: list[int]

    @property
    def scores(self) -> Matrix:
        """0 to 1, NaN where a sample failed, shape (n, V)."""
        return self.numbers["score"]

    @property
    def videos(self) -> int:
        """Number of videos."""
        return int(self.clusters.max()) + 1


def align(runs: Sequence[RecordedRun], tables: Sequence[SampleTable], keys: Sequence[str] = ()) -> Frame:
    """The questions that all runs were asked: those of the same id, video, text, options and answer.

    Args:
        runs, tables: of each run.
        keys: of the data file's own columns, by which questions are grouped too.

    Raises:
        IncomparableRunsError: there is none, or a key is not there.
    """
    indices = [dict(zip(zip(table.ids, table.question_digests, strict=True), range(len(table.ids)), strict=True)) for table in tables]
    common = sorted(set(indices[0]).intersection(*indices[1:]))
    if not common:
        raise IncomparableRunsError("these runs have no question in common; name runs of the same data")
    places = [np.array([index[each] for each in common]) for index in indices]
    numbers = {
        name: np.stack([table.numbers[name][index] for table, index in zip(tables, places, strict=True)], 1) for name in tables[0].numbers
    }
    texts = {name: _picked([table.texts[name] for table in tables], places) for name in tables[0].texts}
    unnamed = _benchmark(runs)
    benchmarks = [_first(names) or unnamed for names in zip(*texts["benchmark"], strict=True)]
    categories = [_first(names) for names in zip(*texts["category"], strict=True)]
    metadata = [_first(given) for given in zip(*texts["metadata"], strict=True)]
    videos = [video or name for video, (name, _) in zip(texts["video"][0], common, strict=True)]  # without one: a cluster of its own
    labels = {key: labels_of(metadata, key) for key in keys}
    return Frame(
        ids=[name for name, _ in common],
        clusters=codes_of(videos),
        groups=groups_of(benchmarks, texts["problem_type"][0], _first_known(numbers["video_seconds"]), categories, labels),
        numbers=numbers,
        texts=texts,
        lists={name: _picked([table.lists[name] for table in tables], places) for name in tables[0].lists},
        uncommon=[len(table.ids) - len(common) for table in tables],
    )


def _picked(columns: Sequence[list[Any]], places: Sequence[NDArray[np.intp]]) -> list[list[Any]]:
    return [[column[index] for index in order] for column, order in zip(columns, places, strict=True)]


def _first_known(values: Matrix) -> NDArray[np.float64]:
    """Of each row the first value that is there: a run in which a video could not be read does not know its length."""
    present = ~np.isnan(values)
    first: NDArray[np.float64] = values[np.arange(len(values)), present.argmax(1)]
    return first


def _first(names: Sequence[str | None]) -> str:
    """The first name that a run gives; "" without any."""
    return next((name for name in names if name), "")


def _benchmark(runs: Sequence[RecordedRun]) -> str:
    """The benchmark of samples that no run names: records of earlier versions. The same, whichever run is named first."""
    sources = [run.params["data.source"] for run in runs if run.params.get("data.source")]
    return min((Path(source).stem for source in sources), default="not recorded")
