"""What `vreason-track -v` shows and `--log-file` keeps of the packages' log; without them, nothing."""

from __future__ import annotations

import logging
import platform
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from vreason import __version__
from vreason_tracking.diagnostics import LogFile, RedactingFormatter, handling

_log = logging.getLogger(__name__)


class ErrorStreamHandler(logging.Handler):
    """Writes to whatever the error stream is at that moment: a progress display puts its own in its place."""

    def __init__(self, level: int) -> None:
        super().__init__(level)
        self.setFormatter(RedactingFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s", "%H:%M:%S"))

    def emit(self, record: logging.LogRecord) -> None:
        """One record; nobody may be reading any more."""
        try:
            print(self.format(record), file=sys.stderr, flush=True)
        except OSError:
            pass
        except Exception:
            self.handleError(record)


@contextmanager
def logging_shown(verbose: int, log_file: str | None) -> Iterator[None]:
    """Show and keep the log while a command runs; an exception that ends it is logged, with its traceback, at debug level.

    Args:
        verbose: 0 shows nothing, 1 shows info and above on the error stream, 2 debug as well.
        log_file: gets everything, appended.

    Raises:
        click.BadParameter: the file cannot be written.
    """
    handlers: list[logging.Handler] = []
    if log_file is not None:
        handlers.append(_opened(log_file))
    if verbose:
        handlers.append(ErrorStreamHandler(logging.DEBUG if verbose > 1 else logging.INFO))
    with handling(*handlers):
        version = f"vreason-track {__version__}, Python {platform.python_version()} on {platform.system()} {platform.machine()}"
        _log.info("%s: %s", version, shlex.join(sys.argv[1:]))
        try:
            yield
        except click.exceptions.Exit:
            raise
        except BaseException as error:
            _log.debug("ended by %s", type(error).__name__, exc_info=True)
            raise


def _opened(path: str) -> LogFile:
    """The log file.

    Raises:
        click.BadParameter: it cannot be written.
    """
    try:
        return LogFile(path)
    except OSError as error:
        text = f"{path} cannot be written ({error.strerror or error}); name a file in a folder that is there and may be written to"
        raise click.BadParameter(text, param_hint="--log-file") from error
