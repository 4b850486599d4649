"""``vreason-track audit`` and ``db``: what a lead types to see, keep and prove what was done, and every way in which it can go wrong."""

from __future__ import annotations

import json
import os
import subprocess
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests.helpers import commands
from vreason_cli.commands.audit.group import audit_group
from vreason_cli.commands.db.group import db_group
from vreason_tracking.audit import enter
from vreason_tracking.audit.destinations import read_kept, send_checkpoint

JOURNAL = Path("vreason-journal")


@pytest.fixture(autouse=True)
def own_environment(monkeypatch, tmp_path) -> None:
    commands.own_environment(monkeypatch)
    for name in ("VREASON_DATABASE", "VREASON_AUDIT_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def trail() -> None:
    """Three runs of two users."""
    for number, actor in enumerate(("ada", "bob", "ada")):
        enter(JOURNAL, "run.started", actor, f"run:{number}", details={"number": number})
    enter(JOURNAL, "alias.moved", "bob", "model:shapes/2", reason="better on counting")


def entries_of(outcome) -> list[dict]:
    assert 0 == outcome.code, outcome.err
    return json.loads(outcome.out)["entries"]


@pytest.mark.parametrize("command", [*audit_group.commands.values(), *db_group.commands.values()], ids=lambda command: command.name)
def test_every_option_says_what_it_does(command) -> None:
    """Each has a text."""
    commands.check_options(command)


@pytest.mark.parametrize("name", ["audit", "db", "audit verify", "db upgrade"])
def test_help_loads_nothing_heavy(name) -> None:
    """Help answers without SQLAlchemy or MLflow."""
    commands.weigh(*name.split(), "--help")


def test_listing(program, trail) -> None:
    """The newest first; by user, action, subject; the timeline of one subject; a table and JSON."""
    assert ["model:shapes/2", "run:2"] == [entry["subject"] for entry in entries_of(program("audit", "log", "--limit", "2", "--json"))]
    assert ["run:2", "run:0"] == [
        entry["subject"] for entry in entries_of(program("audit", "log", "--actor", "ada", "--action", "run.", "--json"))
    ]
    assert ["alias.moved"] == [entry["action"] for entry in entries_of(program("audit", "log", "model:shapes/2", "--json"))]
    assert [0, 1, 2, 3, 4] == [entry["index"] for entry in entries_of(program("audit", "log", "--oldest-first", "--json"))]
    assert [] == entries_of(program("audit", "log", "--until", "2020-01-01", "--json"))
    table = program("audit", "log")
    assert (0, True) == (table.code, "better on counting" in table.out)
    assert "no entry" in program("audit", "log", "--actor", "nobody").out


def test_one_entry(program, trail) -> None:
    """With its reason, details and hash."""
    found = json.loads(program("audit", "show", "4", "--json").out)
    assert ("better on counting", 64) == (found["reason"], len(found["hash"]))
    assert '"number": 1' in program("audit", "show", "2").out
    missing = program("audit", "show", "9")
    assert (5, True) == (missing.code, "has 5 entries, from 0, and no 9" in missing.err)


def test_export_and_verify(program, trail) -> None:
    """An export is verified with nothing but the public key; a change is named, with exit code 1."""
    done = program("audit", "export", "export.jsonl", "--reason", "for the review")
    assert (0, True) == (done.code, "6 entries in export.jsonl" in done.out)
    assert "made a signing key" in done.err
    verify = ("audit", "verify", "export.jsonl", "--public-key", JOURNAL / "audit.key.pub")
    assert (0, True) == ((good := program(*verify)).code, "6 entries, all as they were entered" in good.out)
    text = Path("export.jsonl").read_text()
    Path("export.jsonl").write_text(text.replace('"actor":"bob"', '"actor":"eve"', 1))
    bad = program(*verify)
    assert (1, True) == (bad.code, "first bad entry: 2." in bad.out)
    assert (1, 2) == ((found := program(*verify, "--json")).code, json.loads(found.out)["bad_entry"])
    unkeyed = program("audit", "verify", "export.jsonl")
    assert (2, True) == (unkeyed.code, "--public-key FILE" in unkeyed.err)
    assert "export.taken" == entries_of(program("audit", "log", "--limit", "1", "--json"))[0]["action"]


def test_the_database_is_verified(program, trail) -> None:
    """Without an export the database itself; without a key that is said."""
    first = program("audit", "verify")
    assert (0, True) == (first.code, "no public key is known" in first.out)
    program("audit", "checkpoint")
    assert "1 checkpoint(s) agree" in program("audit", "verify").out


def test_checkpoints_kept_elsewhere(program, trail) -> None:
    """In a file, in git, and by a PUT; the log is held against them later."""
    subprocess.run(["git", "init", "-q", "kept"], check=True)
    subprocess.run(["git", "-C", "kept", "config", "user.email", "a@b"], check=True)
    subprocess.run(["git", "-C", "kept", "config", "user.name", "ada"], check=True)
    taken: list[bytes] = []

    class Takes(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            taken.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(204 if self.path == "/keep" else 405)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Takes) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://ada:secret@127.0.0.1:{server.server_port}"
        done = program("audit", "checkpoint", "--to", "kept.txt", "--to", "git:kept", "--to", f"{address}/keep")
        refused = program("audit", "checkpoint", "--to", f"{address}/other")
        server.shutdown()
    assert 0 == done.code, done.err
    assert done.out == taken[0].decode()
    assert "secret" not in done.err
    assert (5, True) == (refused.code, "answers 405 to a PUT" in refused.err)
    log = subprocess.run(["git", "-C", "kept", "log", "--oneline"], capture_output=True, text=True, check=True).stdout
    assert "at 5 entries" in log
    assert [done.out] == read_kept(Path("kept.txt")) == read_kept(Path("kept/audit-checkpoints.txt"))
    enter(JOURNAL, "run.started", "ada", "run:9")
    assert 0 == program("audit", "verify", "--checkpoint", "kept.txt").code
    proved = program("audit", "prove", "--continues", "kept.txt")
    assert (0, True) == (proved.code, "is the beginning of" in proved.out)


def test_proofs(program, trail) -> None:
    """Of an entry, as JSON with all that a verifier needs; of another log's checkpoint there is none."""
    found = json.loads(program("audit", "prove", "3", "--json").out)
    assert (3, 5, True) == (found["entry"], found["of"], found["checkpoint"].startswith("vreason-track/"))
    for number in range(8):
        enter(Path("other"), "run.started", "eve", f"run:{number}")
    program("audit", "checkpoint", "--journal", "other", "--key", JOURNAL / "audit.key", "--to", "other.txt")
    refused = program("audit", "prove", "--continues", "other.txt")
    assert (1, True) == (refused.code, "Error: " in refused.err)
    assert 2 == program("audit", "prove").code
    assert 5 == program("audit", "prove", "77").code


def test_what_is_not_there(program) -> None:
    """No log, no key, no such file, no such folder: exit code 5 or 2, and what to do."""
    for arguments, code, text in (
        (("audit", "log"), 5, "there is no audit trail yet; a run makes one"),
        (("audit", "log", "--journal", "none"), 2, "is not there"),
        (("audit", "log", "--database", "nonsense"), 5, "is no address of a database"),
        (("audit", "verify", "none.jsonl", "--public-key", "none.pub"), 5, "none.pub: cannot be read"),
        (("audit", "keygen", "a.key", "--name", "a b"), 2, "cannot name a key"),
        (("db", "check"), 5, "there is no folder"),
        (("db", "restore", "none", "--database", "sqlite:///new.db"), 5, "is no backup"),
        (("db", "backup", "new"), 5, "there is no audit trail yet"),
        (("audit", "log", "--since", "soon"), 2, "is no time"),
    ):
        outcome = program(*arguments)
        assert (code, True) == (outcome.code, text in outcome.err), (arguments, outcome.err)
        assert "Traceback" not in outcome.err


def test_destinations_that_refuse(tmp_path) -> None:
    """A folder that is no repository, a path that cannot be written, a server that is not there."""
    from vreason.errors import TrackingError

    (tmp_path / "plain").mkdir()
    for destination, text in (
        (f"git:{tmp_path}/plain", "git rev-parse"),
        (f"git:{tmp_path}/none", "is no folder"),
        (f"{tmp_path}/none/file", "cannot be written"),
        ("http://127.0.0.1:9/x", "was not taken"),
    ):
        with pytest.raises(TrackingError, match=text):
            send_checkpoint("o\n1\nx\n\n— k y\n", destination)


def test_a_life_of_the_database(program) -> None:
    """Made, checked, used, backed up, restored, taken back; the environment names it as well as the option."""
    uri = "sqlite:///own.db"
    assert "version None -> 0002" in program("db", "upgrade", "--database", uri).out
    assert "version 0002, as it was" in program("db", "upgrade", "--database", uri).out
    assert {"version": "0002", "newest": "0002"} == json.loads(program("db", "current", "--database", uri, "--json").out)
    assert 0 == program("db", "check", "--database", uri).code
    assert 0 == program("audit", "keygen", "team.key").code
    assert (5, True) == ((empty := program("db", "backup", "copy", "--database", uri)).code, "is empty" in empty.err)
    os.environ["VREASON_DATABASE"] = uri
    try:
        from vreason_tracking.audit import AuditDatabase, AuditLog, NewEntry

        AuditLog(AuditDatabase(uri)).append([NewEntry("user.created", "ada", "user:bob")])
        made = program("db", "backup", "copy")
        assert (0, True) == (made.code, "the audit trail has 3 entries" in made.out), made.err
        back = program("db", "restore", "copy", "--database", "sqlite:///back.db")
        assert (0, True) == (back.code, "3 entries with the root that they had" in back.out)
        signed = program("audit", "checkpoint", "--key", "team.key")
        assert (0, True) == (signed.code, "— vreason-track " in signed.out)
        assert "version 0002 -> none" in program("db", "downgrade", "base", "--yes").out
    finally:
        del os.environ["VREASON_DATABASE"]
