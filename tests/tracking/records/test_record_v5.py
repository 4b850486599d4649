"""The record that version 5 left, tests/data/record_v5.tar.xz: it can be listed, verified, compared, delivered and continued.

Four runs of the demo: config "first" with a baseline and V-Reason, three samples each, delivered; "third" with V-Reason, two samples,
recorded offline; "second" with V-Reason, killed after two of eight samples.
"""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet
import pytest

from tests.helpers import commands, old_records, readback
from tests.helpers.old_records import OldRecord
from vreason_tracking.journal.folder import RunFolder
from vreason_tracking.journal.reader import last_end
from vreason_tracking.records.arrow_types import VERSION_KEY

OFFLINE, KILLED = "20261127T024844-1ffa7e", "20261127T024907-067a3d"


@pytest.fixture(autouse=True)
def own_environment(monkeypatch, tmp_path) -> None:
    commands.own_environment(monkeypatch)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def old(tmp_path) -> OldRecord:
    return old_records.unpack(tmp_path / "old", 5)


def test_it_is_version_5(old) -> None:
    """Its sample tables say so."""
    pages = old.journal.parent.rglob("samples.parquet")
    assert {b"5"} == {pyarrow.parquet.read_schema(page).metadata[VERSION_KEY] for page in pages}


def test_looking(program, old) -> None:
    """All four runs are listed, and nothing is damaged."""
    listed = json.loads(program("runs", "list", "--tracking-uri", old.uri, "--journal", old.journal, "--json").out)["runs"]
    assert ["KILLED", "FINISHED", "FINISHED", "FINISHED"] == [run["status"] for run in listed]
    assert [2, 2, 3, 3] == [run["samples_done"] for run in listed]
    verified = program("journal", "verify", "--journal", old.journal)
    assert (0, True) == (verified.code, "nothing is damaged" in verified.out)


def test_comparing(program, old) -> None:
    """The two variants that were delivered are compared from the store's files."""
    outcome = program(
        "compare", "--config-run", "first", "--tracking-uri", old.uri, "--journal", old.journal, "--no-log", "--json", "found.json"
    )
    assert 0 == outcome.code, outcome.err
    found = json.loads(Path("found.json").read_text())
    assert (3, ["baseline", "v-reason"]) == (found["questions"], [run["name"] for run in found["runs"]])


def test_delivering(program, old) -> None:
    """What waited is in the record's own store afterwards."""
    outcome = program("journal", "deliver", "--journal", old.journal, "--tracking-uri", old.uri)
    assert (0, True) == (outcome.code, ", 0 waiting" in outcome.out), outcome.err
    listed = json.loads(program("runs", "list", "--tracking-uri", old.uri, "--journal", old.journal, "--json").out)["runs"]
    assert [(True, 0)] * 4 == [(run["in_store"], run["waiting_points"]) for run in listed]


def test_continuing(program, old) -> None:
    """The killed run goes on to its end and keeps its two samples."""
    folder = RunFolder(old.journal / KILLED)
    before = readback.finished_samples(folder)
    outcome = program("run", "--resume", KILLED, "--offline", "--journal", old.journal)
    assert 0 == outcome.code, outcome.err
    after = readback.finished_samples(folder)
    assert (before, 2) == (after[:2], len(before))
    assert ([1, 2], "FINISHED", 8) == (readback.sessions(folder), last_end(folder).status, len(after))
