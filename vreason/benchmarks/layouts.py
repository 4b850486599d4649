"""Rows of layouts that benchmarks publish, told by their columns, as rows of a data file here.

Sources: the files of Video-R1/Video-R1-eval, nyu-visionx/VSI-Bench, yale-nlp/MMVU, OpenGVLab/MVBench and lmms-lab/Video-MME on the
Hugging Face hub. Columns that a layout has beside those read here stay as they are, and become the sample's metadata.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from vreason.prompts import LETTERS

Row = Mapping[Any, Any]

_VIDEO_R1 = {
    "path": "video",
    "problem": "question",
    "solution": "answer",
    "problem_id": "id",
    "original_question_type": "category",
    "data_source": "benchmark",
}
_MEASURED = ("object_counting", "object_abs_distance", "object_size_estimation", "room_size_estimation")
"""VSI-Bench's questions whose answer is a number, scored by mean relative accuracy."""


def in_own_names(row: Row) -> Row:
    """The row under the names used here; one that has them, and no layout's own columns, is returned as it is."""
    for columns, absent, translate in _LAYOUTS:
        if columns <= row.keys() and absent.isdisjoint(row.keys()):
            return translate(row)
    return row


def _without(row: Row, *names: str) -> dict[Any, Any]:
    return {name: value for name, value in row.items() if name not in names}


def _video_r1(row: Row) -> Row:
    renamed = {_VIDEO_R1.get(name, name): value for name, value in row.items() if name not in ("data_type", "process")}
    if not renamed.get("options"):
        renamed.pop("options", None)
    return renamed


def _vsi_bench(row: Row) -> Row:
    kind = row["question_type"]
    measured = kind in _MEASURED
    return {
        **_without(row, "question_type", "ground_truth", "options"),
        "video": f"{row['dataset']}/{row['scene_name']}.mp4",
        "answer": row["ground_truth"],
        "category": kind,
        "benchmark": "VSI-Bench",
        "problem_type": "regression" if measured else "multiple choice",
        **({} if measured else {"options": row.get("options")}),
    }


def _mmvu(row: Row) -> Row:
    video, chosen = str(row["video"] or ""), row["question_type"] == "multiple-choice"
    own = row.get("metadata")
    subject = own.get("subject") if isinstance(own, Mapping) else None
    return {
        **_without(row, "question_type", "choices"),
        "video": video.partition("/resolve/main/")[2] or video,  # an address in the dataset, whose files lie in its folder
        "category": subject or "",
        "benchmark": "MMVU",
        "problem_type": "multiple choice" if chosen else "free-form",
        **({"options": row["choices"]} if chosen else {}),
    }


def _mvbench(row: Row) -> Row:
    options = row["candidates"]
    index = options.index(row["answer"]) if isinstance(options, list) and row["answer"] in options else None
    return {
        **_without(row, "candidates"),
        "options": options,
        "answer": row["answer"] if index is None or index >= len(LETTERS) else LETTERS[index],
        "problem_type": "multiple choice",
        "benchmark": "MVBench",
    }


def _video_mme(row: Row) -> Row:
    return {
        **_without(row, "question_id", "task_type", "videoID", "video_id"),
        "id": row["question_id"],
        "video": f"{row['videoID']}.mp4",
        "category": row.get("task_type") or "",
        "problem_type": "multiple choice",
        "benchmark": "Video-MME",
        "clip": row.get("video_id"),
    }


_LAYOUTS: tuple[tuple[frozenset[str], frozenset[str], Callable[[Row], Row]], ...] = (
    (frozenset({"path", "problem", "solution"}), frozenset({"video"}), _video_r1),
    (frozenset({"dataset", "scene_name", "question_type", "question", "ground_truth"}), frozenset({"video", "answer"}), _vsi_bench),
    (frozenset({"video", "question_type", "question", "choices", "answer"}), frozenset({"options", "problem_type"}), _mmvu),
    (frozenset({"video", "question", "candidates", "answer"}), frozenset({"options", "problem_type"}), _mvbench),
    (frozenset({"videoID", "question_id", "question", "options", "answer"}), frozenset({"video", "problem_type"}), _video_mme),
)
"""Columns that tell a layout, columns that it has not, and how a row of it is read."""
