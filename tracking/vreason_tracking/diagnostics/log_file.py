"""The log file: everything that the packages log, at debug level, a line a record, appended.

    2026-01-05T12:00:00.123+01:00 INFO 4711 vreason.models.loading: model demo loaded in 2.1 s ...

Time, level, process id, logger, message; a traceback follows on lines of its own. A run's processes append to one file, each record in one
write, so that lines never mix.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping

from vreason_tracking.diagnostics.log_handling import PACKAGES, RedactingFormatter

VARIABLE = "VREASON_LOG_FILE"
"""Environment variable that names the file: to the command line, and to the processes that it starts."""

_LINE = "%(asctime)s %(levelname)s %(process)d %(name)s: %(message)s"


class LogFile(logging.Handler):
    """A handler that appends to `path`, unbuffered. A disk that refuses is told of once, on the error stream, and never stops a run.

    Raises:
        OSError: the file cannot be opened for appending.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        super().__init__(logging.DEBUG)
        self.path = os.path.abspath(path)
        self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        self._refused = False
        self.setFormatter(RedactingFormatter(_LINE))

    def emit(self, record: logging.LogRecord) -> None:
        """Append one record; after `close` nothing."""
        try:
            if self._file >= 0:
                os.write(self._file, f"{self.format(record)}\n".encode(errors="backslashreplace"))
        except OSError as error:
            if not self._refused:
                print(f"{self.path}: the log cannot be written ({error.strerror or error}); lines are missing in it", file=sys.stderr)
            self._refused = True
        except Exception:  # a log call whose arguments do not fit its text
            self.handleError(record)

    def close(self) -> None:
        """Close the file; a second time does nothing."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
        super().close()


def environment_log_file(environment: Mapping[str, str] = os.environ) -> LogFile | None:
    """The log file that `VREASON_LOG_FILE` names; None where it names none, or one that cannot be opened: its process has other work."""
    path = environment.get(VARIABLE)
    try:
        return LogFile(path) if path else None
    except OSError as error:
        print(f"{path}: cannot be opened for logging ({error.strerror or error})", file=sys.stderr)
        return None


def inherited_environment() -> dict[str, str]:
    """What to add to a child process's environment, so that it appends to the log file that this process writes; empty without one."""
    handlers = logging.getLogger(PACKAGES[1]).handlers
    return next(({VARIABLE: handler.path} for handler in handlers if isinstance(handler, LogFile)), {})
