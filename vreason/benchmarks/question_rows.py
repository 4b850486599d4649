"""A row of a data file: what is wrong with it, and the sample that it is."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from vreason.benchmarks.layouts import in_own_names
from vreason.benchmarks.sample import Sample
from vreason.prompts import LETTERS, PROBLEM_TYPES
from vreason.scoring import number_of

REQUIRED = ("video", "question", "answer")
KNOWN = (*REQUIRED, "id", "options", "problem_type", "category", "benchmark")
_NUMBERS = ("numerical", "regression")
_BOUNDS = ("start", "end")  # seconds: MVBench's files name a part of some videos


def row_issues(row: Any) -> list[str]:
    """What is wrong with one row, in words."""
    if not isinstance(row, Mapping):
        return [f"is a {type(row).__name__}, not an object with {', '.join(REQUIRED)}"]
    row = in_own_names(row)
    if unusable := [name for name in _BOUNDS if row.get("benchmark") == "MVBench" and row.get(name) is not None]:
        return [f"asks about a part of its video ({', '.join(unusable)}), and whole videos are read; cut the clip, and leave these out"]
    wrong = [f"{name} is missing{_meant(name, row)}" for name in REQUIRED if row.get(name) in (None, "")]
    for name in row:
        if not isinstance(name, str):
            wrong.append(f"key {name!r} must be text")
        elif name not in KNOWN and (close := get_close_matches(name, KNOWN, 1, 0.75)):
            wrong.append(f"unknown key {name!r}; known are {', '.join(KNOWN)}: if {close[0]!r} is not meant, give it another name")
    wrong += [f"{name} must be text" for name in ("video", "question") if row.get(name) and not isinstance(row[name], str)]
    if row.get("benchmark") is not None and not isinstance(row["benchmark"], str):
        wrong.append("benchmark must be text")
    kind = row.get("problem_type")
    if kind is not None and kind not in PROBLEM_TYPES:
        wrong.append(f"problem_type {kind!r} is not one of {', '.join(PROBLEM_TYPES)}")
    issues, options = _option_issues(row.get("options"), kind)
    wrong += issues
    if not issues and row.get("answer") not in (None, ""):
        wrong += _answer_issues(row["answer"], kind or ("multiple choice" if options else "free-form"), options)
    return wrong


def _meant(name: str, row: Mapping[Any, Any]) -> str:
    given = [each for each in row if isinstance(each, str) and each not in KNOWN]
    return f"; did you mean {close[0]!r}?" if (close := get_close_matches(name, given, 1, 0.75)) else ""


def _option_issues(options: Any, kind: str | None) -> tuple[list[str], list[str]]:
    """What is wrong with options, and their texts where nothing is."""
    texts = list(options.values()) if isinstance(options, Mapping) else options or []
    if not isinstance(texts, list) or not all(isinstance(option, str) for option in texts):
        return ["options must be a list of texts, or an object of them by letter"], []
    if isinstance(options, Mapping) and (fault := _key_issue(list(options))):
        return [fault], []
    if len(texts) < 2 and (kind == "multiple choice" or (kind is None and options)):
        return ["a multiple-choice question needs at least two options"], []
    if len(texts) > len(LETTERS):
        return [f"{len(texts)} options; at most {len(LETTERS)} can be lettered"], []
    return [], texts


def _key_issue(keys: Sequence[Any]) -> str | None:
    """Options by letter have the letters from A on, each once."""
    letters = [str(key).strip().upper() for key in keys]
    if sorted(letters) == list(LETTERS[: len(letters)]):
        return None
    return f"options are given for {', '.join(map(str, keys))}; give them for the letters from A on, or as a list"


def _answer_issues(answer: Any, kind: str, options: Sequence[str]) -> list[str]:
    """An expected answer that no reply can meet is a fault of the file."""
    if isinstance(answer, (list, dict, bool)):
        return [f"answer {answer!r} is a {type(answer).__name__}; give one text or number"]
    if isinstance(answer, float) and not math.isfinite(answer):
        return [f"answer {answer!r} is no answer that a reply can meet; give a text or a number"]
    text = _unwrapped(str(answer))
    if not text:
        return ["answer is empty"]
    if kind == "multiple choice" and len(options) >= 2 and _letter(text) not in LETTERS[: len(options)]:
        return [f"answer {answer!r} is not the letter of an option (A to {LETTERS[min(len(options), 26) - 1]})"]
    if kind in _NUMBERS and number_of(text) is None:
        return [f"answer {answer!r} is not a number, as a {kind} question needs; give one number"]
    return []


def _letter(text: str) -> str:
    """ "B" of "B", "b", "B.", "(B)"; else the text, which is no letter."""
    match = re.fullmatch(r"\(?([A-Za-z])[).:]?", text)
    return match[1].upper() if match else f"no letter: {text}"


def sample_of_row(row: Mapping[str, Any], number: int, benchmark: str, video_root: Path) -> Sample:
    """The sample of a row without issues.

    Args:
        row: by column.
        number: of the row, from 0: its id where it has none.
        benchmark: name, where the row has none.
        video_root: folder that a relative path starts from.
    """
    row = in_own_names(row)
    given = row.get("options") or ()
    texts = [given[key] for key in sorted(given, key=lambda key: str(key).strip().upper())] if isinstance(given, Mapping) else given
    options = _unlettered(texts)
    video, answer = Path(row["video"]), _unwrapped(str(row["answer"]))
    kind = row.get("problem_type") or ("multiple choice" if options else "free-form")
    return Sample(
        sample_id=str(number if row.get("id") is None else row["id"]),
        video=row["video"] if "://" in row["video"] else str(video_root / video),  # reading refuses an address by its own name
        question=row["question"],
        answer=_letter(answer) if kind == "multiple choice" and len(options) >= 2 else answer,
        problem_type=kind,
        options=options,
        category=str(row.get("category") or ""),
        benchmark=row.get("benchmark") or benchmark,
        metadata={name: value for name, value in row.items() if name not in KNOWN and value is not None},
    )


def _unlettered(options: Sequence[str]) -> tuple[str, ...]:
    """The options without a leading "A. " or "(A) ", where every one carries its own letter."""
    texts = [option.strip() for option in options]
    bare = [re.sub(rf"^\(?{letter}[.):]\s+", "", text) for letter, text in zip(LETTERS, texts, strict=False)]
    lettered = all(before != after for before, after in zip(texts, bare, strict=False))
    return tuple(bare if lettered else texts)


def _unwrapped(answer: str) -> str:
    """The answer without the tags in which Video-R1's files carry it."""
    match = re.fullmatch(r"\s*<answer>(.*?)</answer>\s*", answer, re.DOTALL)
    return (match[1] if match else answer).strip()
