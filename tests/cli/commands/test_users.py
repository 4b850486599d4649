"""``vreason-track user`` and ``token``: what an admin types, and what is entered of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.helpers import commands
from vreason_cli.commands.server import server_command
from vreason_cli.commands.token.group import token_group
from vreason_cli.commands.user.group import user_group
from vreason_tracking.audit import AuditDatabase, AuditLog, Filter

DATABASE = ("--database", "sqlite:///audit.db")


@pytest.fixture(autouse=True)
def own_environment(monkeypatch, tmp_path) -> None:
    commands.own_environment(monkeypatch)
    for name in ("VREASON_DATABASE", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    Path("password").write_text("a long password\n")


@pytest.mark.parametrize(
    "command", [server_command, *user_group.commands.values(), *token_group.commands.values()], ids=lambda command: command.name
)
def test_every_option_says_what_it_does(command) -> None:
    """Each has a text."""
    commands.check_options(command)


@pytest.mark.parametrize("name", ["server", "user", "token", "user add"])
def test_help_loads_nothing_heavy(name) -> None:
    """Help answers without SQLAlchemy or MLflow."""
    commands.weigh(*name.split(), "--help")


@pytest.mark.slow  # MLflow's store of users takes seconds to make
def test_a_team(program) -> None:
    """Users are added, listed, changed and removed; tokens made, listed and withdrawn; each is an entry, and no secret is in one."""

    def ask(*arguments: str):
        return program(*arguments, *DATABASE)

    assert "no user yet" in ask("user", "list").out
    for name, role in (("ada", "admin"), ("bob", "editor")):
        done = ask("user", "add", name, "--role", role, "--password-file", "password")
        assert (0, f"{name} is an {role}\n") == (done.code, done.out), done.err
    assert "bob is a viewer; before, editor" in ask("user", "role", "bob", "--role", "viewer").out
    users = json.loads(ask("user", "list", "--json").out)["users"]
    assert [{"name": "ada", "role": "admin"}, {"name": "bob", "role": "viewer"}] == users
    token = ask("token", "create", "bob", "--name", "laptop", "--scope", "read", "--days", "2").out.strip()
    (listed,) = json.loads(ask("token", "list", "bob", "--json").out)["tokens"]
    assert (True, "laptop", True) == (listed["good"], listed["name"], listed["id"] in token)
    assert token not in ask("token", "list").out
    assert "is withdrawn" in ask("token", "revoke", listed["id"]).out
    assert "revoked" in ask("token", "list").out
    assert "bob is removed" in ask("user", "remove", "bob").out
    entries = AuditLog(AuditDatabase(DATABASE[1])).entries(Filter(subject="user:bob"))
    assert ["user.created", "user.changed", "token.created", "token.revoked", "user.deleted"] == [entry.action for entry in entries]
    assert [] == [entry for entry in entries if token in str(entry) or "long password" in str(entry)]
    for arguments, code, text in (
        (("user", "add", "eve", "--role", "boss", "--password-file", "password"), 2, "'boss' is not one of viewer, editor, admin"),
        (("user", "add", "ada", "--role", "viewer", "--password-file", "password"), 5, "there is a user 'ada' already"),
        (("user", "add", "e:ve", "--role", "viewer", "--password-file", "password"), 2, "cannot be a user's name"),
        (("user", "remove", "nobody"), 5, "there is no user 'nobody'"),
        (("user", "remove", "ada"), 5, "is the only admin"),
        (("user", "role", "ada", "--role", "viewer"), 5, "is the only admin"),
        (("token", "create", "nobody", "--name", "x"), 5, "there is no user 'nobody'"),
        (("token", "create", "ada", "--name", "x", "--days", "1000"), 2, "at most 366"),
        (("token", "revoke", "none"), 5, "there is no token 'none'"),
    ):
        outcome = ask(*arguments)
        assert (code, True) == (outcome.code, text in outcome.err), (arguments, outcome.err)
        assert "Traceback" not in outcome.err
    told = AuditLog(AuditDatabase(DATABASE[1])).entries(Filter(subject="user:ada"))
    assert ["user.created"] == [entry.action for entry in told]  # what was refused is not entered as done


def test_a_server_that_others_reach(program) -> None:
    """Without users it is refused, with exit code 2 and what to do."""
    outcome = program("server", "--host", "0.0.0.0")
    assert (2, True) == (outcome.code, "nobody would have to say who they are: give --users" in outcome.err)
