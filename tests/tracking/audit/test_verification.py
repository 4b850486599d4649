"""vreason_tracking.audit.verification: whatever is changed, the first entry that is not as it was entered is named."""

from __future__ import annotations

import json
import sqlite3

import pytest
import rfc8785

from vreason.errors import TrackingError
from vreason_tracking.audit import (
    AuditDatabase,
    AuditLog,
    NewEntry,
    SigningKey,
    export_to,
    leaf_hash,
    local_uri,
    verify_export,
    verify_lines,
    verify_log,
)
from vreason_tracking.audit.merkle import Frontier

ENTRIES = 12


@pytest.fixture(scope="module")
def key() -> SigningKey:
    return SigningKey.generate("k")


def filled(folder, entries: int = ENTRIES) -> AuditLog:
    database = AuditDatabase(local_uri(folder / "audit.db"))
    database.create()
    log = AuditLog(database)
    log.append([NewEntry("run.started", "ada", f"run:{n}", "host", reason="why", details={"n": n}) for n in range(entries - 1)])
    return log


@pytest.fixture(scope="module")
def lines(tmp_path_factory, key) -> list[bytes]:
    folder = tmp_path_factory.mktemp("audit")
    export_to(folder / "export.jsonl", filled(folder), key)
    return (folder / "export.jsonl").read_bytes().splitlines()


def without_leaves(lines: list[bytes]) -> list[bytes]:
    """An export whose list of hashes was taken out: entries are then found by their chain."""
    return [line for line in lines if not line.startswith(b'{"leaves"')]


def test_untouched(lines, key) -> None:
    """All entries are proved."""
    found = verify_lines(lines, key.public)
    assert (True, ENTRIES, ENTRIES, 1, None, []) == (
        found.intact,
        found.entries,
        found.proved,
        found.checkpoints,
        found.bad_entry,
        found.notes,
    )


@pytest.mark.parametrize("name", ["action", "actor", "address", "details", "index", "outcome", "previous", "reason", "subject", "time"])
@pytest.mark.parametrize("index", range(ENTRIES))
def test_every_field_of_every_entry(lines, key, index, name) -> None:
    """A changed field is found, in the entry where it is; also when somebody mends the hash of it in the entry after."""
    entry = json.loads(lines[1 + index])
    other = {"details": {"n": 99}, "index": 99, "reason": "another", "previous": "1" * 64}
    entry[name] = other.get(name, entry[name][:-1] + "x" if isinstance(entry[name], str) else "x")
    changed = [*lines]
    changed[1 + index] = rfc8785.dumps(entry)
    found = verify_lines(changed, key.public)
    assert (False, index) == (found.intact, found.bad_entry)
    if index + 1 < ENTRIES:
        after = json.loads(changed[2 + index]) | {"previous": leaf_hash(changed[1 + index]).hex()}
        changed[2 + index] = rfc8785.dumps(after)
        assert index == verify_lines(changed, key.public).bad_entry
    blind = without_leaves(lines)
    blind[1 + index] = rfc8785.dumps(entry)
    assert not verify_lines(blind, key.public).intact


@pytest.mark.parametrize("index", range(ENTRIES))
def test_taken_out_put_in_moved(lines, key, index) -> None:
    """Each names the first place that is not as it was, with the list of hashes and without."""
    head, entries, rest = lines[:1], lines[1 : 1 + ENTRIES], lines[1 + ENTRIES :]
    removed = [*entries[:index], *entries[index + 1 :]]
    inserted = [*entries[:index], rfc8785.dumps(json.loads(entries[index]) | {"actor": "eve"}), *entries[index:]]
    replayed = [*entries[: index + 1], *entries[index:]]
    moved = [*entries]
    moved[index], moved[(index + 1) % ENTRIES] = moved[(index + 1) % ENTRIES], moved[index]
    first_moved = 0 if index == ENTRIES - 1 else index
    for changed, first in ((removed, index), (inserted, index), (replayed, index + 1), (moved, first_moved)):
        found = verify_lines([*head, *changed, *rest], key.public)
        assert not found.intact
        assert first == found.bad_entry or (first == ENTRIES and found.bad_entry in (ENTRIES, None))
        assert not verify_lines(without_leaves([*head, *changed, *rest]), key.public).intact


def test_a_cut_tail(tmp_path, lines, key) -> None:
    """Cut and signed anew by whoever has the key, it is found by a checkpoint that was kept elsewhere."""
    log = filled(tmp_path / "long" if (tmp_path / "long").mkdir() is None else tmp_path)
    kept = log.sign(key)
    (tmp_path / "short").mkdir()
    short = AuditDatabase(local_uri(tmp_path / "short" / "audit.db"))
    with sqlite3.connect(tmp_path / "long" / "audit.db") as source, sqlite3.connect(tmp_path / "short" / "audit.db") as target:
        source.backup(target)
        for table, what in (("audit_entries", '"index" >= 8'), ("audit_checkpoints", "1")):
            target.execute(f"DROP TRIGGER {table}_refuse_delete")
            target.execute(f"DELETE FROM {table} WHERE {what}")
        target.execute("DROP TRIGGER audit_nodes_refuse_delete")
        target.execute('DELETE FROM audit_nodes WHERE ("index" + 1) << level > 8')
    export_to(tmp_path / "short.jsonl", AuditLog(short), key)
    assert verify_export(tmp_path / "short.jsonl", key.public).intact
    found = verify_export(tmp_path / "short.jsonl", key.public, [kept])
    assert (False, 8) == (found.intact, found.bad_entry)
    assert "entries from 8 on are missing; a checkpoint is of 12" == found.problem
    assert 8 == verify_lines([lines[0], *lines[1:9], *lines[1 + ENTRIES :]], key.public).bad_entry


def test_a_fork(lines, key) -> None:
    """A log that was written anew from some entry on, whole and signed, does not agree with a kept checkpoint."""
    head = json.loads(lines[0])
    entries, previous = [], None
    for index, line in enumerate(lines[1 : 1 + ENTRIES]):
        entry = json.loads(line) | ({"actor": "eve"} if index == 5 else {})
        if previous is not None:
            entry["previous"] = leaf_hash(previous).hex()
        previous = rfc8785.dumps(entry)
        entries.append(previous)
    frontier = Frontier()
    for line in entries:
        frontier = frontier.append(leaf_hash(line))[0]
    from vreason_tracking.audit import Checkpoint

    forged = Checkpoint(head["origin"], ENTRIES, frontier.root()).signed(key)
    forgery = [lines[0], *entries, json.dumps({"checkpoint": forged}).encode()]
    assert verify_lines(forgery, key.public).intact
    kept = json.loads(lines[-1])["checkpoint"]
    found = verify_lines(forgery, key.public, [kept])
    assert (False, True) == (found.intact, "fork" in str(found.problem))


def test_logs_that_were_spliced(tmp_path, lines, key) -> None:
    """The head of one log and the tail of another are no log, and another log's checkpoint proves nothing."""
    other = filled(tmp_path)
    export_to(tmp_path / "other.jsonl", other, key)
    theirs = (tmp_path / "other.jsonl").read_bytes().splitlines()
    found = verify_lines([*lines[:6], *theirs[6 : 1 + ENTRIES], *lines[1 + ENTRIES :]], key.public)
    assert (False, 5) == (found.intact, found.bad_entry)
    found = verify_lines(lines, key.public, [other.sign(key)])
    assert (False, True) == (found.intact, "is of another log" in str(found.problem))


def test_who_signed(lines, key) -> None:
    """Another key's signature proves nothing; neither does a checkpoint that was changed."""
    found = verify_lines(lines, SigningKey.generate("k").public)
    assert (False, 0) == (found.intact, found.proved)
    assert "not signed by" in str(found.problem)
    assert not verify_lines([*lines[:-1], lines[-1].replace(b"\\n12\\n", b"\\n11\\n")], key.public).intact
    found = verify_lines(lines[:-1], key.public)
    assert "there is no checkpoint that the key has signed, so nothing is proved" == found.problem


def test_entries_that_nobody_signed(tmp_path, lines, key) -> None:
    """What was appended to an export behind its checkpoint is named."""
    log = filled(tmp_path)
    export_to(tmp_path / "export.jsonl", log, key)
    more = log.append([NewEntry("run.started", "eve", "run:99")])[0].to_bytes()
    signed = (tmp_path / "export.jsonl").read_bytes().splitlines()
    found = verify_lines([*signed[: 1 + ENTRIES], more, *signed[1 + ENTRIES :]], key.public)
    assert (False, ENTRIES) == (found.intact, found.bad_entry)
    assert "behind the last checkpoint" in str(found.problem)


def test_what_is_odd(tmp_path, key) -> None:
    """A clock that went back, and an intent without an outcome, are told and are no damage."""
    from datetime import UTC, datetime

    log = filled(tmp_path, 1 + 1)
    at = lambda hour: datetime(2099, 1, 1, hour, tzinfo=UTC)  # noqa: E731
    request = lambda number, outcome, hour: NewEntry(  # noqa: E731
        "mlflow.runs.create", "ada", "request", outcome=outcome, details={"request": number}, time=at(hour)
    )
    log.append([request("1", "intent", 5), request("1", "done", 4), request("2", "intent", 6)])
    export_to(tmp_path / "export.jsonl", log, key)
    found = verify_export(tmp_path / "export.jsonl", key.public)
    assert found.intact
    assert [
        "entry 3: the clock went back, from 2099-01-01T05:00:00.000Z to 2099-01-01T04:00:00.000Z",
        "entry 4: an intent, and no entry says what came of it",
    ] == found.notes


@pytest.mark.parametrize("content", [b"", b"{}", b"not JSON", b'{"format": "other", "size": 1}', b"\x00\xff\n" * 10])
def test_what_is_no_export(tmp_path, key, content) -> None:
    """It is refused by name, with what to do."""
    path = tmp_path / "some.txt"
    path.write_bytes(content)
    with pytest.raises(TrackingError, match=r"some.txt: is no export of an audit trail"):
        verify_export(path, key.public)
    with pytest.raises(TrackingError, match=r"cannot be read"):
        verify_export(tmp_path, key.public)


def test_bits_of_the_database(tmp_path, key) -> None:
    """Whichever bit of the stored entries flips, the log is no longer intact, or cannot be read; an untouched one is."""
    log = filled(tmp_path)
    log.sign(key)
    log.database.close()
    path = tmp_path / "audit.db"
    whole = path.read_bytes()
    assert verify_log(AuditLog(AuditDatabase(local_uri(path))), key.public).intact
    start = whole.index(b'{"action":"run.started"')
    body_end = whole.index(b"}", whole.index(b'"time"', start)) + 1
    for place in range(start, body_end, 3):
        flipped = bytearray(whole)
        flipped[place] ^= 1 << place % 8
        other = tmp_path / f"flipped-{place}.db"
        other.write_bytes(flipped)
        database = AuditDatabase(local_uri(other))
        try:
            assert not verify_log(AuditLog(database), key.public).intact, place
        except TrackingError:
            pass  # not even text any more
        finally:
            database.close()
            other.unlink()


def test_a_row_changed_behind_the_triggers(tmp_path, key) -> None:
    """Whoever drops the triggers and changes an entry is found by the tree; who changes the tree as well, by a checkpoint."""
    log = filled(tmp_path)
    kept = log.sign(key)
    with sqlite3.connect(tmp_path / "audit.db") as connection:
        connection.execute("DROP TRIGGER audit_entries_refuse_update")
        connection.execute("""UPDATE audit_entries SET body = replace(body, '"ada"', '"eve"') WHERE "index" = 4""")
    found = verify_log(log, None)
    assert (False, 4) == (found.intact, found.bad_entry)
    assert 4 == verify_log(log, key.public, [kept]).bad_entry
    export_to(tmp_path / "export.jsonl", log, key)
    assert 4 == verify_export(tmp_path / "export.jsonl", key.public).bad_entry
