"""``vreason-track model register``."""

from __future__ import annotations

from pathlib import Path

import click

from vreason_cli import options
from vreason_cli.help_names import HELP


@click.command("register", short_help="Make a version of a model out of a run.", context_settings=HELP)
@click.argument("run")
@click.option("--variant", metavar="NAME", help="The variant of the run's call that is registered; default: the run's own.")
@click.option("--name", required=True, metavar="NAME", help="Name of the model; a new one is made with its first version.")
@click.option("--alias", metavar="ALIAS", help="Let this alias point at the new version, such as champion.")
@click.option("--include-weights", is_flag=True, help="Put the weights into the bundle; default: their name, revision and SHA-256.")
@click.option(
    "--bound",
    "bounds",
    multiple=True,
    metavar="NAME=LIMITS",
    help="What a caller may set: controller.k=2..8, controller.norm=head,token, pruning.ratio=fixed, or all=fixed. Repeatable.",
)
@click.option(
    "--code",
    "code",
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    metavar="PATH",
    help="A module or package of your own that the method names; it goes into the bundle. Repeatable.",
)
@click.option(
    "--signing-key",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    envvar="VREASON_SIGNING_KEY",
    show_envvar=True,
    help="Sign all files with this elliptic-curve key (PEM); its password is taken from VREASON_SIGNING_PASSWORD.",
)
@click.option(
    "--notes",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Markdown for the hand-written part of the version's card; default: card.md beside the run's config.",
)
@click.option("--skip-example", is_flag=True, help="Do not load the bundle to let it answer its example before it is registered.")
@click.option("--force", metavar="REASON", help="Register the run whatever speaks against it; the reason stays on the version.")
@options.both_sides
@options.as_json
def register_command(
    run: str,
    variant: str | None,
    name: str,
    alias: str | None,
    include_weights: bool,
    bounds: tuple[str, ...],
    code: tuple[Path, ...],
    signing_key: Path | None,
    notes: Path | None,
    skip_example: bool,
    force: str | None,
    tracking_uri: str | None,
    experiment: str,
    journal: str | None,
    as_json: bool,
) -> None:
    """Register RUN as a version of the model NAME: model, method, prompt, frames and decoding as one thing that answers questions.

    A run that failed, is partial, or whose record does not verify is refused unless it is forced. Before it is registered the bundle is
    loaded and answers a question of its run, which has to come out as it did there. Its model card is made with it (see `card build`), and
    its finding stands in the descriptions that MLflow shows.

    Exit codes: 0 done, 2 a wrong name, bound or key, 3 the model cannot be loaded, 5 something speaks against the run, or the store.
    """
    import os

    from vreason_cli.terminal.audit_handover import hand_over_to
    from vreason_cli.terminal.card_output import notes_of_run, read_notes
    from vreason_cli.terminal.listing import print_json
    from vreason_cli.terminal.model_output import version_document
    from vreason_tracking.bundles import Registration
    from vreason_tracking.cards import register_with_card
    from vreason_tracking.catalog import Catalog

    wanted = Registration(
        run=run,
        name=name,
        variant=variant,
        alias=alias,
        include_weights=include_weights,
        force=force,
        bounds=bounds,
        code_paths=code,
        signing_key=signing_key,
        key_password=os.environ.get("VREASON_SIGNING_PASSWORD"),
        run_example=not skip_example,
    )
    catalog = Catalog(options.journal_root(journal), tracking_uri, experiment)
    written = read_notes(notes) if notes else notes_of_run(catalog, run)
    made, card = register_with_card(catalog, wanted, lambda text: click.echo(f"{text} ...", err=True), written)
    hand_over_to(catalog.uri, catalog.root, err=True)
    if as_json:
        print_json(
            {
                **version_document(made.version),
                "example": made.example,
                "bundle": made.bundle.model_dump(mode="json"),
                "card": card is not None,
            }
        )
        return
    for objection in made.objections:
        click.secho(f"WARNING  registered by force, although {objection}", fg="yellow", bold=True)
    if made.example == "different":
        click.secho("WARNING  its example came out otherwise than in the run (another device, type or version?)", fg="yellow", bold=True)
    version = made.version
    alias_text = "".join(f" @{each}" for each in version.aliases)
    click.echo(f"{version.label}{alias_text}: {made.bundle.origin.variant} on {made.bundle.model.id}, run {version.run_id}")
    told = {"equal": "answered as the run did, token by token", "answered": "answered", "not run": "not run"}
    click.echo(f"  example {told.get(made.example, made.example)}; {'signed' if version.signed else 'unsigned'}")
    if card is not None:
        click.echo(f"  card: {card.finding}")
    click.echo(f"  load it: mlflow.pyfunc.load_model({version.uri!r}); serve it: vreason-track model serve {version.label}")
