"""``vreason-track audit verify``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from vreason_cli import options
from vreason_cli.help_names import HELP
from vreason_cli.terminal.audit_output import key, which_log

if TYPE_CHECKING:
    from vreason_tracking.audit import PublicKey, Verification


@click.command("verify", short_help="Prove that nothing was changed, taken out or put in.", context_settings=HELP)
@click.argument("export", required=False, type=click.Path(dir_okay=False, path_type=Path))
@which_log
@key
@click.option("--public-key", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="The log's public key (audit.key.pub).")
@click.option(
    "--checkpoint",
    "checkpoints",
    multiple=True,
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Checkpoints that were kept elsewhere: the log must still agree with them. Can be given several times.",
)
@options.as_json
@click.pass_context
def verify_command(
    context: click.Context,
    export: Path | None,
    database: str | None,
    journal: str | None,
    key_file: Path | None,
    public_key: Path | None,
    checkpoints: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Verify EXPORT, which needs nothing but the file and the log's public key; without EXPORT, the log in the database as it is.

    Names the first entry that is not as it was entered. Without a checkpoint that was kept elsewhere, a log that whoever has its signing
    key wrote anew cannot be told from the one that it was.

    Exit codes: 0 all is proved, 1 something was changed, 5 the file, the key or the log cannot be read.
    """
    from vreason_tracking.audit import read_kept, read_public_key, verify_export

    kept = [note for path in checkpoints for note in read_kept(path)]
    if export is not None:
        if public_key is None:
            raise click.UsageError("an export is verified with --public-key FILE: the .pub file beside the log's signing key")
        found = verify_export(export, read_public_key(public_key), kept)
    else:
        found = _verify_database(database, journal, key_file, read_public_key(public_key) if public_key else None, kept)
    if as_json:
        from dataclasses import asdict

        from vreason_cli.terminal.listing import print_json

        print_json({"intact": found.intact, **asdict(found)})
    else:
        _report(found)
    context.exit(0 if found.intact else 1)


def _verify_database(
    database: str | None, journal: str | None, key_file: Path | None, public_key: PublicKey | None, kept: list[str]
) -> Verification:
    """Each entry of the database held against its tree, and the tree against every checkpoint that is known."""
    from vreason_cli.terminal.audit_output import key_path, open_log
    from vreason_tracking.audit import public_path, read_public_key, verify_log

    log = open_log(database, journal)
    path = public_path(key_path(key_file, journal))
    found = public_key if public_key is not None else read_public_key(path) if path.is_file() else None
    return verify_log(log, found, kept)


def _report(found: Verification) -> None:
    for note in found.notes:
        click.echo(f"note: {note}")
    if found.intact:
        click.echo(f"{found.origin}: {found.entries:,} entries, all as they were entered; {found.checkpoints} checkpoint(s) agree")
        return
    at = "" if found.bad_entry is None else f"first bad entry: {found.bad_entry}. "
    click.echo(f"{found.origin}: NOT as it was entered. {at}{found.problem}; {found.proved:,} of {found.entries:,} entries are proved")
