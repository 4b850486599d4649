"""What the commands for cards share: which runs are meant, and their evidence."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from vreason_cli import options

if TYPE_CHECKING:
    from vreason_tracking.cards import Evidence
    from vreason_tracking.catalog import Catalog

_Command = TypeVar("_Command", bound=Callable[..., Any])


def which_card(command: _Command) -> _Command:
    """Of what a card is made: title, baseline, whether unlike runs are shown side by side, and where they are."""
    for option in (
        click.option("--force", is_flag=True, help="Also runs that are not alike, with a warning on the card."),
        click.option("--baseline", metavar="RUN", help="The run that the others are compared with; default: the one without a method."),
        click.option("--title", help="Of the card; default: the config's name."),
        options.both_sides,
    ):
        command = option(command)
    return command


def evidence_of(
    names: Sequence[str],
    journal: str | None,
    tracking_uri: str | None,
    experiment: str,
    title: str | None,
    baseline: str | None,
    force: bool,
) -> Evidence:
    """The evidence of runs, by their names; or of a version of a model: its run, and the finished ones of the same call of `run`.

    Raises:
        ConfigError: the title is empty, or a version is named beside something else.
        IncomparableRunsError: they are not alike.
        TrackingError: one is not there, or its record cannot be read.
    """
    from vreason.errors import ConfigError, ConfigIssue
    from vreason_tracking.bundles import Registry
    from vreason_tracking.cards import gather, version_evidence
    from vreason_tracking.catalog import Catalog, recorded_runs
    from vreason_tracking.comparison import named_runs

    catalog = Catalog(options.journal_root(journal), tracking_uri, experiment)
    if title is not None and not title.strip():
        raise ConfigError([ConfigIssue("--title", "is empty; give words, or leave it out")])
    if len(names) == 1 and is_version(names[0]):
        registry = Registry.of(catalog)
        return version_evidence(registry, registry.find(names[0]), catalog, title, baseline, force=force)
    for name in names:
        if is_version(name):
            what = f"{name!r} is a version, whose card is of its run and those beside it; give it alone, or names of runs"
            raise ConfigError([ConfigIssue("RUN", what)])
    found = named_runs(catalog, names, baseline)
    with recorded_runs(found.runs) as runs:
        return gather(runs, title or runs[0].config or runs[0].name, catalog.root, baseline, force=force)


def is_version(name: str) -> bool:
    """Whether a word names a version of a model, and no run."""
    return "/" in name or "@" in name


def notes_for(evidence: Evidence, given: Path | None, catalog: Catalog, folder: Path | None = None) -> str:
    """The hand-written part of a card: what is given, else card.md beside the run's config, what somebody has written into the card in the
    folder if it is of the same version or runs, or into the card that is stored beside the version.

    Args:
        evidence: of the card.
        given: a file; None gives none.
        catalog: where the run and the version are looked for.
        folder: where a card may lie.

    Raises:
        TrackingError: it cannot be read.
    """
    from vreason_tracking.bundles import Registry
    from vreason_tracking.cards import stored_notes

    if given is not None:
        return read_notes(given)
    found = notes_of_run(catalog, evidence.runs[-1].run_id) or (_notes_in(folder, evidence) if folder is not None else "")
    if found or evidence.model is None:
        return found
    registry = Registry.of(catalog)
    return stored_notes(registry, registry.find(evidence.model.label))


def _notes_in(folder: Path, evidence: Evidence) -> str:
    from vreason.errors import TrackingError
    from vreason_tracking.cards import claims_of, hand_written

    readme = folder / "README.md"
    if not readme.is_file():
        return ""
    text = read_notes(readme)
    try:
        claims = claims_of(text)
    except TrackingError:
        return ""
    same = (
        claims.model == evidence.model.label
        if evidence.model
        else {*claims.runs} == {run.journal_id or run.run_id for run in evidence.runs}
    )
    found = hand_written(text)
    if found and not same:
        click.echo(f"note: {readme} is another card; what somebody has written into it is not taken over", err=True)
    return found if same else ""


def notes_of_run(catalog: Catalog, run: str) -> str:
    """What lies as card.md beside the config of a run, where that was read from a file on this machine; "" where nothing does."""
    from pathlib import Path

    from vreason_tracking.records import CONFIG_FILE_TAG

    config = catalog.find(run).tags.get(CONFIG_FILE_TAG)
    notes = Path(config).with_name("card.md") if config else None
    return read_notes(notes) if notes is not None and notes.is_file() else ""


def read_notes(path: Path) -> str:
    """Markdown that somebody has written.

    Raises:
        TrackingError: it cannot be read.
    """
    from vreason.errors import TrackingError

    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise TrackingError(f"{path}: cannot be read ({error}); give Markdown in UTF-8") from error
