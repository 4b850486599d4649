"""``vreason-track samples``: which samples of a run are right, wrong, failed, or turned out otherwise than in another run."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from vreason_cli import options
from vreason_cli.help_names import HELP

if TYPE_CHECKING:
    from vreason_tracking.catalog import Run
    from vreason_tracking.comparison import SampleList, SampleRow


_CUT = 40  # characters of a text on a terminal


@click.command("samples", context_settings=HELP)
@click.argument("run")
@options.tracking_uri
@options.any_experiment
@options.journal
@click.option("--right", is_flag=True, help="Only full marks: score 1.")
@click.option("--wrong", is_flag=True, help="Only answered ones with less: score below 1.")
@click.option("--failed", is_flag=True, help="Only those that ended in an error.")
@click.option("--flipped-against", "baseline", metavar="BASELINE", help="Only those right in one of RUN and this run, wrong in the other.")
@click.option("--won", is_flag=True, help="Of the flipped ones: right in RUN, wrong in BASELINE.")
@click.option("--lost", is_flag=True, help="Of the flipped ones: wrong in RUN, right in BASELINE; the same as --wrong.")
@click.option("--problem-type", "problem_types", multiple=True, metavar="NAME", help="Only this kind of question; may be repeated.")
@click.option("--category", "categories", multiple=True, metavar="NAME", help="Only this category; may be repeated.")
@click.option("--signature", "signatures", multiple=True, metavar="NAME", help="Only with this failure signature; may be repeated.")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="At most so many.")
@options.as_json
def samples_command(
    run: str,
    tracking_uri: str | None,
    experiment: str | None,
    journal: str | None,
    right: bool,
    wrong: bool,
    failed: bool,
    baseline: str | None,
    won: bool,
    lost: bool,
    problem_types: tuple[str, ...],
    categories: tuple[str, ...],
    signatures: tuple[str, ...],
    limit: int,
    as_json: bool,
) -> None:
    """List the samples of RUN, in the order in which they were answered. `sample RUN ID` shows one of them.

    RUN and BASELINE are ids, in MLflow or in the journal, beginnings of ids, or variants' names (then the newest run of that name).
    --right, --wrong and --failed may be given together and then add up; options of different kinds narrow each other.

    A score of 1 is right. Wrong is any score below 1: of multiple choice and numerical questions that is 0; regression, OCR and free-form
    answers have scores between, and count as wrong until they are full. A sample that failed in one of two runs is neither won nor lost.

    A flip is right in one run and wrong in the other; `compare` calls every question won or lost whose score is higher or lower than the
    baseline's, 0.4 against 0.3 too.
    """
    from vreason_tracking.catalog import Catalog
    from vreason_tracking.comparison import SampleFilter, list_samples

    _require_baseline(baseline, won, lost, failed)
    catalog = Catalog(options.journal_root(journal), tracking_uri, experiment)
    own, *others = catalog.find_all([run, *([baseline] if baseline else [])]).runs
    base = others[0] if others else None
    statuses = [name for name, given in (("right", right), ("wrong", wrong), ("failed", failed)) if given]
    flips = [name for name, given in (("won", won), ("lost", lost)) if given]
    found = list_samples(own, base, SampleFilter(statuses, flips, problem_types, categories, signatures), limit)
    _print_notes(found, own, base)
    if as_json:
        _print_json(found, own, base)
    elif found.rows:
        _print_rows(found, base)
    else:
        click.echo(_nothing(found))


def _require_baseline(baseline: str | None, won: bool, lost: bool, failed: bool) -> None:
    if (won or lost) and not baseline:
        raise click.UsageError(f"--{'won' if won else 'lost'} needs another run to compare with; add --flipped-against BASELINE")
    if failed and baseline:
        why = "a failed sample is neither right nor wrong"
        raise click.UsageError(f"--failed and --flipped-against exclude each other: {why}; leave one out")


def _print_notes(found: SampleList, own: Run, base: Run | None) -> None:
    """What a comparison leaves out, for the user; not into the output."""
    if base is None:
        return
    for count, run in ((found.only_run, own), (found.only_baseline, base)):
        if count:
            click.echo(f"note: {count:,} sample(s) that only {run.variant} ({run.shown_id}) has are left out", err=True)
    if found.one_failed:
        click.echo(f"note: {found.one_failed:,} of {found.samples:,} sample(s) failed in one run or both: neither won nor lost", err=True)
    for each in found.unlike:
        click.echo(f"note: the runs are not alike, a flip may come of it: {each}", err=True)


def _print_json(found: SampleList, own: Run, base: Run | None) -> None:
    from dataclasses import asdict

    from vreason_cli.terminal.listing import print_json

    print_json(
        {
            "run": {"id": own.shown_id, "variant": own.variant},
            "baseline": {"id": base.shown_id, "variant": base.variant} if base else None,
            "samples": [asdict(row) for row in found.rows],
            "more": found.more,
            "looked_at": found.samples,
            "only_run": found.only_run,
            "only_baseline": found.only_baseline,
            "one_failed": found.one_failed,
            "unlike": [asdict(each) for each in found.unlike],
        }
    )


def _print_rows(found: SampleList, base: Run | None) -> None:
    from vreason_cli.terminal.listing import is_terminal, print_table

    columns = _COLUMNS if base else [column for column in _COLUMNS if column[0] not in _BESIDE]
    cells = [[" ".join(write(row).split()) for _, write in columns] for row in found.rows]
    if is_terminal():
        cells = [[line[0], *map(_brief, line[1:])] for line in cells]
    spare = ("signatures", "category", "latency ms", "type", "tokens")
    print_table([name for name, _ in columns], cells, right=("score", "there", "tokens", "latency ms"), spare=spare)
    shown = len(found.rows)
    click.echo(f"{shown:,} sample(s)" + (f", {found.more:,} more: --limit {shown + found.more}" if found.more else ""))


def _predicted(row: SampleRow) -> str:
    if row.status == "failed":
        return f"(failed) {row.error or 'no reason recorded'}"
    return "(none)" if row.predicted is None else row.predicted


def _brief(text: str) -> str:
    """The beginning of a text, for a terminal: free-form answers and errors are long."""
    return text if len(text) <= _CUT else f"{text[: _CUT - 1]}…"


def _figure(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


_BESIDE = ("flip", "predicted there", "there")
_COLUMNS: tuple[tuple[str, Callable[[SampleRow], str]], ...] = (
    ("id", lambda row: row.id),
    ("type", lambda row: row.problem_type or "-"),
    ("category", lambda row: row.category or "-"),
    ("flip", lambda row: row.flip or "-"),
    ("expected", lambda row: row.expected),
    ("predicted", _predicted),
    ("score", lambda row: _figure(row.score, ".3g")),
    ("predicted there", lambda row: "(none)" if row.baseline_predicted is None else row.baseline_predicted),
    ("there", lambda row: _figure(row.baseline_score, ".3g")),
    ("tokens", lambda row: _figure(row.output_tokens, ",d")),
    ("latency ms", lambda row: _figure(row.latency_ms, ",.0f")),
    ("signatures", lambda row: ", ".join(row.signatures) or "-"),
)


def _nothing(found: SampleList) -> str:
    """What to say when no sample fits."""
    if not found.samples:
        return "no finished samples yet"
    known = "; ".join(f"{name}: {', '.join(names[:10])}" for name, names in found.known.items() if names)
    return f"none of {found.samples:,} sample(s) fits" + (f"; {known}" if known else "")
