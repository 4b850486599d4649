"""``vreason-track card build``."""

from __future__ import annotations

from pathlib import Path

import click

from vreason_cli.help_names import HELP
from vreason_cli.terminal.card_output import evidence_of, which_card


@click.command("build", short_help="Make a card of recorded runs.", context_settings=HELP)
@click.argument("runs", nargs=-1, required=True, metavar="MODEL|RUN...")
@which_card
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default="card",
    show_default=True,
    metavar="DIR",
    help="Folder for README.md, card.html and evidence.json, made if it is not there.",
)
@click.option(
    "--notes",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Markdown that somebody has written; it is marked as hand-written. Default: what is in the card that is there.",
)
def build_command(
    runs: tuple[str, ...],
    out: Path,
    notes: Path | None,
    title: str | None,
    baseline: str | None,
    force: bool,
    tracking_uri: str | None,
    experiment: str,
    journal: str | None,
) -> None:
    """Make README.md, as the Hugging Face Hub reads it, card.html, which needs nothing else, and evidence.json: every figure computed from
    the raw samples, with its interval, the number of questions and videos, the runs, their files' digests and their entries in the audit
    trail. What is missing is said to be. MODEL names a version (shapes/3, shapes@champion): its run, beside those of the same call.

    The same record gives the same bytes.

    Exit codes: 0 done, 5 a run is not there, its record cannot be read, or the folder cannot be written, 6 the runs are not alike.
    """
    from vreason.errors import TrackingError
    from vreason_tracking.cards import hand_written, to_html, to_readme

    evidence = evidence_of(runs, journal, tracking_uri, experiment, title, baseline, force)
    readme = out / "README.md"
    try:
        written = (
            notes.read_text(encoding="utf-8") if notes else hand_written(readme.read_text(encoding="utf-8")) if readme.is_file() else ""
        )
        out.mkdir(parents=True, exist_ok=True)
        texts = {"README.md": to_readme(evidence, written), "card.html": to_html(evidence, written), "evidence.json": evidence.to_json()}
        for name, text in texts.items():
            (out / name).write_text(text, encoding="utf-8", newline="\n")
    except (OSError, UnicodeDecodeError) as error:
        raise TrackingError(f"{out}: the card cannot be written ({error}); name another folder with --out") from error
    click.echo(f"{readme}: {len(evidence.runs)} variant(s), {len(evidence.figures):,} figures")
    for each in evidence.missing:
        click.echo(f"not in the record: {each}", err=True)
