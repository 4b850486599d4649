"""``vreason-track audit keygen``."""

from __future__ import annotations

from pathlib import Path

import click

from vreason_cli.help_names import HELP


@click.command("keygen", short_help="Make a signing key.", context_settings=HELP)
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--name", default="vreason-track", show_default=True, help="Of the signer, without blanks; it stands in every signature.")
def keygen_command(file: Path, name: str) -> None:
    """Make an Ed25519 key that signs checkpoints: FILE, which only you can read, and FILE.pub, with which anybody verifies.

    Exit codes: 0 done, 2 the name cannot be one, 5 there is such a file already, or it cannot be written.
    """
    from vreason_tracking.audit import make_key, public_path

    try:
        key = make_key(file, name)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--name") from None
    click.echo(f"signing key in {file}; keep it where only the server reads it")
    click.echo(f"public key in {public_path(file)}: {key.public}")
