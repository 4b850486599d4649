"""vreason.benchmarks.layouts: rows as benchmarks publish them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from vreason.benchmarks.question_file import JsonBenchmark
from vreason.benchmarks.sample import Sample
from vreason.errors import DataError

VSI = {
    "id": 7,
    "dataset": "arkitscenes",
    "scene_name": "41069025",
    "question_type": "object_counting",
    "question": "How many table(s) are in this room?",
    "ground_truth": "4",
    "options": None,
    "pruned": False,
}
VSI_CHOICE = VSI | {"id": 8, "question_type": "route_planning", "options": ["A. Turn Left", "B. Turn Right"], "ground_truth": "B"}
MMVU = {
    "id": "validation_0",
    "video": "https://huggingface.co/datasets/yale-nlp/MMVU/resolve/main/videos/Art/0.mp4",
    "question_type": "multiple-choice",
    "question": "Which style is shown?",
    "choices": {"A": "one", "B": "two", "C": "three"},
    "answer": "C",
    "metadata": {"subject": "Art", "textbook": "none"},
}
MMVU_OPEN = MMVU | {"id": "validation_1", "question_type": "open-ended", "choices": {"A": "", "B": ""}, "answer": "a fresco"}
MVBENCH = {"video": "166583.webm", "question": "What happened?", "candidates": ["It fell.", "It rose."], "answer": "It rose."}
VIDEO_MME = {
    "video_id": "001",
    "duration": "short",
    "videoID": "fFjv93ACGo8",
    "question_id": "001-1",
    "task_type": "Counting Problem",
    "question": "How many?",
    "options": ["A. 1.", "B. 2.", "C. 3.", "D. 4."],
    "answer": "D",
}


def read(tmp_path: Path, *rows: dict[str, Any]) -> list[Sample]:
    (tmp_path / "data.json").write_text(json.dumps(rows))
    return list(JsonBenchmark(tmp_path / "data.json", tmp_path / "videos").samples())


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (VSI, ("7", "arkitscenes/41069025.mp4", "regression", (), "4", "object_counting", "VSI-Bench")),
        (VSI_CHOICE, ("8", "arkitscenes/41069025.mp4", "multiple choice", ("Turn Left", "Turn Right"), "B", "route_planning", "VSI-Bench")),
        (MMVU, ("validation_0", "videos/Art/0.mp4", "multiple choice", ("one", "two", "three"), "C", "Art", "MMVU")),
        (MMVU_OPEN, ("validation_1", "videos/Art/0.mp4", "free-form", (), "a fresco", "Art", "MMVU")),
        (MVBENCH, ("0", "166583.webm", "multiple choice", ("It fell.", "It rose."), "B", "", "MVBench")),
        (VIDEO_MME, ("001-1", "fFjv93ACGo8.mp4", "multiple choice", ("1.", "2.", "3.", "4."), "D", "Counting Problem", "Video-MME")),
    ],
    ids=["vsi", "vsi-choice", "mmvu", "mmvu-open", "mvbench", "video-mme"],
)
def test_a_row(tmp_path: Path, row: dict[str, Any], expected: tuple[Any, ...]) -> None:
    """Id, video, problem type, options, answer, category and benchmark, with no field of ours in the file."""
    (sample,) = read(tmp_path, row)
    video = str(Path(sample.video).relative_to(tmp_path / "videos"))
    assert expected == (sample.sample_id, video, sample.problem_type, sample.options, sample.answer, sample.category, sample.benchmark)
    assert row["question"] == sample.question


def test_other_columns_are_kept(tmp_path: Path) -> None:
    """They may group questions in a comparison."""
    assert {"duration": "short", "clip": "001"}.items() <= read(tmp_path, VIDEO_MME)[0].metadata.items()
    assert {"dataset": "arkitscenes", "scene_name": "41069025", "pruned": False} == read(tmp_path, VSI)[0].metadata


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (VSI | {"ground_truth": "many"}, "is not a number, as a regression question needs"),
        (VSI_CHOICE | {"options": None}, "at least two options"),
        (MVBENCH | {"answer": "It flew."}, "answer 'It flew.' is not the letter of an option"),
        (MVBENCH | {"start": 3.0, "end": 9.5}, "asks about a part of its video (start, end), and whole videos are read"),
        (VIDEO_MME | {"answer": "E"}, "answer 'E' is not the letter of an option (A to D)"),
        (MMVU | {"answer": ""}, "answer is missing"),
    ],
)
def test_a_row_that_no_reply_can_meet(tmp_path: Path, row: dict[str, Any], words: str) -> None:
    """The same is refused as of rows in our own names."""
    with pytest.raises(DataError) as raised:
        read(tmp_path, row)
    assert words in str(raised.value)


def test_rows_of_our_own_are_left_alone(tmp_path: Path) -> None:
    """A file that has our names may have a column that some layout has too."""
    row = {"video": "a.mp4", "question": "Which?", "answer": "A", "options": ["x", "y"], "scene_name": "hall", "candidates": 3}
    (sample,) = read(tmp_path, row)
    assert (("x", "y"), "data", {"scene_name": "hall", "candidates": 3}) == (sample.options, sample.benchmark, dict(sample.metadata))
