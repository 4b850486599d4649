"""``vreason-track compare``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from vreason_cli import options
from vreason_cli.help_names import HELP

if TYPE_CHECKING:
    from vreason_tracking.catalog import Catalog, CatalogIndex, RecordedRun, Run
    from vreason_tracking.comparison import Comparison, Report
    from vreason_tracking.stores import MlflowStore

_Command = TypeVar("_Command", bound=Callable[..., Any])

GROUPINGS = ("benchmark", "problem-type", "video-length", "category")
_KINDS = ("html", "md", "csv", "json")


def _output(kind: str, what: str) -> Callable[[_Command], _Command]:
    return click.option(f"--{kind}", f"{kind}_file", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help=what)


@click.command("compare", context_settings=HELP)
@click.argument("runs", nargs=-1, metavar="[RUN]...")
@click.option("--experiment", metavar="NAME", help="Compare the newest finished run of every variant in this MLflow experiment.")
@click.option("--config-run", metavar="NAME", help="Compare the variants of the newest `run` of this config (or of the call of this id).")
@click.option("--baseline", metavar="NAME", help="Name or id of the run that others are compared with; default: the one without a method.")
@click.option("--by", "groupings", multiple=True, type=click.Choice(GROUPINGS), help="Print accuracy by these groups too; may be repeated.")
@click.option(
    "--group-by",
    "keys",
    multiple=True,
    metavar="KEY",
    help="Group by a column of your own of the data file too, in every output; may be repeated.",
)
@click.option(
    "--table",
    "tables",
    multiple=True,
    metavar="MODULE:FUNCTION",
    help="Add a table that a function of your own makes (docs/guides/table.md) to every output but CSV; may be repeated.",
)
@_output("html", "Write a self-contained page: pictures, tables, samples side by side.")
@_output("md", "Write Markdown, as for a pull request.")
@_output("csv", "Write a row for each figure.")
@_output("json", "Write one JSON document.")
@click.option("--open", "open_page", is_flag=True, help="Open the page of --html in the browser.")
@click.option("--sample", "samples", multiple=True, metavar="ID", help="Give this sample a page in the HTML; may be repeated.")
@click.option("--pages", type=click.IntRange(0, 500), default=12, show_default=True, help="Samples with a page, the most telling ones.")
@click.option("--force", is_flag=True, help="Compare what unlike runs have in common, with a warning on every output.")
@click.option("--no-log", is_flag=True, help="Do not log the comparison to MLflow.")
@options.tracking_uri
@options.journal
def compare_command(
    runs: tuple[str, ...],
    experiment: str | None,
    config_run: str | None,
    baseline: str | None,
    groupings: tuple[str, ...],
    keys: tuple[str, ...],
    tables: tuple[str, ...],
    html_file: Path | None,
    md_file: Path | None,
    csv_file: Path | None,
    json_file: Path | None,
    open_page: bool,
    samples: tuple[str, ...],
    pages: int,
    force: bool,
    no_log: bool,
    tracking_uri: str | None,
    journal: str | None,
) -> None:
    """Is a variant better, at what cost, and how sure is that? Compare runs on the questions that they were asked.

    Name the RUNs (id, beginning of an id, or variant), or an experiment, or a config. Runs that differ in data, prompt, frames, decoding,
    scoring or device, or that are not finished, are refused with what differs. A run beside the record of a server
    (`model serve --record`) is compared in entropy, failure signatures, lengths and times: has anything drifted?

    Exit codes: 0 done, 2 wrong options or a --table that cannot be made, 5 a record cannot be read or written, 6 the runs are not alike.
    """
    files = dict(zip(_KINDS, (html_file, md_file, csv_file, json_file), strict=True))
    wanted = {kind: file for kind, file in files.items() if file is not None}
    _check(runs, experiment, config_run, wanted, open_page)

    from vreason_cli.terminal import sources
    from vreason_cli.terminal.comparison_output import print_comparison
    from vreason_tracking.catalog import Catalog, recorded_runs
    from vreason_tracking.comparison import compare, is_served, load_table_functions, make_report, require_compared, with_added_tables

    functions = load_table_functions(tables)
    catalog = Catalog(options.journal_root(journal), tracking_uri, experiment)
    found, index, notes = _chosen(catalog, runs, experiment, config_run, baseline)
    sources.print_notes(index)
    sources.print_deleted(found, index)
    with recorded_runs(found) as recorded:
        if any(is_served(run) for run in recorded):
            _print_drift(recorded, wanted)
            return
        comparison = compare(recorded, baseline, force, notes, keys)
        require_compared(comparison, samples)
        comparison = with_added_tables(comparison, functions)
        print_comparison(comparison, [name.replace("-", " ") for name in groupings], list(dict.fromkeys(keys)))
        store = None if no_log else _store_to_log(comparison, catalog, index)
        if not wanted and store is None:
            return
        report = make_report(comparison, samples, pages) if html_file or store else None
        texts = _texts(comparison, report, _KINDS if store else tuple(wanted))
        _write({file: texts[kind] for kind, file in wanted.items()})
        if store is not None and report is not None:
            _log(report, texts, store, catalog.root)
    if open_page and html_file:
        click.launch(html_file.absolute().as_uri())


def _print_drift(recorded: Sequence[RecordedRun], files: dict[str, Path]) -> None:
    """Served replies beside the run that their model was made of.

    Raises:
        click.UsageError: an output is asked for that drift does not have.
    """
    import json
    from dataclasses import asdict

    from vreason_cli.terminal.comparison_output import print_drift
    from vreason_tracking.comparison import drift, is_served

    if len(recorded) != 2:
        raise click.UsageError("replies that were served are held against one run: name the run and the record of the server")
    if unknown := [kind for kind in files if kind != "json"]:
        raise click.UsageError(f"--{unknown[0]} has no form for replies that were served; --json has")
    registered, served = sorted(recorded, key=is_served)
    found = drift(registered, served)
    print_drift(found)
    if "json" in files:
        figures = [{**asdict(figure), "moved": figure.moved} for figure in found.figures]
        document = {"registered": registered.run_id, "served": served.run_id, "version": found.version, "replies": found.replies}
        text = json.dumps({**document, "figures": figures, "warnings": list(found.warnings)}, indent=1, ensure_ascii=False) + "\n"
        _write({files["json"]: text})


def _check(runs: Sequence[str], experiment: str | None, config_run: str | None, files: dict[str, Path], open_page: bool) -> None:
    """What the options mean together.

    Raises:
        click.UsageError: they contradict each other, or a file cannot be written.
    """
    if sum((bool(runs), experiment is not None, config_run is not None)) != 1:
        raise click.UsageError("name RUNs, or --experiment NAME, or --config-run NAME: one of the three")
    if open_page and "html" not in files:
        raise click.UsageError("--open opens the page that --html FILE writes; give both")
    for kind, file in files.items():
        if not file.absolute().parent.is_dir():
            raise click.BadParameter(f"there is no folder {file.absolute().parent} to write {file.name} to", param_hint=f"--{kind}")
    if len({file.resolve() for file in files.values()}) < len(files):
        raise click.UsageError("two outputs have the same file; give each its own")


def _chosen(
    catalog: Catalog, names: Sequence[str], experiment: str | None, config_run: str | None, baseline: str | None
) -> tuple[Sequence[Run], CatalogIndex, list[str]]:
    """The runs that are compared, what was read to find them, and what a reader must know of the choice."""
    from vreason_cli.terminal import sources
    from vreason_tracking.comparison import config_runs, experiment_runs, named_runs

    if names:
        named = named_runs(catalog, names, baseline)
        return named.runs, named.index, []
    index = catalog.read()
    sources.require_either(index)
    if config_run is not None:
        return config_runs(index, config_run), index, []
    found, excluded = experiment_runs(index, experiment or "")
    return found, index, [excluded] if excluded else []


def _store_to_log(comparison: Comparison, catalog: Catalog, index: CatalogIndex) -> MlflowStore | None:
    """The store that the comparison is logged to; None, and a word to the user, where there is none."""
    base = comparison.runs[comparison.baseline]
    opened = index if index.store_tried else catalog.open_store()
    if opened.store is None or base.mlflow_id is None or base.experiment_id is None:
        why = f"{base.name} is not in {catalog.address} (`vreason-track journal deliver` carries it there)"
        why = "the store cannot be used, see above" if index.store_error else str(opened.store_error or why)
        click.echo(f"note: not logged to MLflow: {why}", err=True)
        return None
    return opened.store


def _texts(comparison: Comparison, report: Report | None, kinds: Sequence[str]) -> dict[str, str]:
    from vreason_tracking.comparison import LARGEST, to_csv, to_json, to_markdown

    make = {"md": to_markdown, "csv": to_csv, "json": to_json}
    texts = {kind: make[kind](comparison) for kind in kinds if kind in make}
    if report is not None and "html" in kinds:
        page = report.html()
        texts["html"] = page.text
        if page.excluded:
            click.echo(f"note: the page has no room for {len(page.excluded)} sample(s): {', '.join(page.excluded[:5])}", err=True)
        if page.size > LARGEST:
            click.echo(f"note: the page has {page.size / 1e6:.1f} MB, more than a mail may carry; compare fewer runs", err=True)
    return texts


def _write(texts: dict[Path, str]) -> None:
    """Write every file whole, or say which one cannot be.

    Raises:
        TrackingError: a file cannot be written.
    """
    from vreason.errors import TrackingError
    from vreason_tracking.journal import write_whole

    for file, text in texts.items():
        try:
            write_whole(file, text.encode())
        except OSError as error:
            raise TrackingError(f"{file}: cannot be written ({error.strerror or error}); name another file") from error
        click.echo(f"written: {file}", err=True)


def _log(report: Report, texts: dict[str, str], store: MlflowStore, root: Path) -> None:
    from vreason.errors import TrackingError
    from vreason_tracking.comparison import publish

    try:
        run_id = publish(report, {f"comparison.{kind}": text for kind, text in texts.items()}, store, root)
    except TrackingError as error:
        click.echo(f"note: not logged to MLflow: {error}", err=True)
        return
    click.echo(f"logged to MLflow: run {run_id}", err=True)
