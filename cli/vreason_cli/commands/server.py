"""``vreason-track server``."""

from __future__ import annotations

import click

from vreason_cli.help_names import HELP
from vreason_cli.terminal.audit_output import database as database_option


@click.command("server", short_help="MLflow's server, with an audit trail.", context_settings={**HELP, "ignore_unknown_options": True})
@click.option("--backend-store-uri", metavar="URI", help="MLflow's database; default: MLFLOW_TRACKING_URI, else sqlite:///mlflow.db here.")
@click.option("--artifacts-destination", metavar="URI", help="Where artifacts are kept; default: mlartifacts beside a SQLite database.")
@database_option
@click.option("--users", "with_users", is_flag=True, help="Everybody has to say who they are; see `vreason-track user` and `token`.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Where it listens; without --users only this machine's own addresses.")
@click.option("--port", type=click.IntRange(1, 65535), default=5000, show_default=True, help="Where it listens.")
@click.argument("more", nargs=-1, type=click.UNPROCESSED, metavar="[MLFLOW-OPTION]...")
def server_command(
    backend_store_uri: str | None,
    artifacts_destination: str | None,
    database: str | None,
    with_users: bool,
    host: str,
    port: int,
    more: tuple[str, ...],
) -> None:
    """Run MLflow's own server (pages, REST, artifacts), and enter every request that changes something into an audit trail: before it
    is carried out, and what came of it. Further options are MLflow's.

    The audit trail is in the same PostgreSQL, whose tables `vreason-track db upgrade` makes, or in audit.db beside a SQLite database.

    With --users clients give a name and a password (MLFLOW_TRACKING_USERNAME, MLFLOW_TRACKING_PASSWORD), or a token of
    `vreason-track token create` (MLFLOW_TRACKING_TOKEN). Viewers read, editors write, admins also change users.

    Exit codes: 2 others could reach the address without --users, or an option is wrong, 5 a database cannot be used, or there is no
    admin yet; otherwise MLflow's.
    """
    from vreason_tracking.server import run_server
    from vreason_tracking.stores import resolved_uri

    run_server(resolved_uri(backend_store_uri), artifacts_destination, database, host, port, more, with_users=with_users)
