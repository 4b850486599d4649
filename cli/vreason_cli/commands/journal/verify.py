"""``vreason-track journal verify``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from vreason_cli import options
from vreason_cli.help_names import HELP

if TYPE_CHECKING:
    from vreason_tracking.journal import Verification


@click.command("verify", short_help="Check every record.", context_settings=HELP)
@click.argument("runs", nargs=-1, metavar="[RUN]...")
@options.journal
@options.as_json
@click.pass_context
def verify_command(context: click.Context, runs: tuple[str, ...], journal: str | None, as_json: bool) -> None:
    """Check every record of every run, or of those named, against its checksum, and name each one that is not as it was written.

    The torn end of a run whose process died is no damage: it was never closed, and is cut when the run is closed or continued.

    Exit codes: 0 nothing is damaged, 1 something is, 5 the journal cannot be read.
    """
    from vreason_tracking.catalog import check, chosen_folders

    found: list[Verification] = []
    for folder in chosen_folders(options.journal_root(journal), runs):
        verification = check(folder)
        found.append(verification)
        if not as_json:
            for line in report(verification):
                click.echo(line)
    damaged = [each for each in found if not each.intact]
    if as_json:
        from vreason_cli.terminal.listing import print_json

        print_json({"intact": not damaged, "runs": [_fields(each) for each in found]})
    else:
        records = sum(each.records for each in found)
        click.echo(f"{len(found)} run(s), {records:,} records: {f'{len(damaged)} run(s) are damaged' if damaged else 'nothing is damaged'}")
    context.exit(1 if damaged else 0)


def report(verification: Verification) -> list[str]:
    """What a check found, in lines; each damage has its own."""
    fragments = f"{verification.fragments} fragment(s), {verification.records:,} record(s), {verification.samples} finished sample(s)"
    state = "intact" if verification.intact else f"{len(verification.damages)} damage(s)"
    lines = [f"{verification.run_id}: {state}: {fragments}"]
    if verification.live and verification.open_records:
        lines.append(f"  under way: {verification.open_records:,} record(s) not closed yet")
    elif verification.open_records or verification.torn_bytes:
        kept = f"{verification.open_records:,} record(s) of a dead process that nobody closed, kept when it is closed or continued"
        lines.append(f"  {kept}; {verification.torn_bytes:,} torn byte(s) after them")
    return lines + [f"  {damage}" for damage in verification.damages]


def _fields(verification: Verification) -> dict[str, object]:
    from dataclasses import asdict

    return {**asdict(verification), "intact": verification.intact}
