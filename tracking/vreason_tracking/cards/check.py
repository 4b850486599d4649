"""A card held against the record: each figure that differs, what the card says, and what the record says."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from typing import Any

import yaml

from vreason.errors import TrackingError
from vreason_tracking.cards.evidence import FORMAT, Evidence
from vreason_tracking.cards.gathering import no_trail
from vreason_tracking.cards.readme import hand_written, parts_of, to_readme
from vreason_tracking.presentation import escaped

_ROW = re.compile(r"\| .* \| \d+ \| [a-z.]+ \| [0-9T:.Z-]+ \| [0-9a-f]{64} \|")
"""Of the table of the audit trail's entries: what a card may say there on a machine without the trail."""
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
    """Which runs a card says that it rests on, of which version of a model it is, and by which version of the program it was made."""

    title: str
    runs: Sequence[str]
    baseline: str | None
    model: str | None = None
    version: str | None = None


def claims_of(readme: str) -> Claims:
    """What a card says of itself.

    Raises:
        TrackingError: this is no card of ours.
    """
    data = _front_matter(readme)
    data = data if isinstance(data, dict) else {}
    told = data.get("vreason")
    runs = told.get("runs") if isinstance(told, dict) and told.get("format") == FORMAT else None
    told = told if isinstance(told, dict) else {}
    baseline, model, version, title = (told.get(name) for name in ("baseline", "model", "version", "title"))
    named = all(each is None or isinstance(each, str) for each in (baseline, model, version, title))
    if not isinstance(runs, list) or not runs or not named or not all(isinstance(each, str) for each in runs):
        raise TrackingError("this is no card of vreason-track's: its front matter names no runs; `vreason-track card build` makes one")
    return Claims(title or _heading(readme), runs, baseline, model, version)


def check(readme: str, evidence: Evidence) -> list[Mismatch]:
    """Everything in which a card and the record disagree; empty where they do not. The hand-written part may say what it likes.

    Where no audit trail is found, what the card says of one is left alone.

    Args:
        readme: the card.
        evidence: gathered from the record now.
    """
    card = readme.replace("\r\n", "\n")
    expected = to_readme(as_of(evidence, card), hand_written(card))
    elsewhere = _trail(card) is None and _said_of_no_trail(evidence) <= set(card.splitlines())
    if elsewhere or not any(run.audit for run in evidence.runs):  # the card was made, or is checked, on another machine than the journal's
        card, expected = (_without_trail(each, evidence) for each in (card, expected))
    if card == expected:
        return []
    found = [*_index_mismatches(_front_matter(card), _front_matter(expected)), *_text_mismatches(_body(card), _body(expected))]
    return found or [Mismatch("its form", "something else", "the same figures in another form; build it again")]


def as_of(evidence: Evidence, readme: str) -> Evidence:
    """The evidence as the version of the program tells it that made a card: an upgrade alone changes no figure."""
    told = _front_matter(readme)
    told = told.get("vreason") if isinstance(told, dict) else None
    version = told.get("version") if isinstance(told, dict) else None
    return replace(evidence, version=version) if isinstance(version, str) else evidence


def _trail(readme: str) -> tuple[int, int] | None:
    """First and last line, the latter excluded, of the table of the audit trail's entries, where a card has it: in its last section."""
    lines = readme.splitlines()
    start = max((place for place, line in enumerate(lines) if line == "## Where it comes from"), default=len(lines))
    begin = next((place for place in range(start, len(lines)) if lines[place] == "### Entries of the audit trail"), None)
    if begin is None:
        return None
    rows = begin + 2
    while rows < len(lines) and (rows < begin + 4 or _ROW.fullmatch(lines[rows])):  # two lines of heads, then entries and nothing else
        rows += 1
    return begin, rows


def _said_of_no_trail(evidence: Evidence) -> set[str]:
    return {f"- {escaped(no_trail(run.name))}" for run in evidence.runs}


def _without_trail(readme: str, evidence: Evidence) -> str:
    """A card without what it says of an audit trail: one table of entries, and a line a run that none was found. Nothing else goes."""
    lines = readme.splitlines()
    if (place := _trail(readme)) is not None:
        lines[place[0] : place[1] + 1] = []
    for each in _said_of_no_trail(evidence):
        if each in lines:
            lines.remove(each)
    return "\n".join(lines)


def _front_matter(readme: str) -> Any:
    try:
        return yaml.safe_load(parts_of(readme)[0])
    except (yaml.YAMLError, ValueError, RecursionError):  # a date that is none, and lists in lists
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
    if told == known and own.get("model-index") != other.get("model-index"):
        yield Mismatch("front matter, model-index", "other tasks, data sets, kinds or names", "the same figures; build the card again")


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
