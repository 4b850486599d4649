"""``vreason-track audit prove``."""

from __future__ import annotations

from pathlib import Path

import click

from vreason_cli import options
from vreason_cli.help_names import HELP
from vreason_cli.terminal.audit_output import key, which_log


@click.command("prove", short_help="Prove that an entry is in the log, or that a log continues another.", context_settings=HELP)
@click.argument("index", metavar="ENTRY", type=click.IntRange(min=0), required=False)
@which_log
@key
@click.option("--continues", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Checkpoint of an earlier state.")
@options.as_json
def prove_command(
    index: int | None, database: str | None, journal: str | None, key_file: Path | None, continues: Path | None, as_json: bool
) -> None:
    """Print the proof (RFC 6962) that entry ENTRY is in the log that the newest checkpoint is of; or, with --continues, that this log
    continues the one of an earlier checkpoint. The proof is verified before it is printed.

    Exit codes: 0 proved, 1 it cannot be proved: the log is another one, 5 there is no such entry, or the log cannot be read.
    """
    import base64

    from vreason_cli.terminal.audit_output import open_log, signing_key
    from vreason_tracking.audit import ProofError, leaf_hash, read_checkpoint, read_kept, verify_consistency, verify_inclusion

    if (index is None) == (continues is None):
        raise click.UsageError("give the number of an entry, or --continues FILE")
    log = open_log(database, journal)
    signing = signing_key(log, key_file, journal)
    note = log.sign(signing)
    state = read_checkpoint(note, signing.public)
    document: dict[str, object]
    try:
        if continues is not None:
            earlier = read_checkpoint(read_kept(continues)[-1], signing.public)
            proof = log.consistency(earlier.size, state.size)
            verify_consistency(earlier.size, state.size, earlier.root, state.root, proof)
            document = {"from": earlier.size, "to": state.size}
        else:
            assert index is not None
            entry = log.entry(index)
            proof = log.inclusion(index, state.size)
            verify_inclusion(leaf_hash(entry.to_bytes()), index, state.size, proof, state.root)
            document = {"entry": index, "of": state.size, "body": entry.to_bytes().decode()}
    except ProofError as error:
        raise click.ClickException(str(error)) from None
    except ValueError as error:
        raise click.ClickException(f"{continues}: {error}") from None
    hashes = [base64.b64encode(each).decode() for each in proof]
    if as_json:
        from vreason_cli.terminal.listing import print_json

        print_json({**document, "proof": hashes, "checkpoint": note})
        return
    what = f"entry {index} is in" if continues is None else f"the log of {continues} is the beginning of"
    click.echo(f"proved: {what} the log of {state.size:,} entries, by {len(hashes)} hash(es)")
    for each in hashes:
        click.echo(f"  {each}")
    click.echo(note, nl=False)
