"""``vreason-track``: the command group, loaded a command at a time so that ``--help`` answers at once."""

from __future__ import annotations

import importlib
import os
import signal
import sys
import warnings
from collections.abc import Mapping

import click

from vreason_cli.help_names import HELP
from vreason_cli.terminal.streams import flush, hold

COMMANDS: Mapping[str, tuple[str, str, str]] = {
    "run": ("vreason_cli.commands.run", "run_command", "Run an experiment from a config file and record every step."),
    "ask": ("vreason_cli.commands.ask", "ask_command", "Ask a question about a video; reasoning, answer and entropy as they come."),
    "runs": ("vreason_cli.commands.runs.group", "runs_group", "List, show, close, delete and restore recorded runs."),
    "sample": ("vreason_cli.commands.sample", "sample_command", "Print one recorded sample with its entropy curve."),
    "samples": (
        "vreason_cli.commands.samples",
        "samples_command",
        "List a run's samples: right, wrong, failed, flipped against another run.",
    ),
    "compare": (
        "vreason_cli.commands.compare",
        "compare_command",
        "Compare runs: accuracy, tokens, latency, memory, and how sure that is.",
    ),
    "model": ("vreason_cli.commands.model.group", "model_group", "Register runs as models; list, verify, promote, compare and serve them."),
    "journal": ("vreason_cli.commands.journal.group", "journal_group", "Deliver the local record to MLflow, and check it."),
    "card": ("vreason_cli.commands.card.group", "card_group", "Make model cards out of recorded runs, and hold them against the record."),
    "audit": ("vreason_cli.commands.audit.group", "audit_group", "Read, export and verify the audit trail: who changed what, and when."),
    "server": ("vreason_cli.commands.server", "server_command", "Run MLflow's server, with an audit trail of every change."),
    "user": ("vreason_cli.commands.user.group", "user_group", "Look after the users of a server, and their roles."),
    "token": ("vreason_cli.commands.token.group", "token_group", "Make, list and withdraw tokens for programs that use a server."),
    "db": ("vreason_cli.commands.db.group", "db_group", "Make, update, back up and restore the database of the audit trail."),
    "doctor": ("vreason_cli.commands.doctor", "doctor_command", "Check versions, device, video reader, plug-ins, database and disk."),
    "init": ("vreason_cli.commands.init", "init_command", "Write a commented config file."),
}
"""Name of a command, the module and attribute that hold it, and its line in the overview."""


_format_warning = warnings.formatwarning


class LazyGroup(click.Group):
    """Imports a command's module when that command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order in which a user meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command itself; None when there is none of this name."""
        if cmd_name not in COMMANDS:
            return None
        module, attribute, _ = COMMANDS[cmd_name]
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """As click has it; what is suggested for a word that is no command comes from the table."""
        try:
            return super().resolve_command(ctx, args)
        except click.exceptions.NoSuchCommand as error:
            raise click.exceptions.NoSuchCommand(error.command_name, possibilities=list(COMMANDS), ctx=ctx) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The overview, from the table: no command is imported for it."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, _, line) in COMMANDS.items()])


def _print_version(ctx: click.Context, parameter: click.Parameter, wanted: bool) -> None:
    if not wanted or ctx.resilient_parsing:
        return
    from vreason import __version__

    click.echo(f"vreason-track, version {__version__}")
    ctx.exit()


@click.command(cls=LazyGroup, context_settings={"auto_envvar_prefix": "VREASON", **HELP})
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version, help="Show the version and exit.")
@click.option("-v", "--verbose", count=True, help="Show on stderr what happens; -vv in detail.")
@click.option(
    "--log-file",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Append to FILE what happens, in detail, in this process and in the one that delivers to MLflow.",
)
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.pass_context
def cli(ctx: click.Context, verbose: int, log_file: str | None, debug: bool) -> None:
    """Reason over video without training (V-Reason), and keep a record that can be trusted.

    Every option can be given by an environment variable as well, for example VREASON_RUN_LIMIT=8.
    """
    if verbose or log_file:
        from vreason_cli.logs import logging_shown

        ctx.with_resource(logging_shown(verbose, log_file))


def main() -> None:
    """Entry point: runs a command and turns an error into its message and exit code.

    No command ends because its output cannot be written. Where that has a part of standard output lost, and not because its reader had seen
    enough, an error says so, with exit code 1; but a run that is recorded has done what it was for.
    """
    hold()
    if "HOME" not in os.environ:
        from vreason.home import require_home

        require_home()
    if not (sys.stderr and sys.stderr.isatty()):  # their bars are for somebody who looks
        os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    warnings.formatwarning = _warning
    code = _ended()
    if (fault := flush()) is not None:
        click.echo(f"error: standard output could not be written: {fault.strerror}; what was printed after that is lost", err=True)
        command = next((word for word in sys.argv[1:] if word in COMMANDS), None)
        code = code or (0 if command == "run" else 1)
    sys.exit(code)


def _warning(message: Warning | str, category: type[Warning], filename: str, lineno: int, line: str | None = None) -> str:
    """A warning of ours is for the user: its text. Anybody else's names its place."""
    if category is RuntimeWarning and "vreason" in filename:
        return f"warning: {message}\n"
    return _format_warning(message, category, filename, lineno, line)


def _ended() -> int:
    """Run the command that the arguments name; its exit code."""
    debug = "--debug" in sys.argv or os.environ.get("VREASON_DEBUG", "").lower() not in ("", "0", "false", "no")
    try:
        code = cli.main(standalone_mode=False)
    except click.exceptions.Exit as leave:
        return leave.exit_code
    except (click.Abort, KeyboardInterrupt) as stop:
        if isinstance(stop.__cause__, EOFError):
            click.echo("error: nobody is there to answer; give the answer as an option (--help names it)", err=True)
            return 2
        number = getattr(stop.__cause__ or stop, "number", signal.SIGINT)  # click makes its own exception of an interrupt
        click.echo({signal.SIGTERM: "terminated", signal.SIGHUP: "hung up"}.get(number, "interrupted"), err=True)
        return 128 + number
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except Exception as error:
        from vreason.errors import VReasonError  # not before it is needed: --help answers at once

        if not isinstance(error, (VReasonError, OSError)):
            raise
        if debug:
            import traceback

            traceback.print_exc()
        if isinstance(error, VReasonError):
            click.echo(f"error: {error}", err=True)
            return error.exit_code
        file = f"{error.filename}: " if error.filename else ""
        click.echo(f"error: {file}{error.strerror or error} (--debug shows where)", err=True)
        return 1
    return code if isinstance(code, int) else 0
