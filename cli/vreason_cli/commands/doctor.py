"""`vreason-track doctor`: is this installation able to run and to record, and if not, what to do."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from vreason_cli.help_names import HELP

if TYPE_CHECKING:
    from rich.console import Console

    from vreason_tracking.health import Check

COLOURS = {"ok": "green", "warning": "yellow", "failure": "bold red"}
DEFAULT_URI = "sqlite:///mlflow.db"


@click.command("doctor", context_settings=HELP)
@click.option(
    "--tracking-uri",
    default=lambda: os.environ.get("MLFLOW_TRACKING_URI") or DEFAULT_URI,
    show_default=f"MLFLOW_TRACKING_URI, else {DEFAULT_URI}",
    help="Where runs are recorded: sqlite:///FILE, http(s)://HOST, or another database URL.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of lines.")
@click.pass_context
def doctor_command(context: click.Context, tracking_uri: str, as_json: bool) -> None:
    """Check packages, device, video reading, plug-ins, the tracking database or server, and the disk.

    Each line names a check, its state, and, where it is not well, what to do. Nothing is changed. Ends with exit code 1 when a check
    failed, 0 when there are only warnings or none.
    """
    from vreason_tracking.health import run_checks

    found: list[Check] = []
    if as_json:
        found.extend(run_checks(tracking_uri))
        failed = any(check.state == "failure" for check in found)
        click.echo(json.dumps({"ok": not failed, "checks": [asdict(check) for check in found]}, indent=2))
        context.exit(int(failed))
    from rich.console import Console

    console = Console(soft_wrap=True, highlight=False)
    for check in run_checks(tracking_uri):
        found.append(check)
        print_check(console, check)
    print_summary(console, found)
    context.exit(int(any(check.state == "failure" for check in found)))


def print_check(console: Console, check: Check) -> None:
    """One line: state, name, detail, and after an arrow what to do. In colour where the console has any."""
    from rich.text import Text

    hint = f" -> {check.hint}" if check.hint else ""
    console.print(Text.assemble((f"{check.state:<8}", COLOURS[check.state]), f"{check.name}: {check.detail}", (hint, "bold")))


def print_summary(console: Console, found: list[Check]) -> None:
    """The last line: how many checks are in each state."""
    from rich.text import Text

    counts = {state: sum(check.state == state for check in found) for state in COLOURS}
    words = f"{len(found)} checks: {counts['ok']} ok, {counts['warning']} warning(s), {counts['failure']} failure(s)"
    worst = next(state for state in ("failure", "warning", "ok") if counts[state] or state == "ok")
    console.print(Text(words, COLOURS[worst]))
