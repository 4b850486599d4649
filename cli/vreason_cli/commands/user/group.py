"""``vreason-track user``: who may use a server, and what they may do."""

from __future__ import annotations

from typing import TextIO

import click

from vreason_cli import options
from vreason_cli.groups import OrderedGroup
from vreason_cli.help_names import HELP
from vreason_cli.terminal.audit_output import database as database_option
from vreason_cli.terminal.server_output import backend, database_of_server, enter, tokens_of, users_of

_ROLE = click.option("--role", required=True, metavar="ROLE", help="viewer (reads), editor (also writes) or admin (also changes users).")


@click.group("user", cls=OrderedGroup, context_settings=HELP)
def user_group() -> None:
    """Look after the users of `vreason-track server --users`. What is done is entered into its audit trail."""


@user_group.command("add", short_help="Make a user known.", context_settings=HELP)
@click.argument("name")
@_ROLE
@click.option("--password-file", type=click.File("r"), metavar="FILE", help="First line: the password; - reads it from standard input.")
@backend
@database_option
def add_command(name: str, role: str, password_file: TextIO | None, backend_store_uri: str | None, database: str | None) -> None:
    """Make the user NAME known, with a password of at least 12 characters, which is asked for where no file is named.

    Exit codes: 0 done, 2 name, role or password cannot be one, 5 there is such a user, or the database cannot be used.
    """
    from vreason_tracking.records import user_name
    from vreason_tracking.server import check_user

    given = (
        password_file.readline().rstrip("\r\n") if password_file else click.prompt("Password", hide_input=True, confirmation_prompt=True)
    )
    check_user(name, given, role)
    found = database_of_server(backend_store_uri, database)
    tokens_of(found).revoke_all(name, user_name())  # of an earlier user of that name
    users_of(found).add(name, given, role, lambda: enter(found, "user.created", f"user:{name}", role=role))
    click.echo(f"{name} is {_article(role)}")


@user_group.command("list", short_help="List users and their roles.", context_settings=HELP)
@backend
@database_option
@options.as_json
def list_command(backend_store_uri: str | None, database: str | None, as_json: bool) -> None:
    """List all users.

    Exit codes: 0 done, 5 the database cannot be used.
    """
    from vreason_cli.terminal.listing import print_json, print_table

    users = users_of(database_of_server(backend_store_uri, database)).list()
    if as_json:
        print_json({"users": [{"name": user.name, "role": user.role} for user in users]})
    elif users:
        print_table(("user", "role"), [(user.name, user.role) for user in users])
    else:
        click.echo("no user yet; `vreason-track user add NAME --role admin` makes the first one")


@user_group.command("role", short_help="Give a user another role.", context_settings=HELP)
@click.argument("name")
@_ROLE
@backend
@database_option
def role_command(name: str, role: str, backend_store_uri: str | None, database: str | None) -> None:
    """Give NAME another role. A running server knows it within ten seconds.

    Exit codes: 0 done, 2 there is no such role, 5 there is no such user, it is the only admin, or the database cannot be used.
    """
    found = database_of_server(backend_store_uri, database)
    users = users_of(found)
    before = users.find(name)
    users.set_role(name, role, lambda: enter(found, "user.changed", f"user:{name}", role=role, before=before.role))
    click.echo(f"{name} is {_article(role)}; before, {before.role}")


@user_group.command("remove", short_help="Remove a user.", context_settings=HELP)
@click.argument("name")
@backend
@database_option
def remove_command(name: str, backend_store_uri: str | None, database: str | None) -> None:
    """Remove NAME, whose password and tokens open nothing any more; what they did stays under their name.

    Exit codes: 0 done, 5 there is no such user, it is the only admin, or the database cannot be used.
    """
    from vreason_tracking.records import user_name

    found = database_of_server(backend_store_uri, database)
    users = users_of(found)
    users.remove(name, lambda: enter(found, "user.deleted", f"user:{name}"))
    tokens_of(found).revoke_all(name, user_name())
    click.echo(f"{name} is removed")


def _article(role: str) -> str:
    return f"a{'n' if role[0] in 'ae' else ''} {role}"
