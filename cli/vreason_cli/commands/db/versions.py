"""``vreason-track db upgrade | current | check | downgrade``."""

from __future__ import annotations

import click

from vreason_cli import options
from vreason_cli.help_names import HELP
from vreason_cli.terminal.audit_output import database_of, which_log


@click.command("upgrade", short_help="Bring the tables to the newest version.", context_settings=HELP)
@which_log
@click.option("--grant-to", metavar="ROLE", help="PostgreSQL: the role of the server, which may then read and append, and nothing else.")
def upgrade_command(database: str | None, journal: str | None, grant_to: str | None) -> None:
    """Make the tables, or bring them to the newest version. Of several that try at once one does it, and the others find it done.

    Exit codes: 0 done, 2 the role cannot be one, 5 the database cannot be used, or its version is not known here.
    """
    from vreason_migrations import upgrade

    found = database_of(database, journal)
    before, after = upgrade(found, grant_to)
    click.echo(f"{found.address}: version {after}, as it was" if before == after else f"{found.address}: version {before} -> {after}")


@click.command("current", short_help="Print the version of the tables.", context_settings=HELP)
@which_log
@options.as_json
def current_command(database: str | None, journal: str | None, as_json: bool) -> None:
    """Print the version of the tables, and the newest that this program knows.

    Exit codes: 0 done, 5 the database cannot be read.
    """
    from vreason_migrations import current, history

    found = database_of(database, journal)
    version, newest = current(found), history()[-1]
    if as_json:
        from vreason_cli.terminal.listing import print_json

        print_json({"version": version, "newest": newest.name})
        return
    click.echo(f"{found.address}: version {version or 'none'}; the newest is {newest.name}: {newest.summary}")


@click.command("check", short_help="Check that the tables are what the program says.", context_settings=HELP)
@which_log
@click.pass_context
def check_command(context: click.Context, database: str | None, journal: str | None) -> None:
    """Check that the tables are of the newest version and as the program has them.

    Exit codes: 0 they are, 1 they are not, 5 the database cannot be read, or its version is another one.
    """
    from vreason_migrations import differences

    found = database_of(database, journal)
    found.require()
    wrong = differences(found)
    for each in wrong:
        click.echo(f"{found.address}: {each}")
    if not wrong:
        click.echo(f"{found.address}: the tables are as they should be")
    context.exit(1 if wrong else 0)


@click.command("downgrade", short_help="Take versions of the tables back.", context_settings=HELP)
@click.argument("version")
@which_log
@click.option("--yes", is_flag=True, help="Do not ask.")
def downgrade_command(version: str, database: str | None, journal: str | None, yes: bool) -> None:
    """Take the tables back to VERSION; `base` takes them away, with every entry. Export and back up first.

    Exit codes: 0 done, 1 it was not confirmed, 2 there is no such version, 5 the database cannot be used.
    """
    from vreason_migrations import downgrade

    found = database_of(database, journal)
    if not yes:
        click.confirm(f"{found.address}: what came with the versions after {version} is lost, entries included. Go on?", abort=True)
    before, after = downgrade(found, version)
    click.echo(f"{found.address}: version {before} -> {after or 'none'}")
