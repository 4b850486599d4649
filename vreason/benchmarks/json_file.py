"""Samples from a user's JSON or JSONL file."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vreason.benchmarks.sample import Sample
from vreason.errors import DataError
from vreason.prompts import LETTERS, PROBLEM_TYPES

_REQUIRED = ("video", "question", "answer")
_KNOWN = (*_REQUIRED, "id", "options", "problem_type", "category", "benchmark")
_SHOWN = 20  # printed; the rest is counted


class JsonBenchmark:
    """A JSON list or JSONL file of objects with `video`, `question`, `answer` and, as needed, `id`, `options`, `problem_type`, `category`,
    `benchmark` (the one that the question belongs to; default: the file's name without its suffix).

    Args:
        path: the file.
        video_root: folder that relative video paths start from; default: the file's own folder.
    """

    def __init__(self, path: str | Path, video_root: str | Path | None = None) -> None:
        self.path = Path(path)
        self.name = self.path.stem
        self.video_root = Path(video_root) if video_root is not None else self.path.parent

    def samples(self) -> Sequence[Sample]:
        """Read and check every row.

        Raises:
            DataError: the file cannot be read, or rows are wrong: all of them named, each with what is wrong.
        """
        rows = self._rows()
        issues: list[str] = []
        samples = []
        seen: dict[str, int] = {}
        for number, (index, row) in enumerate(rows):
            wrong = _faults(row)
            if wrong:
                issues += [f"{index}: {issue}" for issue in wrong]
                continue
            sample = self._sample(row, number)
            if sample.sample_id in seen:
                issues.append(f"{index}: id {sample.sample_id!r} was given before (row {seen[sample.sample_id]}); ids must differ")
            seen[sample.sample_id] = number + 1
            samples.append(sample)
        if issues:
            more = f"\n  ... and {len(issues) - _SHOWN} more" if len(issues) > _SHOWN else ""
            raise DataError(f"{self.path}: {len(issues)} issue(s)\n  " + "\n  ".join(issues[:_SHOWN]) + more)
        if not samples:
            raise DataError(f"{self.path}: holds no samples; give one JSON object a line, or a JSON list of objects")
        return samples

    def _rows(self) -> list[tuple[str, Any]]:
        try:
            text = self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            raise DataError(f"{self.path}: no such file; check data.source") from None
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(f"{self.path}: cannot be read as UTF-8 text ({error}); give a JSON or JSONL file") from None
        if text.lstrip().startswith("["):
            try:
                return [(f"row {i}", row) for i, row in enumerate(json.loads(text), 1)]
            except json.JSONDecodeError as error:
                raise DataError(f"{self.path}: not valid JSON at line {error.lineno}, column {error.colno}: {error.msg}") from None
        rows: list[tuple[str, Any]] = []
        for number, line in enumerate(text.split("\n"), 1):  # not splitlines: a JSON text may hold U+2028 and its like
            if line.strip():
                try:
                    rows.append((f"line {number}", json.loads(line)))
                except json.JSONDecodeError as error:
                    raise DataError(f"{self.path}: line {number} is not valid JSON ({error.msg}); one object a line") from None
        return rows

    def _sample(self, row: dict[str, Any], number: int) -> Sample:
        options = _unlettered(row.get("options") or ())
        video = Path(row["video"])
        return Sample(
            sample_id=str(number if row.get("id") is None else row["id"]),
            video=str(video if video.is_absolute() else self.video_root / video),
            question=row["question"],
            answer=_unwrapped(str(row["answer"])),
            problem_type=row.get("problem_type") or ("multiple choice" if options else "free-form"),
            options=options,
            category=str(row.get("category") or ""),
            benchmark=row.get("benchmark") or self.name,
        )


def _faults(row: Any) -> list[str]:
    """What is wrong with one row, in words."""
    if not isinstance(row, dict):
        return [f"is a {type(row).__name__}, not an object with {', '.join(_REQUIRED)}"]
    wrong = [f"{name} is missing" for name in _REQUIRED if row.get(name) in (None, "")]
    wrong += [f"unknown key {name!r}; known are {', '.join(_KNOWN)}" for name in row if name not in _KNOWN]
    wrong += [f"{name} must be text" for name in ("video", "question") if name in row and row[name] and not isinstance(row[name], str)]
    if row.get("benchmark") is not None and not isinstance(row["benchmark"], str):
        wrong.append("benchmark must be text")
    kind, options = row.get("problem_type"), row.get("options") or []
    if kind is not None and kind not in PROBLEM_TYPES:
        wrong.append(f"problem_type {kind!r} is not one of {', '.join(PROBLEM_TYPES)}")
    if not isinstance(options, list) or not all(isinstance(option, str) for option in options):
        return [*wrong, "options must be a list of texts"]
    if len(options) < 2 and (kind == "multiple choice" or (kind is None and options)):
        wrong.append("a multiple-choice question needs at least two options")
    if len(options) > len(LETTERS):
        wrong.append(f"{len(options)} options; at most {len(LETTERS)} can be lettered")
    choice = kind in (None, "multiple choice") and len(options) >= 2
    if choice and row.get("answer") not in (None, "") and _unwrapped(str(row["answer"])) not in list(LETTERS[: len(options)]):
        wrong.append(f"answer {row['answer']!r} is not the letter of an option (A to {LETTERS[min(len(options), 26) - 1]})")
    return wrong


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
