"""``vreason-track token``: what programs show a server in the place of a user's password."""

from __future__ import annotations

import click

from vreason_cli import options
from vreason_cli.groups import OrderedGroup
from vreason_cli.help_names import HELP
from vreason_cli.terminal.audit_output import database as database_option
from vreason_cli.terminal.server_output import backend, database_of_server, enter, tokens_of, users_of


@click.group("token", cls=OrderedGroup, context_settings=HELP)
def token_group() -> None:
    """Make, list and withdraw personal tokens for `vreason-track server --users`."""


@token_group.command("create", short_help="Make a token; it is shown once.", context_settings=HELP)
@click.argument("user")
@click.option("--name", required=True, help="What it is for: a machine, a program.")
@click.option("--scope", default="write", show_default=True, metavar="SCOPE", help="read, or write as far as the user may.")
@click.option("--days", type=float, default=90, show_default=True, help="For how long it is good, at most 366.")
@backend
@database_option
def create_command(user: str, name: str, scope: str, days: float, backend_store_uri: str | None, database: str | None) -> None:
    """Make a token of USER and print it, this once. Programs give it as MLFLOW_TRACKING_TOKEN.

    Exit codes: 0 done, 2 scope or days cannot be so, 5 there is no such user, or the database cannot be used.
    """
    found = database_of_server(backend_store_uri, database)
    users_of(found).find(user)
    made = tokens_of(found).create(
        user,
        name,
        scope,
        days,
        lambda public: enter(found, "token.created", f"user:{user}", token=public, name=name[:256], scope=scope, days=days),
    )
    click.echo(made)


@token_group.command("list", short_help="List tokens, without their secrets.", context_settings=HELP)
@click.argument("user", required=False)
@backend
@database_option
@options.as_json
def list_command(user: str | None, backend_store_uri: str | None, database: str | None, as_json: bool) -> None:
    """List all tokens, or those of USER, the newest first; also those that are no longer good.

    Exit codes: 0 done, 5 the database cannot be used.
    """
    from dataclasses import asdict

    from vreason_cli.terminal.listing import print_json, print_table

    tokens = tokens_of(database_of_server(backend_store_uri, database)).list(user)
    if as_json:
        print_json({"tokens": [asdict(each) | {"good": each.good} for each in tokens]})
        return
    rows = [
        (
            each.id,
            each.user,
            each.name,
            each.scope,
            _date(each.expires_ms),
            "good" if each.good else "revoked" if each.revoked else "expired",
        )
        for each in tokens
    ]
    print_table(("token", "user", "name", "scope", "expires", "state"), rows)


@token_group.command("revoke", short_help="Withdraw a token.", context_settings=HELP)
@click.argument("token")
@backend
@database_option
def revoke_command(token: str, backend_store_uri: str | None, database: str | None) -> None:
    """Withdraw the token with the id TOKEN. A running server knows it within ten seconds.

    Exit codes: 0 done, 5 there is none, or the database cannot be used.
    """
    from vreason_tracking.records import user_name

    found = database_of_server(backend_store_uri, database)
    tokens = tokens_of(found)
    known = tokens.get(token)
    enter(found, "token.revoked", f"user:{known.user}", token=known.id)
    tokens.revoke(known.id, user_name())
    click.echo(f"token {known.id} of {known.user} ({known.name}) is withdrawn")


def _date(unix_ms: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(unix_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
