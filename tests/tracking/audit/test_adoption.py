"""vreason_tracking.audit.adoption: a server's log takes a journal's over, as far as that proves itself."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from tests.helpers.web_server import answering
from vreason.errors import TrackingError
from vreason_tracking.audit import (
    Adopted,
    AuditDatabase,
    AuditLog,
    Checkpoint,
    Handover,
    HandoverError,
    NewEntry,
    ProvedEntry,
    SigningKey,
    adopt,
    adopted,
    hand_over,
    local_uri,
    make_handover,
    verify_log,
)
from vreason_tracking.audit.adoption import LARGEST

KEY = SigningKey.generate("journal")


def log_in(folder: Path, entries: int) -> AuditLog:
    folder.mkdir()
    database = AuditDatabase(local_uri(folder / "audit.db"))
    database.create()
    log = AuditLog(database, "ada")
    enter(log, entries)
    return log


def enter(log: AuditLog, entries: int) -> None:
    log.append([NewEntry("run.started", "ada", f"run:r{number}", "laptop", details={"n": number}) for number in range(entries)])


@pytest.fixture
def local(tmp_path: Path) -> AuditLog:
    """A journal's, of four entries."""
    return log_in(tmp_path / "journal", 3)


@pytest.fixture
def team(tmp_path: Path) -> AuditLog:
    """A server's."""
    return log_in(tmp_path / "server", 1)


def given(local: AuditLog, known: Adopted | None = None) -> Handover:
    made = make_handover(local, KEY, known)
    assert made is not None
    return made


def test_taken_over(local: AuditLog, team: AuditLog) -> None:
    """Every entry, its original in full, under the name of who handed it over; then there is nothing more to hand over."""
    known = adopt(team, given(local), "bob", "10.0.0.1")
    assert Adopted(local.origin(), 4, known.root, str(KEY.public), 4) == known == adopted(team, local.origin())
    assert make_handover(local, KEY, known) is None
    taken = [entry for entry in team.entries() if entry.action.startswith("local.")]
    assert ["local.log.created", *["local.run.started"] * 3] == [entry.action for entry in taken]
    assert {("bob", "10.0.0.1")} == {(entry.actor, entry.address) for entry in taken}
    assert "run:r2" == taken[-1].subject
    assert local.entry(3).details == taken[-1].details["entry"]["details"]
    assert local.entry(3).actor == taken[-1].details["entry"]["actor"]
    assert verify_log(team, None).intact


def test_in_parts(local: AuditLog, team: AuditLog) -> None:
    """A long log comes in parts, each continuing the one before; and what is entered later, later."""
    enter(local, 2 * LARGEST)
    known, parts = None, []
    while (made := make_handover(local, KEY, known)) is not None:
        parts.append(len(made.entries))
        known = adopt(team, made, "bob", "")
    assert [LARGEST, LARGEST, 4] == parts
    enter(local, 1)
    known = adopt(team, given(local, known), "bob", "")
    assert local.size() == known.entries
    assert local.size() == len([entry for entry in team.entries() if entry.action.startswith("local.")])


def swapped(made: Handover) -> Handover:
    return replace(made, entries=[made.entries[1], made.entries[0], *made.entries[2:]])


def body_changed(made: Handover) -> Handover:
    first = replace(made.entries[0], body=made.entries[0].body.replace('"ada"', '"eve"'))
    return replace(made, entries=[first, *made.entries[1:]])


def without_first(made: Handover) -> Handover:
    return replace(made, entries=made.entries[1:])


def proof_changed(made: Handover) -> Handover:
    first = replace(made.entries[0], proof=[base64.b64encode(b"x" * 32).decode(), *made.entries[0].proof[1:]])
    return replace(made, entries=[first, *made.entries[1:]])


def proof_longer(made: Handover) -> Handover:
    return replace(made, entries=[replace(made.entries[0], proof=[*made.entries[0].proof, made.entries[0].proof[0]])])


def no_base64(made: Handover) -> Handover:
    return replace(made, entries=[replace(made.entries[0], proof=["é"])])


def no_entry(made: Handover) -> Handover:
    return replace(made, entries=[ProvedEntry("{}", [])])


def note_changed(made: Handover) -> Handover:
    return replace(made, note=made.note.replace("\n4\n", "\n5\n"))


def another_key(made: Handover) -> Handover:
    return replace(made, key=str(SigningKey.generate("journal").public))


def no_key(made: Handover) -> Handover:
    return replace(made, key="x")


def too_many(made: Handover) -> Handover:
    return replace(made, entries=[*made.entries] * LARGEST)


@pytest.mark.parametrize(
    "change",
    [
        swapped,
        body_changed,
        without_first,
        proof_changed,
        proof_longer,
        no_base64,
        no_entry,
        note_changed,
        another_key,
        no_key,
        too_many,
    ],
)
def test_what_does_not_prove_itself(local: AuditLog, team: AuditLog, change: Callable[[Handover], Handover]) -> None:
    """It is refused, and nothing of it is entered."""
    before = team.size()
    with pytest.raises(HandoverError):
        adopt(team, change(given(local)), "mallory", "")
    assert before == team.size()
    assert adopted(team, local.origin()) is None


def test_a_fork(local: AuditLog, team: AuditLog, tmp_path: Path) -> None:
    """A log that was written anew from some entry on does not continue what was handed over, signed or not."""
    shutil.copytree(tmp_path / "journal", tmp_path / "other")
    other = AuditLog(AuditDatabase(local_uri(tmp_path / "other" / "audit.db")))
    enter(local, 2)
    enter(other, 1)
    enter(other, 3)
    known = adopt(team, given(local), "bob", "")
    before = team.size()
    with pytest.raises(HandoverError, match="does not continue"):
        adopt(team, given(other, known), "mallory", "")
    assert before == team.size()


def test_a_log_that_was_cut(local: AuditLog, team: AuditLog, tmp_path: Path) -> None:
    """A journal that has fewer entries than the server knows of says that a part was lost."""
    shutil.copytree(tmp_path / "journal", tmp_path / "earlier")
    enter(local, 2)
    known = adopt(team, given(local), "bob", "")
    earlier = AuditLog(AuditDatabase(local_uri(tmp_path / "earlier" / "audit.db")))
    with pytest.raises(TrackingError, match="part of it was lost"):
        make_handover(earlier, KEY, replace(known, entries=2))


def test_a_new_key(local: AuditLog, team: AuditLog) -> None:
    """A log is continued with the key that it began with."""
    known = adopt(team, given(local), "bob", "")
    enter(local, 1)
    made = make_handover(local, SigningKey.generate("journal"), known)
    assert made is not None
    with pytest.raises(HandoverError, match="another key"):
        adopt(team, made, "mallory", "")


@pytest.mark.parametrize(("status", "body", "kind"), [(404, "{}", "application/json"), (200, "<html>", "text/html")])
def test_a_server_without_an_audit_trail(local: AuditLog, status: int, body: str, kind: str) -> None:
    """MLflow's own, or a page: nothing is handed over, and nothing is wrong."""
    with answering(status, body, {"content-type": kind}) as (address, _):
        assert hand_over(local, KEY, address, {}) is None


@pytest.mark.parametrize(
    ("status", "body"), [(403, '{"error": "eve may only read"}'), (503, '{"error": "not now"}'), (500, '"x"'), (200, "{")]
)
def test_a_server_that_refuses(local: AuditLog, status: int, body: str) -> None:
    """The error has its reason, and no password."""
    with answering(status, body, {"content-type": "application/json"}) as (address, _), pytest.raises(TrackingError) as told:
        hand_over(local, KEY, address.replace("http://", "http://me:s3cret@"), {})
    assert "s3cret" not in str(told.value)
    if "error" in body:
        assert body.split('"')[3] in str(told.value)


def test_nobody_there(local: AuditLog) -> None:
    """The next delivery hands it over."""
    with pytest.raises(TrackingError, match="does not answer"):
        hand_over(local, KEY, "http://127.0.0.1:9", {})


def test_the_same_at_once(local: AuditLog, team: AuditLog, tmp_path: Path) -> None:
    """Of many processes that take the same over at once, one does; each entry is there once."""
    made = given(local)
    logs = [AuditLog(AuditDatabase(local_uri(tmp_path / "server" / "audit.db"))) for _ in range(8)]

    def take(log: AuditLog) -> bool:
        try:
            adopt(log, made, "bob", "")
        except HandoverError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert 1 == sum(pool.map(take, logs))
    assert 4 == len([entry for entry in team.entries() if entry.action.startswith("local.")])


@pytest.mark.parametrize("origin", ["*", "vreason-track/*", "x" * 257, "a\u0000b", ""])
def test_names_that_cannot_be_a_log_s(local: AuditLog, team: AuditLog, origin: str) -> None:
    """They would mean something to a filter, or be cut: refused, and nothing is known by them."""
    adopt(team, given(local), "bob", "")
    assert adopted(team, origin) is None
    state = local.state()
    note = Checkpoint(origin or " ", state.size, state.root).signed(KEY)
    with pytest.raises(HandoverError):
        adopt(team, replace(given(local), note=note), "mallory", "")
