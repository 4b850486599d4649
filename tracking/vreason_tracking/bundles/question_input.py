"""One question as a caller writes it: a record with the fields `video`, `question`, `options`, and what else there is."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from typing import Any

from vreason.benchmarks import Sample
from vreason.config_checks import check_choice, is_unicode, shown, unknown_key
from vreason.errors import ConfigError, ConfigIssue
from vreason.prompts import PROBLEM_TYPES

FIELDS = ("video", "question", "options", "problem_type", "id")
MOST_OPTIONS = 26
LONGEST = 20_000  # characters of a question


def question_input(record: object, path: str = "record") -> Sample:
    """A record's question, checked; its video as the caller names it, its id the seed of its draws.

    Args:
        record: `video` (a path, a data: URI, or a URL where those are taken) and `question` are texts; `options`, a list of texts without
            letters, makes it multiple choice; `problem_type` is one of `vreason.prompts.PROBLEM_TYPES`; `id` names the question as its
            run did, which matters where tokens are drawn. Fields that are None or NaN count as left out.
        path: of the record, for messages.

    Raises:
        ConfigError: everything wrong with it.
    """
    if not isinstance(record, Mapping):
        raise ConfigError([ConfigIssue(path, f"{shown(record)} is not a record with the fields video and question")])
    given = {str(name): _plain(value) for name, value in record.items()}
    given = {name: value for name, value in given.items() if not _is_missing(value)}
    issues = [unknown_key(f"{path}.{name}", name, FIELDS) for name in given if name not in FIELDS]
    issues += _text_issues(given, path)
    issues += _option_issues(given, path)
    kind = given.get("problem_type", "multiple choice" if given.get("options") else "free-form")
    issues += check_choice(f"{path}.problem_type", kind, PROBLEM_TYPES)
    if not issues and kind == "multiple choice" and not given.get("options"):
        issues.append(ConfigIssue(f"{path}.options", "is missing; a multiple-choice question has some"))
    if issues:
        raise ConfigError(issues)
    video, question = given.get("video", ""), given["question"]
    name = str(given.get("id", "")) or hashlib.sha256(f"{video}\0{question}".encode()).hexdigest()[:16]
    return Sample(name, video, question, "", str(kind), tuple(given.get("options", ())))


def _plain(value: Any) -> Any:
    """A list out of a DataFrame is an array, a number a NumPy one."""
    if hasattr(value, "tolist") and not isinstance(value, (str, bytes)):
        return value.tolist()
    return value


def _is_missing(value: object) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _text_issues(given: Mapping[str, Any], path: str) -> list[ConfigIssue]:
    issues = []
    if not isinstance(given.get("question"), str) or not given["question"].strip():
        what = "is missing" if "question" not in given else f"{shown(given['question'])} is not a text"
        issues.append(ConfigIssue(f"{path}.question", f"{what}; give the question"))
    elif len(given["question"]) > LONGEST:
        issues.append(ConfigIssue(f"{path}.question", f"has {len(given['question'])} characters, and {LONGEST} is the most"))
    elif not is_unicode(given["question"]):
        issues.append(ConfigIssue(f"{path}.question", "holds half of a surrogate pair, which is no text; remove it"))
    if not isinstance(given.get("video", ""), str):
        issues.append(ConfigIssue(f"{path}.video", f"{shown(given['video'])} is not a path, a data: URI or a URL"))
    if not isinstance(given.get("id", ""), (str, int)) or len(str(given.get("id", ""))) > 200:
        issues.append(ConfigIssue(f"{path}.id", "is not a text of at most 200 characters"))
    return issues


def _option_issues(given: Mapping[str, Any], path: str) -> list[ConfigIssue]:
    options = given.get("options", [])
    if not isinstance(options, (list, tuple)) or not all(isinstance(each, str) and is_unicode(each) for each in options):
        return [ConfigIssue(f"{path}.options", f"{shown(options)} is not a list of texts")]
    if len(options) > MOST_OPTIONS or sum(map(len, options)) > LONGEST:
        return [ConfigIssue(f"{path}.options", f"are more than {MOST_OPTIONS}, or longer than {LONGEST} characters together")]
    return []
