"""``vreason-track sample``: one recorded sample, with its entropy curve drawn in the terminal."""

from __future__ import annotations

import json
import shutil
import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from vreason_cli import options
from vreason_cli.help_names import HELP
from vreason_cli.terminal.listing import print_json
from vreason_tracking.records import (
    ANSWER_TAG,
    CORRECT_TAG,
    ERROR_TAG,
    METADATA_TAG,
    MLFLOW_PREFIX,
    OPTIONS_TAG,
    OUTPUT_TAG,
    PREDICTION_TAG,
    QUESTION_TAG,
    SAMPLE_ID_TAG,
    SIGNATURES_TAG,
    VIDEO_TAG,
)

if TYPE_CHECKING:
    from vreason_tracking.catalog import RecordedSample


@click.command("sample", context_settings=HELP)
@click.argument("run")
@click.argument("sample_id", required=False)
@options.both_sides
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead.")
def sample_command(run: str, sample_id: str | None, tracking_uri: str | None, experiment: str, journal: str | None, as_json: bool) -> None:
    """Print one sample of RUN: question, reasoning, answer and entropy curve. Without SAMPLE_ID, list the run's samples.

    RUN is an id, in MLflow or in the journal, the beginning of one, or a variant's name (then the newest run of that name). A run whose
    journal is here is read from there, delivered or not.
    """
    from vreason_tracking.catalog import Catalog, sample_of, sample_tags_of

    found = Catalog(options.journal_root(journal), tracking_uri, experiment).find(run)
    if sample_id is None:
        _print_list([dict(tags) for tags in sample_tags_of(found)], as_json)
        return
    sample = sample_of(found, sample_id)
    if as_json:
        whole = {"run_id": sample.run_id, "tags": _plain(sample.tags), "metrics": dict(sample.metrics), "series": dict(sample.series)}
        print_json(whole)
    else:
        _print_sample(sample, f"{found.variant}, run {sample.run_id or found.shown_id}")


def _plain(tags: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in tags.items() if not name.startswith(MLFLOW_PREFIX)}


def _print_list(rows: list[dict[str, str]], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps([_plain(row) for row in rows]))
        return
    for row in rows:
        mark = {"true": "right", "false": "wrong"}.get(row.get(CORRECT_TAG, ""), "failed")
        detail = row.get(ERROR_TAG) or f"answer {row.get(ANSWER_TAG)}, said {row.get(PREDICTION_TAG, 'nothing')}"
        click.echo(f"{row.get(SAMPLE_ID_TAG, '?'):32} {mark:7} {detail}")
    click.echo(f"{len(rows)} sample(s)")


def _print_sample(sample: RecordedSample, run: str) -> None:
    from vreason.scoring import extract_reasoning

    tags = sample.tags
    click.secho(f"{tags[SAMPLE_ID_TAG]}  ({run})", bold=True)
    _print_part("video", tags.get(VIDEO_TAG, ""))
    _print_part("question", tags.get(QUESTION_TAG, ""))
    for option in tags.get(OPTIONS_TAG, "").splitlines():
        click.echo(f"             {option}")
    for name, value in _metadata(tags.get(METADATA_TAG, "")).items():
        _print_part(name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
    if ERROR_TAG in tags:
        _print_part("error", tags[ERROR_TAG])
        return
    _print_part("reasoning", extract_reasoning(tags.get(OUTPUT_TAG, "")))
    right = {"true": "right", "false": "wrong"}.get(tags.get(CORRECT_TAG, ""), "")
    _print_part("answer", f"{tags.get(PREDICTION_TAG, '(none extracted)')}   expected {tags.get(ANSWER_TAG, '')}   {right}")
    if SIGNATURES_TAG in tags:
        _print_part("signatures", tags[SIGNATURES_TAG])
    click.echo()
    click.echo(entropy_curve(sample))
    if sample.note:
        click.echo(sample.note)


def _metadata(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text) if text else {}
    except json.JSONDecodeError:  # cut to the length that the store keeps
        found = {"metadata": text}
    return found if isinstance(found, dict) else {}


def _print_part(name: str, text: str) -> None:
    width = max(40, min(shutil.get_terminal_size().columns, 120) - 13)
    lines = [line for paragraph in text.splitlines() or [""] for line in textwrap.wrap(paragraph, width) or [""]]
    click.echo(f"{name:>11}  " + ("\n" + " " * 13).join(lines))


def entropy_curve(sample: RecordedSample) -> str:
    """H_t and its moving average over the tokens, as text; updates are marked on the axis line below."""
    import plotext

    from vreason.evaluation import final_peak_of_average

    entropy, ema = sample.series.get("entropy", []), sample.series.get("ema", [])
    if not entropy:
        return "no steps recorded"
    plotext.clear_figure()
    plotext.theme("clear")
    plotext.plotsize(max(50, min(shutil.get_terminal_size().columns, 120)), 16)
    plotext.plot([token for token, _ in entropy], [value for _, value in entropy], label="H (nats)", marker="braille")
    plotext.plot([token for token, _ in ema], [value for _, value in ema], label="EMA", marker="dot")
    plotext.xlabel("generated token t")
    picture: str = plotext.build()
    peak = final_peak_of_average(ema)
    updates = len(sample.series.get("loss", []))
    value = dict(ema)[peak] if peak is not None else float("nan")
    return f"{picture}\nEMA peak {value:.3f} nats at token {peak}; {updates} update(s) of dV over {len(entropy)} tokens"
