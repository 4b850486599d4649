"""docs/records.md: the fields of every JSON document are named there, and none that is not in it."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from vreason.events import StepRecord
from vreason_cli.terminal.model_output import version_document
from vreason_tracking.bundles.registry import Version
from vreason_tracking.catalog.journal_status import JournalRow
from vreason_tracking.catalog.run_details import Delivery, RunDetails, Session, Sibling
from vreason_tracking.catalog.run_list import RunRow
from vreason_tracking.journal.reader import Corruption
from vreason_tracking.journal.verification import Verification

VERSION = Version("shapes", "1", (), "run", 0, {}, "")
TEXT = (Path(__file__).parents[2] / "docs" / "records.md").read_text(encoding="utf-8")


def names(*kinds: type) -> set[str]:
    return {field.name for kind in kinds for field in fields(kind)}  # type: ignore[arg-type]


def described(command: str) -> set[str]:
    """The words in code quotes of a command's section that look like fields; in a table, those of the first column and the second."""
    section = TEXT.split(f"### `{command} --json`")[1].split("\n### ")[0]
    return set(re.findall(r"`([a-z_]+)`", section))


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("runs list", names(RunRow) | {"runs", "more", "store", "store_error", "journal", "damaged"}),
        ("runs show", names(RunDetails, Session, Sibling, Delivery) | {"asked", "answered", "failed"}),
        ("runs steps", names(StepRecord) | {"phase", "step_ms", "run_id", "variant", "ended", "source", "note", "steps"}),
        ("journal status", names(JournalRow) | {"journal", "runs"}),
        ("model list", set(version_document(VERSION)) | {"registry", "versions"}),
        ("journal verify", names(Verification, Corruption) | {"runs", "intact", "store", "points", "differences"}),
    ],
)
def test_fields(command, expected) -> None:
    """Every field is there, and nothing that is no field."""
    assert expected == described(command)
