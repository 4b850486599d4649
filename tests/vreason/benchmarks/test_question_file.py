"""Samples out of users' data files: the forms that are read, and the faults that are named."""

from __future__ import annotations

import csv
import gzip
import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from vreason.benchmarks import JsonBenchmark, Sample, data_digest
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
    "options by number": ({"options": {"1": "left", "2": "right"}}, "options are given for 1, 2"),
    "options by letters that leave one out": ({"options": {"A": "left", "C": "right"}}, "options are given for A, C"),
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


def test_lines_that_are_no_json_are_among_them(tmp_path: Path) -> None:
    """A broken line hides neither the next one nor other faults."""
    path = tmp_path / "data.jsonl"
    one, wrong = json.dumps(ROW | {"id": 1}), json.dumps(ROW | {"answer": "C"})
    path.write_text("\n".join(['{"video"', one, "[1,", wrong, one]))
    with pytest.raises(DataError) as caught:
        JsonBenchmark(path).samples()
    assert "4 issue(s)" in str(caught.value)
    faults = ("line 1: is not valid JSON", "line 3: is not valid JSON", "line 4: answer 'C'", "line 5: id '1' was given before (line 2)")
    assert [] == [fault for fault in faults if fault not in str(caught.value)]


def test_rows_of_a_list_are_told_by_their_lines(tmp_path: Path) -> None:
    """An editor goes to a line, not to a row."""
    path = tmp_path / "data.json"
    path.write_text("[\n" + ",\n\n".join(json.dumps(each, indent=1) for each in (ROW, ROW | {"answer": "C"})) + "\n]")
    with pytest.raises(DataError, match=r"row 2 \(line 12\): answer 'C'"):
        JsonBenchmark(path).samples()


NUMBER: dict[str, Any] = {"video": "a.mp4", "question": "How many?", "problem_type": "numerical"}


@pytest.mark.parametrize("kind", ["numerical", "regression"])
@pytest.mark.parametrize("answer", [float("nan"), float("inf"), "NaN", "many", "3 or 4", True, ["3"], {"a": 3}, "3-4"])
def test_expected_answers_that_no_reply_can_meet(tmp_path: Path, answer: Any, kind: str) -> None:
    """They are faults of the file, not a silent 0 for every model."""
    assert "answer" in refused(tmp_path, NUMBER | {"problem_type": kind, "answer": answer}).split("row 1", 1)[1]


@pytest.mark.parametrize("answer", [float("nan"), True, ["a dog"]])
def test_free_form_answers_are_texts_or_numbers(tmp_path: Path, answer: Any) -> None:
    """Of any kind of question."""
    assert "row 1 (line 1): answer" in refused(tmp_path, {"video": "a.mp4", "question": "What?", "answer": answer})


@pytest.mark.parametrize(("answer", "text"), [("1,234 m", "1,234 m"), ("<answer>3</answer>", "3"), (-2, "-2"), ("two", "two")])
def test_expected_numbers_may_be_written_in_any_way(tmp_path: Path, answer: Any, text: str) -> None:
    """As those of replies may."""
    assert [text] == [sample.answer for sample in read(tmp_path, NUMBER | {"answer": answer})]


@pytest.mark.parametrize("answer", ["b", "B.", "(B)", "b)"])
def test_letters_may_be_dressed(tmp_path: Path, answer: str) -> None:
    """The expected letter is the letter."""
    assert ["B"] == [sample.answer for sample in read(tmp_path, ROW | {"answer": answer})]


def test_options_by_letter(tmp_path: Path) -> None:
    """An object of options is read in the order of its letters."""
    samples = read(tmp_path, ROW | {"options": {"B": "right", "A": "left"}}, ROW | {"options": {"a": "A. left", "b": "B. right"}})
    assert [("left", "right")] * 2 == [sample.options for sample in samples]


def test_further_keys_are_kept(tmp_path: Path) -> None:
    """With their values; null is left out. They are no part of what is asked: the data's digest is the same."""
    plain, further = read(tmp_path, ROW), read(tmp_path, ROW | {"scene": "s1", "floor": 3, "nothing": None})
    assert {"scene": "s1", "floor": 3} == dict(further[0].metadata)
    assert data_digest(plain) == data_digest(further)


def test_a_misspelt_key_is_no_further_one(tmp_path: Path) -> None:
    """What is nearly a known key is refused, and the missing one told of it."""
    message = refused(tmp_path, {"video": "a.mp4", "question": "?", "anwser": "x"})
    assert "answer is missing; did you mean 'anwser'?" in message
    assert "unknown key 'optoins'" in refused(tmp_path, ROW | {"optoins": []})


VIDEO_R1: dict[str, Any] = {
    "problem_id": 7,
    "problem": "Which way?",
    "data_type": "video",
    "problem_type": "multiple choice",
    "original_question_type": "direction",
    "options": ["A. left", "B. right"],
    "process": "",
    "solution": "<answer>B</answer>",
    "path": "clips/a.mp4",
    "data_source": "VSI-Bench",
}


def test_the_layout_of_video_r1(tmp_path: Path) -> None:
    """Its evaluation files are read as they are."""
    expected = Sample("7", str(tmp_path / "clips/a.mp4"), "Which way?", "B", "multiple choice", ("left", "right"), "direction", "VSI-Bench")
    number = VIDEO_R1 | {"problem_id": 8, "problem_type": "regression", "options": [], "solution": "<answer>3.5</answer>"}
    first, second = read(tmp_path, VIDEO_R1, number)
    assert expected == first
    assert ("regression", (), "3.5") == (second.problem_type, second.options, second.answer)
    assert "answer 'many' is not a number" in refused(tmp_path, number | {"solution": "many"})


def forms(folder: Path) -> dict[str, Path]:
    """The same two rows in every form."""
    number = {"id": "2", "video": "b.mp4", "question": "How many, “really”?", "problem_type": "numerical", "answer": "3"}
    rows = [ROW | {"id": "1", "scene": "s"}, number]
    lines = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    listed = json.dumps(rows, ensure_ascii=False)
    head = ("id", "video", "question", "options", "answer", "problem_type", "scene")
    cells = [[json.dumps(row[name]) if name == "options" and name in row else row.get(name, "") for name in head] for row in rows]
    made: dict[str, bytes] = {
        "a.jsonl": lines.encode(),
        "b.json": listed.encode(),
        "crlf.jsonl": lines.replace("\n", "\r\n").encode(),
        "bom.jsonl": b"\xef\xbb\xbf" + lines.encode(),
        "bom.json": b"\xef\xbb\xbf" + listed.encode(),
        "utf16.json": listed.encode("utf-16"),
        "object.json": json.dumps({"version": 1, "data": rows}).encode(),
        "packed.jsonl.gz": gzip.compress(lines.encode()),
        "packed.json.gz": gzip.compress(listed.encode()),
    }
    for name, mark in (("table.csv", ","), ("table.tsv", "\t")):
        text = io.StringIO(newline="")
        csv.writer(text, delimiter=mark).writerows([head, *cells])
        made[name] = text.getvalue().encode()
        made[f"{name}.gz"] = gzip.compress(text.getvalue().encode())
        made[f"bom.{name}"] = b"\xef\xbb\xbf" + text.getvalue().encode()
    for name, content in made.items():
        (folder / name).write_bytes(content)
    columns = {name: [row.get(name) for row in rows] for name in head}
    pq.write_table(pa.table(columns), folder / "columns.parquet")
    return {path.name: path for path in folder.iterdir()}


def test_every_form_says_the_same(tmp_path: Path) -> None:
    """JSON, JSON lines, CSV, TSV, Parquet; packed, with a byte order mark, with Windows line ends."""
    found = {name: JsonBenchmark(path).samples() for name, path in forms(tmp_path).items()}
    assert len(found) == 16
    for name, samples in found.items():
        assert ["1", "2"] == [sample.sample_id for sample in samples], name
        assert [("left", "right"), ()] == [sample.options for sample in samples], name
        assert [{"scene": "s"}, {}] == [dict(sample.metadata) for sample in samples], name
        assert ["Which way?", "How many, “really”?"] == [sample.question for sample in samples], name
        assert {name.removesuffix(".gz").rpartition(".")[0]} == {sample.benchmark for sample in samples}


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.jsonl.gz", gzip.compress(b"x" * 999, mtime=0)[:-9], "packed with gzip, and damaged"),
        ("a.parquet", b"PAR1 and then nothing", "Parquet file that cannot be read"),
        ("a.csv", b"video,question,answer\na.mp4,Which way?\n", "line 2: has another number of cells than the head"),
        ("a.csv", b"video,question,answer\na.mp4,Which,way,1\n", "line 2: has another number of cells than the head"),
        ("a.csv", b'video,question,answer\n"a.mp4,Which', "is not valid CSV"),
        ("a.jsonl", json.dumps(ROW).encode() + b"\n\xff", "line 2 is no UTF-8 text"),
    ],
)
def test_files_of_each_form_that_are_broken(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    """What is wrong, and where."""
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=words) as caught:
        JsonBenchmark(tmp_path / name).samples()
    assert str(tmp_path / name) in str(caught.value)


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
        (b'{\n "data": []\n}', "no samples"),
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
