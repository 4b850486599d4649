"""Samples out of users' JSON and JSONL files: the forms that are read, and the faults that are named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from vreason.benchmarks import JsonBenchmark, Sample
from vreason.errors import DataError

ROW: dict[str, Any] = {"video": "a.mp4", "question": "Which way?", "options": ["left", "right"], "answer": "B"}


def written(folder: Path, rows: list[Any], *, lines: bool = False) -> Path:
    """The rows as a JSON list, or a line each."""
    path = folder / ("data.jsonl" if lines else "data.json")
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows) if lines else json.dumps(rows), encoding="utf-8")
    return path


def read(folder: Path, *rows: Any, lines: bool = False) -> list[Sample]:
    return list(JsonBenchmark(written(folder, list(rows), lines=lines)).samples())


def refused(folder: Path, *rows: Any, lines: bool = False) -> str:
    """The message with which the rows are refused."""
    with pytest.raises(DataError) as caught:
        read(folder, *rows, lines=lines)
    return str(caught.value)


@pytest.mark.parametrize("lines", [False, True])
def test_a_row_becomes_a_sample(tmp_path: Path, lines: bool) -> None:
    """Every field arrives, from a list as from lines; the video is looked for beside the file."""
    row = ROW | {"id": "q7", "problem_type": "multiple choice", "category": "direction", "benchmark": "VSI-Bench"}
    expected = Sample("q7", str(tmp_path / "a.mp4"), "Which way?", "B", "multiple choice", ("left", "right"), "direction", "VSI-Bench")
    assert [expected] == read(tmp_path, row, lines=lines)


def test_what_may_be_left_out(tmp_path: Path) -> None:
    """Without a kind, options make it multiple choice and no options free-form; without ids the rows are numbered, all differently."""
    samples = read(tmp_path, ROW, {"video": "b.mp4", "question": "What?", "answer": "a dog"})
    assert ["multiple choice", "free-form"] == [sample.problem_type for sample in samples]
    assert ["", ""] == [sample.category for sample in samples]
    assert ["data", "data"] == [sample.benchmark for sample in samples]
    assert 2 == len({sample.sample_id for sample in samples})


def test_null_is_left_out(tmp_path: Path) -> None:
    """An optional field that is null is as good as absent, as tables write it."""
    empty = dict.fromkeys(("id", "options", "problem_type", "category", "benchmark"))
    first, second = read(tmp_path, *({"video": "b.mp4", "question": "What?", "answer": "a dog"} | empty for _ in range(2)))
    assert ("free-form", (), "", "data") == (first.problem_type, first.options, first.category, first.benchmark)
    assert first.sample_id != second.sample_id


def test_where_videos_are(tmp_path: Path) -> None:
    """A relative path starts from `video_root`, or from the file's folder; an absolute one stays."""
    path = written(tmp_path, [ROW, ROW | {"video": "/videos/b.mp4"}])
    assert [str(tmp_path / "a.mp4"), "/videos/b.mp4"] == [sample.video for sample in JsonBenchmark(path).samples()]
    assert ["/root/a.mp4", "/videos/b.mp4"] == [sample.video for sample in JsonBenchmark(path, "/root").samples()]


def test_the_name_is_the_file_s(tmp_path: Path) -> None:
    """A benchmark from a file is called as the file, without its suffix, and so are the benchmarks of its rows that name none."""
    benchmark = JsonBenchmark(written(tmp_path, [ROW, ROW | {"benchmark": "MMVU"}, ROW | {"benchmark": ""}]))
    assert "data" == benchmark.name
    assert ["data", "MMVU", "data"] == [sample.benchmark for sample in benchmark.samples()]


@pytest.mark.parametrize("form", ["{}. {}", "({}) {}", "{}) {}", " {}: {} "])
def test_letters_are_taken_off_options(tmp_path: Path, form: str) -> None:
    """Options that come lettered lose their letters, or the prompt would show them twice."""
    options = [form.format(letter, word) for letter, word in zip("AB", ("left", "right"), strict=True)]
    assert [("left", "right")] == [sample.options for sample in read(tmp_path, ROW | {"options": options})]


@pytest.mark.parametrize("options", [["E. coli", "S. aureus"], ["J. Smith", "A. Jones"], ["B. Pascal", "A. Turing"]])
def test_a_letter_that_is_no_numbering_stays(tmp_path: Path, options: list[str]) -> None:
    """A letter that is not the option's own belongs to its text."""
    assert [tuple(options)] == [sample.options for sample in read(tmp_path, ROW | {"options": options})]


@pytest.mark.parametrize("answer", ["<answer>B</answer>", " <answer> B </answer>\n", "B", " B "])
def test_answers_lose_their_tags(tmp_path: Path, answer: str) -> None:
    """Video-R1's files carry the answer in tags."""
    assert ["B"] == [sample.answer for sample in read(tmp_path, ROW | {"answer": answer})]


@pytest.mark.parametrize(("answer", "text"), [(3, "3"), (2.5, "2.5"), (0, "0")])
def test_numbers_are_answers(tmp_path: Path, answer: float, text: str) -> None:
    """A number may be written as one, zero included."""
    (sample,) = read(tmp_path, {"video": "a.mp4", "question": "?", "problem_type": "numerical", "answer": answer})
    assert text == sample.answer


def test_lines_may_hold_other_line_separators(tmp_path: Path) -> None:
    """A JSON string may hold U+2028, U+0085 and the like; only a newline ends a row."""
    question = "one\u2028two\u0085three"
    assert [question, "Which way?"] == [sample.question for sample in read(tmp_path, ROW | {"question": question}, ROW, lines=True)]


def test_empty_lines_are_skipped(tmp_path: Path) -> None:
    """Blank lines and Windows line ends change nothing."""
    path = tmp_path / "data.jsonl"
    path.write_bytes(b"\r\n" + json.dumps(ROW).encode() + b"\r\n\r\n" + json.dumps(ROW).encode() + b"\r\n")
    assert 2 == len(JsonBenchmark(path).samples())


FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "no video": ({"video": ""}, "video is missing"),
    "no question": ({"question": None}, "question is missing"),
    "no answer": ({"answer": ""}, "answer is missing"),
    "unknown key": ({"anwser": "A"}, "unknown key 'anwser'"),
    "number as video": ({"video": 3}, "video must be text"),
    "number as benchmark": ({"benchmark": 0}, "benchmark must be text"),
    "list as benchmark": ({"benchmark": ["MMVU"]}, "benchmark must be text"),
    "unknown kind": ({"problem_type": "essay"}, "'essay'"),
    "options as text": ({"options": "left, right"}, "options"),
    "options as numbers": ({"options": [1, 2]}, "options"),
    "one option": ({"options": ["left"], "answer": "A", "problem_type": "multiple choice"}, "at least two options"),
    "one option, kind left out": ({"options": ["left"], "answer": "A"}, "at least two options"),
    "no options": ({"options": [], "problem_type": "multiple choice"}, "at least two options"),
    "too many options": ({"options": [str(i) for i in range(27)]}, "26"),
    "letter beyond": ({"answer": "C"}, "'C'"),
    "text as answer": ({"answer": "right"}, "'right'"),
    "index as answer": ({"answer": 1}, "1"),
    "index zero as answer": ({"answer": 0}, "0"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_faults_are_named(tmp_path: Path, name: str) -> None:
    """The message names the file, the row and what is wrong with it."""
    change, words = FAULTS[name]
    message = refused(tmp_path, ROW, ROW | change)
    assert str(tmp_path / "data.json") in message
    assert "row 2" in message
    assert words in message.split("row 2", 1)[1]


def test_all_faults_at_once(tmp_path: Path) -> None:
    """Every wrong row is told in one go, each with its line, also two faults of one row."""
    message = refused(tmp_path, ROW | {"answer": "C"}, ROW, {"question": "?"}, 7, lines=True)
    assert "4 issue(s)" in message
    faults = ("line 1: answer 'C'", "line 3: video is missing", "line 3: answer is missing", "line 4: is a int")
    assert [] == [fault for fault in faults if fault not in message]


def test_many_faults_are_counted(tmp_path: Path) -> None:
    """Twenty are printed, the others counted."""
    message = refused(tmp_path, *[ROW | {"answer": "C"}] * 50)
    assert "50 issue(s)" in message
    assert "and 30 more" in message
    assert 20 == message.count("'C'")


def test_ids_must_differ(tmp_path: Path) -> None:
    """An id given twice names both rows."""
    message = refused(tmp_path, ROW | {"id": "x"}, ROW | {"id": "y"}, ROW | {"id": "x"})
    assert "row 3" in message
    assert "'x'" in message
    assert "row 1" in message


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "no such file"),
        (b"", "no samples"),
        (b"[]", "no samples"),
        (b"[{]", "line 1"),
        (b'{"video": "a"}\n{"video"', "line 2"),
        (b"\xff\xfe\x00", "UTF-8"),
        (b'{\n "data": []\n}', "line 1"),
    ],
)
def test_broken_files(tmp_path: Path, content: bytes | None, words: str) -> None:
    """What cannot be read is refused with the file's name and the place."""
    path = tmp_path / "data.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=words) as caught:
        JsonBenchmark(path).samples()
    assert str(path) in str(caught.value)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    """A folder in place of the file is refused by name."""
    with pytest.raises(DataError, match="cannot be read"):
        JsonBenchmark(tmp_path).samples()
