"""The files beside a card's README held against the record: each is rendered again, and has to have the same bytes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from vreason.errors import TrackingError
from vreason_tracking.cards.bill_of_materials import FILE as BILL, bill_of_materials
from vreason_tracking.cards.check import Mismatch, as_of
from vreason_tracking.cards.eval_results import FOLDER, datasets_in, eval_results
from vreason_tracking.cards.evidence import Evidence
from vreason_tracking.cards.gathering import no_trail
from vreason_tracking.cards.html_page import to_html
from vreason_tracking.cards.readme import hand_written

_AROUND = 60  # letters before and behind the first that differs
README, PAGE, EVIDENCE = "README.md", "card.html", "evidence.json"


def check_folder(folder: Path, readme: str, evidence: Evidence) -> list[Mismatch]:
    """What of the other files of a card's folder is not what the record says; those that are not there are not missed.

    Args:
        folder: of the card.
        readme: the card.
        evidence: gathered from the record now.

    Raises:
        TrackingError: a file cannot be read.
    """
    try:
        texts = {name: (folder / name).read_text(encoding="utf-8") for name in (PAGE, EVIDENCE, BILL) if (folder / name).is_file()}
        results = {path.name: path.read_text(encoding="utf-8") for path in sorted((folder / FOLDER).glob("*.yaml"))}
    except (OSError, UnicodeDecodeError) as error:
        raise TrackingError(f"{folder}: cannot be read ({error}); build the card again") from error
    return [*_files(texts, readme, _with_claimed_trail(as_of(evidence, readme), texts.get(EVIDENCE))), *_results(results, evidence)]


def _with_claimed_trail(evidence: Evidence, text: str | None) -> Evidence:
    """The evidence with the entries that the card's own names, where no trail is found here, and without where it names none."""
    try:
        card = Evidence.from_json(text or "")
    except TrackingError:
        return evidence
    claimed = {run.name: run.audit for run in card.runs}
    here, there = any(run.audit for run in evidence.runs), any(claimed.values())
    if here == there:
        return evidence
    said = {no_trail(run.name) for run in evidence.runs}
    missing = [each for each in card.missing if each in said or each in evidence.missing]
    return replace(evidence, runs=[replace(run, audit=claimed.get(run.name, [])) for run in evidence.runs], missing=missing)


def _files(texts: Mapping[str, str], readme: str, evidence: Evidence) -> Iterator[Mismatch]:
    notes = hand_written(readme.replace("\r\n", "\n"))
    made = {PAGE: to_html(evidence, notes), EVIDENCE: evidence.to_json(), BILL: bill_of_materials(evidence)}
    for name, text in texts.items():
        expected = made[name]
        if text.replace("\r\n", "\n") != expected:
            line = _first_difference(text, expected)
            yield Mismatch(f"{name}, line {line[0]}", line[1], line[2])


def _results(texts: Mapping[str, str], evidence: Evidence) -> Iterator[Mismatch]:
    """Files of ours alone: others may lie beside them."""
    for name, text in texts.items():
        named = datasets_in(text)
        if named is None:
            continue
        expected = eval_results(evidence, named).get(name, "")
        if text.replace("\r\n", "\n") != expected:
            line = _first_difference(text, expected)
            yield Mismatch(f"{FOLDER}/{name}, line {line[0]}", line[1], line[2])


def _first_difference(card: str, record: str) -> tuple[int, str, str]:
    told, known = card.splitlines(), record.splitlines()
    for number in range(max(len(told), len(known))):
        own, right = (lines[number].strip() if number < len(lines) else "" for lines in (told, known))
        if own != right:
            place = next((at for at, (a, b) in enumerate(zip(own, right, strict=False)) if a != b), min(len(own), len(right)))
            part = slice(max(0, place - _AROUND), place + _AROUND)
            return number + 1, own[part], right[part]
    return len(told), "other line ends or spaces", "the same words; build the card again"
