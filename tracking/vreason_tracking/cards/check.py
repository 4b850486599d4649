"""A card held against the record: each figure that differs, what the card says, and what the record says."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

import yaml

from vreason.errors import TrackingError
from vreason_tracking.cards.evidence import FORMAT, Evidence
from vreason_tracking.cards.readme import hand_written, parts_of, to_readme

_AUDIT = re.compile(r"^### Entries of the audit trail\n\n(?:\|.*\n)+\n|^- .*: entries of an audit trail; .*\n", re.MULTILINE)
_CELL = re.compile(r"(?<!\\)\|")


@dataclass(frozen=True)
class Mismatch:
    """Where card and record disagree.

    Attributes:
        where: which figure, or which line.
        card, record: what each says; "" where it says nothing.
    """

    where: str
    card: str
    record: str

    def __str__(self) -> str:
        return f"{self.where}: the card says {self.card or 'nothing'}, the record {self.record or 'nothing'}"


@dataclass(frozen=True)
class Claims:
    """Which runs a card says that it rests on, and of which version of a model it is."""

    title: str
    runs: Sequence[str]
    baseline: str | None
    model: str | None = None


def claims_of(readme: str) -> Claims:
    """What a card says of itself.

    Raises:
        TrackingError: this is no card of ours.
    """
    data = _front_matter(readme)
    data = data if isinstance(data, dict) else {}
    told = data.get("vreason")
    runs = told.get("runs") if isinstance(told, dict) and told.get("format") == FORMAT else None
    baseline, model = (told.get("baseline"), told.get("model")) if isinstance(told, dict) else (None, None)
    named = all(each is None or isinstance(each, str) for each in (baseline, model))
    if not isinstance(runs, list) or not runs or not named or not all(isinstance(each, str) for each in runs):
        raise TrackingError("this is no card of vreason-track's: its front matter names no runs; `vreason-track card build` makes one")
    index = data.get("model-index")
    title = str(index[0].get("name", "")) if isinstance(index, list) and index and isinstance(index[0], dict) else _heading(readme)
    return Claims(title, runs, baseline, model)


def check(readme: str, evidence: Evidence) -> list[Mismatch]:
    """Everything in which a card and the record disagree; empty where they do not. The hand-written part may say what it likes.

    Where no audit trail is found, what the card says of one is left alone.

    Args:
        readme: the card.
        evidence: gathered from the record now.
    """
    card = readme.replace("\r\n", "\n")
    expected = to_readme(evidence, hand_written(card))
    if not any(run.audit for run in evidence.runs):  # on another machine than the journal's
        card, expected = _without_audit(card), _without_audit(expected)
    if card == expected:
        return []
    found = [*_index_mismatches(_front_matter(card), _front_matter(expected)), *_text_mismatches(_body(card), _body(expected))]
    return found or [Mismatch("its form", "something else", "the same figures in another form; build it again")]


def _without_audit(readme: str) -> str:
    return _AUDIT.sub("", readme)


def _front_matter(readme: str) -> Any:
    try:
        return yaml.safe_load(parts_of(readme)[0])
    except yaml.YAMLError:
        return None


def _body(readme: str) -> list[str]:
    return parts_of(readme)[1].splitlines()


def _heading(readme: str) -> str:
    return next((line.removeprefix("# ").replace("\\", "") for line in readme.splitlines() if line.startswith("# ")), "")


def _index_mismatches(card: Any, record: Any) -> Iterator[Mismatch]:
    """Of the front matter: figures of the model-index by name, and every other field."""
    told, known = _figures(card), _figures(record)
    for name in sorted(told.keys() | known.keys()):
        if told.get(name) != known.get(name):
            yield Mismatch(f"front matter, {name}", _shown(told.get(name)), _shown(known.get(name)))
    own, other = (each if isinstance(each, dict) else {} for each in (card, record))
    for field in sorted((own.keys() | other.keys()) - {"model-index"}, key=str):
        if own.get(field) != other.get(field):
            yield Mismatch(f"front matter, {field}", _shown(own.get(field)), _shown(other.get(field)))


def _figures(data: Any) -> dict[str, object]:
    found: dict[str, object] = {}
    try:
        for model in data["model-index"]:
            for result in model["results"]:
                for metric in result["metrics"]:
                    found[f"{metric.get('name')} on {result['dataset'].get('name')}"] = metric.get("value")
    except (TypeError, KeyError, AttributeError):
        return found
    return found


def _shown(value: object) -> str:
    return "" if value is None else str(value)


def _text_mismatches(card: list[str], record: list[str]) -> Iterator[Mismatch]:
    """Of the text, line by line; of a table's row, cell by cell, named by its section, its words and its column."""
    for kind, begin, end, other, until in SequenceMatcher(None, card, record, autojunk=False).get_opcodes():
        if kind == "equal":
            continue
        told, known = card[begin:end], record[other:until]
        for place in range(max(len(told), len(known))):
            own = told[place] if place < len(told) else ""
            right = known[place] if place < len(known) else ""
            if own != right:
                yield from _line_mismatches(own, right, record, min(other + place, len(record) - 1))


def _line_mismatches(own: str, right: str, record: list[str], place: int) -> Iterator[Mismatch]:
    section = next((line.lstrip("# ") for line in reversed(record[: place + 1]) if line.startswith("#")), "")
    cells = [_cells(each) for each in (own, right)]
    if cells[0] and cells[1] and len(cells[0]) == len(cells[1]):
        heads = _heads(record, place)
        words = ", ".join(cells[1][:2])
        for index, (told, known) in enumerate(zip(*cells, strict=True)):
            if told != known:
                column = heads[index] if index < len(heads) else f"column {index + 1}"
                yield Mismatch(f"{section}: {column} of {words}", told, known)
        return
    yield Mismatch(section or "text", repr(own.strip()) if own.strip() else "", repr(right.strip()) if right.strip() else "")


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in _CELL.split(line)[1:-1]] if line.startswith("|") else []


def _heads(record: list[str], place: int) -> list[str]:
    """The heads of the table in which a line stands."""
    while place and record[place - 1].startswith("|"):
        place -= 1
    return _cells(record[place])
