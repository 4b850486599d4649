"""``vreason-track runs show``."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import click

from vreason_cli import options
from vreason_cli.help_names import HELP
from vreason_tracking.records import IDENTITY_PREFIX, OWN_PREFIX, metric_names

if TYPE_CHECKING:
    from vreason_tracking.catalog import RunDetails, Session


_SHOWN = 5  # damages named


@click.command("show", short_help="Everything about one run.", context_settings=HELP)
@click.argument("run")
@options.both_sides
@options.as_json
def show_command(run: str, tracking_uri: str | None, experiment: str, journal: str | None, as_json: bool) -> None:
    """Show everything about RUN: ids, status, sessions, identity, settings, provenance, figures, delivery.

    For a run that is not finished, also the command that continues it.
    """
    from dataclasses import asdict

    from vreason_cli.terminal.listing import print_json
    from vreason_tracking.catalog import Catalog, details_of

    found = Catalog(options.journal_root(journal), tracking_uri, experiment).find_all([run])
    details = details_of(found.runs[0], found.index)
    if as_json:
        print_json(asdict(details))
    else:
        for name, lines in parts(details):
            _print_part(name, lines)


def parts(details: RunDetails) -> Iterable[tuple[str, list[str]]]:
    """Name and lines of each part; a part without lines is left out."""
    from vreason_cli.terminal.listing import duration, moment

    run = details.run
    yield "run", [run.id, *([f"{run.journal_id} in its journal"] if run.journal_id not in (None, run.id) else [])]
    yield "variant", [f"{run.variant} of config {run.config or '?'}, experiment {run.experiment}"]
    yield "status", _status(details)
    yield "time", [f"begun {moment(run.started)}, {duration(run.duration_seconds)}; by {run.user or '?'}@{run.host or '?'}"]
    yield "call", _call(details)
    yield "samples", [_samples(details), *_on_failed(details)]
    yield "damage", _damage(details)
    yield "figures", _figures(details)
    yield "sessions", [_session(each) for each in details.sessions]
    yield "identity", [f"{name:<9} {digest}" for name, digest in details.identity.items()]
    yield "method", _pairs({name: value for name, value in details.params.items() if name.startswith("method.")})
    yield "provenance", _pairs({name: value for name, value in details.tags.items() if not name.startswith((IDENTITY_PREFIX, OWN_PREFIX))})
    yield "delivery", _delivery(details)
    yield "continue", _resume(details)


def _print_part(name: str, lines: list[str]) -> None:
    for number, line in enumerate(lines):
        click.echo(f"{name if number == 0 else '':>10}  {line}")


def _status(details: RunDetails) -> list[str]:
    run = details.run
    if run.silent_minutes is not None:
        return [f"SILENT: it claims to be running, and was not heard of for {run.silent_minutes:,} min (`runs reap` closes it)"]
    detail = f" ({details.holder})" if details.holder else ""
    if details.unclosed:
        detail = ": its process died abruptly (`runs reap` closes it)"
    return [run.status + detail, *(details.error or "").splitlines()]


def _call(details: RunDetails) -> list[str]:
    """The call's id and its variants, this one among them."""
    width = max((len(each.variant) for each in details.siblings), default=0)
    lines = [f"  {each.variant:<{width}}  {each.id}  {each.status}" for each in details.siblings]
    return [details.call_id, *lines] if details.call_id else []


def _samples(details: RunDetails) -> str:
    run, counts = details.run, details.samples
    how = f" ({counts['answered']} answered, {counts['failed']} failed)" if counts["answered"] is not None else ""
    return f"{run.samples_done} of {'?' if run.samples_expected is None else run.samples_expected} done{how}"


def _on_failed(details: RunDetails) -> list[str]:
    """Where the reasons stand."""
    if not details.samples["failed"]:
        return []
    retry = [f"{shlex.join(details.resume)} --retry-failed asks them again"] if details.resume else []
    return [f"vreason-track samples {details.run.id[:12]} --failed says why", *retry]


def _damage(details: RunDetails) -> list[str]:
    shown = list(details.damages[:_SHOWN])
    more = [f"and {len(details.damages) - _SHOWN} more: vreason-track journal verify"] if len(details.damages) > _SHOWN else []
    advice = [f"{shlex.join(details.resume)} asks those samples again"] if details.damages and details.resume else []
    return [*shown, *more, *advice]


def _figures(details: RunDetails) -> list[str]:
    if details.summary:
        signatures = {name for name in details.summary if metric_names.group_of(name) == metric_names.SIGNATURES_GROUP}
        return _pairs({name: _number(value) for name, value in details.summary.items() if value or name not in signatures})
    live = f"{metric_names.LIVE_GROUP}/"
    return _pairs({f"{name.removeprefix(live)} so far": _number(value) for name, value in details.so_far.items()})


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) and abs(value) >= 10 else f"{value:.6g}"


def _pairs(values: Mapping[str, Any]) -> list[str]:
    width = max((len(name) for name in values), default=0)
    return [f"{name:<{width}}  {value}" for name, value in values.items()]


def _session(session: Session) -> str:
    from vreason_cli.terminal.listing import moment

    end = "no end" if session.ended is None else f"{moment(session.ended)}, {session.status}"
    more = "".join(f"; {note}" for note in (session.error, *session.notes) if note)
    return f"{session.session}  {session.user}@{session.host}, process {session.pid}: {moment(session.started)} to {end}{more}"


def _delivery(details: RunDetails) -> list[str]:
    from vreason_cli.terminal.listing import size

    delivery = details.delivery
    if delivery is None:
        return ["the journal is elsewhere: nobody here knows whether anything waits there"]
    lines = [f"{delivery.recorded:,} points recorded, {delivery.delivered:,} delivered to {delivery.uri}, {delivery.waiting:,} waiting"]
    if delivery.rejected:
        lines.append(f"the store refuses the rest: {delivery.rejected}")
    if delivery.deliverer:
        lines.append(f"{delivery.deliverer} delivers it now")
    if delivery.mode == "offline":
        lines.append("recorded offline: `vreason-track journal deliver` carries it to MLflow")
    return [*lines, f"journal {details.journal} ({size(details.bytes_on_disk or 0)})"]


def _resume(details: RunDetails) -> list[str]:
    if details.resume is None:
        return []
    hidden = details.delivery is not None and "***" in details.delivery.uri
    return [shlex.join(details.resume), *(["with MLFLOW_TRACKING_URI set: the journal keeps no password"] if hidden else [])]
