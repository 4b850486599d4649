"""vreason_tracking.audit: entries, the log in SQLite and PostgreSQL, and what the database refuses."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
import rfc8785
from sqlalchemy.exc import DBAPIError

from vreason.errors import ConfigError, TrackingError
from vreason_tracking.audit import (
    AuditDatabase,
    AuditLog,
    Entry,
    Filter,
    NewEntry,
    SigningKey,
    leaf_hash,
    local_uri,
    read_checkpoint,
    verify_consistency,
    verify_inclusion,
    verify_log,
)
from vreason_tracking.audit.entries import MAX_BYTES, entry_of
from vreason_tracking.audit.tables import APPEND_ONLY, SCHEMA, VERSION_TABLE

MOMENT = datetime(2026, 11, 27, 2, 44, 13, 123000, UTC)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request, tmp_path):
    if request.param == "sqlite":
        made = AuditDatabase(local_uri(tmp_path / "audit.db"))
        made.create()
        yield made
        made.close()
        return
    postgres = request.getfixturevalue("postgres")
    name = postgres.create()
    made = AuditDatabase(postgres.uri(name))
    made.create()
    yield made
    made.close()
    postgres.drop(name)


@pytest.fixture
def log(database) -> AuditLog:
    return AuditLog(database)


def new(number: int, **more) -> NewEntry:
    return NewEntry("run.started", "ada", f"run:{number}", details={"number": number}, **more)


def test_what_is_hashed() -> None:
    """The canonical JSON of an entry, byte for byte."""
    entry = entry_of(new(7, time=MOMENT), 3, bytes(32))
    assert (
        b'{"action":"run.started","actor":"ada","address":"","details":{"number":7},"index":3,"outcome":"done","previous":"'
        + b"0" * 64
        + b'","reason":null,"subject":"run:7","time":"2026-11-27T02:44:13.123Z"}'
    ) == entry.to_bytes()
    assert entry == Entry.from_bytes(entry.to_bytes())


@pytest.mark.parametrize(
    "change",
    [{"index": "3"}, {"index": True}, {"details": []}, {"reason": 1}, {"more": 1}, {"actor": None}],
)
def test_what_is_no_entry(change) -> None:
    """A field of another type, one more or one fewer."""
    import json

    values = json.loads(entry_of(new(7), 3, None).to_bytes()) | change
    with pytest.raises(ValueError, match=r"is not|fields"):
        Entry.from_bytes(rfc8785.dumps(values))


def test_what_cannot_be_entered(log) -> None:
    """An unknown action, nobody, nothing, and more than an entry holds; nothing of it is in the log."""
    with pytest.raises(ConfigError, match=r"'run.begun' is no action"):
        NewEntry("run.begun", "ada", "run:1")
    for values in ({"actor": " "}, {"subject": ""}):
        with pytest.raises(ConfigError, match=r"is empty"):
            NewEntry(**({"action": "run.started", "actor": "ada", "subject": "run:1"} | values))
    with pytest.raises(ValueError, match=rf"longer than {MAX_BYTES}"):
        log.append([new(1), NewEntry("run.started", "ada", "run:2", details={"text": "x" * MAX_BYTES})])
    with pytest.raises(ValueError, match=r"details of run.started"):
        log.append([NewEntry("run.started", "ada", "run:2", details={"number": float("nan")})])
    assert 0 == log.size()


def test_appending(log) -> None:
    """The first entry names the log; each has the hash of the one before; text that no database takes is replaced."""
    assert [] == log.append([])
    made = log.append([new(1), NewEntry("run.started", "a\ud800b\0", "run:2")])
    assert [1, 2] == [entry.index for entry in made]
    found = log.entries()
    assert ["log.created", "run.started", "run.started"] == [entry.action for entry in found]
    assert [leaf_hash(entry.to_bytes()).hex() for entry in found[:-1]] == [entry.previous for entry in found[1:]]
    assert "a?b\ufffd" == found[2].actor
    assert f"log:{log.origin()}" == found[0].subject


def test_filters(log) -> None:
    """By actor, subject, action, time; newest first; at most so many."""
    log.append([new(number, time=MOMENT + timedelta(minutes=number)) for number in range(5)])
    log.append([NewEntry("alias.moved", "bob", "model:shapes/2", time=MOMENT), NewEntry("run.finished", "bob", "run:1", time=MOMENT)])
    subjects = lambda wanted, **more: [entry.subject for entry in log.entries(wanted, **more)]  # noqa: E731
    assert ["model:shapes/2", "run:1"] == subjects(Filter(actor="bob"))
    assert ["model:shapes/2"] == subjects(Filter(subject="model:*"))
    assert ["run:1", "run:1"] == subjects(Filter(subject="run:1"))
    assert ["run:1"] == subjects(Filter(action="run.", actor="bob"))
    assert ["run:3", "run:4"] == subjects(
        Filter(action="run.started", since=MOMENT + timedelta(minutes=3), until=MOMENT + timedelta(hours=1))
    )
    assert ["run:1", "model:shapes/2"] == subjects(Filter(), newest_first=True, limit=2)
    assert [] == subjects(Filter(subject="run:%"))


def test_proofs(log) -> None:
    """Every entry is proved to be in the log, and every state to continue the ones before it."""
    key = SigningKey.generate("k")
    states = []
    for number in range(20):
        log.append([new(number)])
        states.append(read_checkpoint(log.sign(key), key.public))
    last = states[-1]
    for entry in log.entries():
        verify_inclusion(leaf_hash(entry.to_bytes()), entry.index, last.size, log.inclusion(entry.index, last.size), last.root)
    for state in states:
        verify_consistency(state.size, last.size, state.root, last.root, log.consistency(state.size, last.size))
        assert state == log.state_at(state.size)
    assert 20 == len(log.checkpoints())
    assert log.sign(key) == log.checkpoints()[-1]
    with pytest.raises(TrackingError, match=r"has 21 entries, from 0, and no 21"):
        log.entry(21)


def test_the_database_refuses_changes(log) -> None:
    """UPDATE, DELETE and TRUNCATE of each table are refused by the database, and the log is as it was."""
    log.append([new(1)])
    log.sign(SigningKey.generate("k"))
    sqlite = log.database.dialect == "sqlite"
    prefix = "" if sqlite else f"{SCHEMA}."
    columns = {"audit_entries": "actor", "audit_nodes": "hash", "audit_checkpoints": "note"}
    statements = [f"UPDATE {prefix}{table} SET {columns[table]} = {columns[table]}" for table in APPEND_ONLY]
    statements += [f"DELETE FROM {prefix}{table}" for table in APPEND_ONLY]
    statements += [] if sqlite else [f"TRUNCATE {prefix}{table}" for table in APPEND_ONLY]
    for statement in statements:
        with pytest.raises(DBAPIError, match=r"append-only"), log.database.engine.begin() as connection:
            connection.exec_driver_sql(statement)
    assert verify_log(log, None).intact
    assert 2 == log.size()


WRITER = """
import sys
from vreason_tracking.audit import AuditDatabase, AuditLog, NewEntry
log = AuditLog(AuditDatabase(sys.argv[1]))
for number in range(25):
    log.append([NewEntry("run.started", sys.argv[2], f"run:{number}")])
"""


def test_writers_at_once(log) -> None:
    """Four processes that append at once make one log: every entry once, in each writer's order, none forked."""
    uri = log.database.uri
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, uri, f"writer-{number}"]) for number in range(4)]
    assert [0] * 4 == [writer.wait(120) for writer in writers]
    assert 101 == log.size()
    for number in range(4):
        mine = log.entries(Filter(actor=f"writer-{number}"))
        assert [f"run:{each}" for each in range(25)] == [entry.subject for entry in mine]
    key = SigningKey.generate("k")
    log.sign(key)
    found = verify_log(log, key.public)
    assert (True, 101) == (found.intact, found.proved)


def test_a_writer_that_dies_leaves_nothing(log) -> None:
    """Killed in the middle of appending, its entries are not there, and the next writer is not kept waiting."""
    log.append([new(1)])
    program = (
        "import os, sys\nfrom vreason_tracking.audit import AuditDatabase, AuditLog, NewEntry\n"
        "log = AuditLog(AuditDatabase(sys.argv[1]))\nlog.append([NewEntry('run.started', 'x', 'run:8')])\n"
        "with log.database.writing() as connection:\n"
        "    log._insert(connection, log._known, [NewEntry('run.started', 'x', 'run:9')])\n    os._exit(9)\n"
    )
    assert 9 == subprocess.run([sys.executable, "-c", program, log.database.uri]).returncode
    log.append([new(2)])
    assert ["run:1", "run:8", "run:2"] == [entry.subject for entry in log.entries(Filter(action="run."))]


def test_other_versions_are_refused(database) -> None:
    """An older and a newer version of the tables, each with what to do; and no tables at all."""
    name = VERSION_TABLE if database.dialect == "sqlite" else f"{SCHEMA}.{VERSION_TABLE}"
    for version, advice in (("0000", "db upgrade"), ("9999", "install the vreason-track that made them")):
        with database.engine.connect() as connection:
            connection.exec_driver_sql(f"UPDATE {name} SET version_num = '{version}'")
            connection.commit()
        with pytest.raises(TrackingError, match=f"of version {version}, this program needs .*{advice}"):
            AuditLog(database)


def test_no_tables(tmp_path) -> None:
    """An empty file has no audit trail, and the message says how one is made."""
    with pytest.raises(TrackingError, match=r"has no audit trail; make its tables with `vreason-track db upgrade"):
        AuditLog(AuditDatabase(local_uri(tmp_path / "new.db")))


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("nonsense", "is no address of a database"),
        ("mysql://u:secret@h/db", "kept in SQLite files and in PostgreSQL"),
        ("sqlite://", "kept in SQLite files and in PostgreSQL"),
        ("sqlite:////no/such/folder/a.db", "there is no folder /no/such/folder"),
    ],
)
def test_addresses_that_are_refused(uri, message) -> None:
    """Each by name, and no password is shown."""
    with pytest.raises(TrackingError, match=message) as raised:
        AuditDatabase(uri)
    assert "secret" not in str(raised.value)


def test_a_file_that_is_no_database(tmp_path) -> None:
    """It is named, and is not written to."""
    path = tmp_path / "text.db"
    path.write_text("no database at all, " * 100)
    with pytest.raises(TrackingError, match=r"text.db: the audit trail cannot be read"):
        AuditLog(AuditDatabase(local_uri(path)))
    assert path.read_text().startswith("no database")


def test_a_node_is_missing(tmp_path) -> None:
    """A tree with a hole is not appended to: what it lacks is named."""
    database = AuditDatabase(local_uri(tmp_path / "audit.db"))
    database.create()
    log = AuditLog(database)
    log.append([new(number) for number in range(3)])
    with sqlite3.connect(tmp_path / "audit.db") as connection:
        connection.execute("DROP TRIGGER audit_nodes_refuse_delete")
        connection.execute('DELETE FROM audit_nodes WHERE level = 2 AND "index" = 0')
    with pytest.raises(TrackingError, match=r"node 0 of level 2 of the tree of the audit trail is missing"):
        AuditLog(database).append([new(9)])
