"""``vreason-track card export``."""

from __future__ import annotations

from pathlib import Path

import click

from vreason_cli import options
from vreason_cli.help_names import HELP
from vreason_cli.terminal.card_output import evidence_of, notes_for, which_card


@click.command("export", short_help="Prepare a repository of the Hugging Face Hub.", context_settings=HELP)
@click.argument("runs", nargs=-1, required=True, metavar="MODEL|RUN...")
@which_card
@click.option("--hub", "repository", required=True, metavar="OWNER/NAME", help="The repository that the folder is for.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Folder, made if it is not there; default: hub/OWNER/NAME.",
)
@click.option(
    "--notes",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Markdown that somebody has written, marked as such. Default: as with `card build`.",
)
@click.option(
    "--dataset",
    "datasets",
    multiple=True,
    metavar="BENCHMARK=OWNER/NAME[:TASK]",
    help="The Hub's data set of a benchmark that is none of the paper's six, for .eval_results. Repeatable.",
)
@click.option("--push", is_flag=True, help="Send the folder to the Hub; the token is HF_TOKEN, or the one that `hf auth login` keeps.")
@click.option("--private", is_flag=True, help="With --push: a repository that is made is seen by its owner only.")
def export_command(
    runs: tuple[str, ...],
    repository: str,
    out: Path | None,
    notes: Path | None,
    datasets: tuple[str, ...],
    push: bool,
    private: bool,
    title: str | None,
    baseline: str | None,
    force: bool,
    tracking_uri: str | None,
    experiment: str,
    journal: str | None,
) -> None:
    """Write a folder as a repository of the Hub has it: the card as README.md, .eval_results (one file a variant), evidence.json, the
    CycloneDX bill of materials, thumbnail.png, and custom_generate, with which `model.generate(custom_generate="OWNER/NAME",
    trust_remote_code=True)` decodes as the card's own variant did.

    Exit codes: 0 done, 2 a wrong name, or --push without a token, 5 a run is not there, the folder cannot be written, or the Hub refuses,
    6 the runs are not alike.
    """
    from vreason.errors import ConfigError, ConfigIssue
    from vreason_tracking.cards import (
        hub_files,
        hub_names,
        hub_token,
        push as push_folder,
        require_benchmarks,
        require_repository,
        without_dataset,
        write_files,
    )
    from vreason_tracking.catalog import Catalog

    require_repository(repository)
    token = hub_token() if push else None
    try:
        named = hub_names(datasets)
    except ValueError as error:
        raise ConfigError([ConfigIssue("--dataset", str(error))]) from error
    evidence = evidence_of(runs, journal, tracking_uri, experiment, title or repository, baseline, force)
    try:
        require_benchmarks(evidence, named)
    except ValueError as error:
        raise ConfigError([ConfigIssue("--dataset", str(error))]) from error
    folder = out or Path("hub") / repository
    catalog = Catalog(options.journal_root(journal), tracking_uri, experiment)
    files = hub_files(evidence, notes_for(evidence, notes, catalog, folder), named)
    write_files(files, folder)
    click.echo(f"{folder}: {len(files)} files")
    for benchmark in without_dataset(evidence, named):
        click.echo(
            f"not in .eval_results: {benchmark!r} is no data set of the Hub that we know; name it with --dataset {benchmark}=OWNER/NAME",
            err=True,
        )
    if token is not None:
        click.echo(push_folder(folder, repository, token, private=private))
