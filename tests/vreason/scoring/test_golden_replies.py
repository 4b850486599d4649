"""Two lists of real-style answers, written independently of each other and of the code: what each says, in the eyes of a careful reader."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from vreason.scoring import letter_of, number_of

FOLDER = Path(__file__).parents[2] / "data" / "golden_replies"
ROWS = [
    (f"{path.stem}-{number}", json.loads(line))
    for path in sorted(FOLDER.glob("*.jsonl"))
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
]


def test_there_are_two_lists_of_200() -> None:
    """None is lost."""
    assert 400 == len(ROWS)


@pytest.mark.parametrize("row", [row for _, row in ROWS], ids=[name for name, _ in ROWS])
def test_what_a_careful_reader_reads(row) -> None:
    """The letter or number, or none."""
    found = letter_of(row["text"], row["options"]) if row["kind"] == "letter" else number_of(row["text"])
    expected = row["expected"] if row["expected"] is None or row["kind"] == "letter" else pytest.approx(row["expected"])
    assert expected == found, row["note"]
