"""Handlers for everything that the packages log, for as long as a program wants them.

The packages are silent by themselves: every module has its logger, and the three packages' own loggers have a handler that does nothing. A
program that wants to see something names its handlers here; what other libraries log is left as it is.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from vreason_tracking.stores import redact_password

PACKAGES = ("vreason", "vreason_tracking", "vreason_cli")


class RedactingFormatter(logging.Formatter):
    """Lines in which the passwords of addresses are three stars, tracebacks included. The time is ISO 8601 with milliseconds and offset."""

    def format(self, record: logging.LogRecord) -> str:
        """One record, as it may be shown to anybody."""
        return redact_password(super().format(record))

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:
        """`datefmt` where there is one."""
        moment = datetime.fromtimestamp(record.created).astimezone()
        return moment.strftime(datefmt) if datefmt else moment.isoformat(timespec="milliseconds")


@contextmanager
def handling(*handlers: logging.Handler) -> Iterator[None]:
    """While the context lasts, `handlers` get what the packages log, each from its own level on; then they are closed and all is as before.

    The root logger's handlers get nothing meanwhile: some library may have put one there that would show everything a second time.
    """
    level = max(1, min(handler.level for handler in handlers)) if handlers else logging.NOTSET  # a handler's 0 is everything
    loggers = [logging.getLogger(name) for name in PACKAGES]
    before = [(logger.level, logger.propagate) for logger in loggers]
    for logger in loggers:
        logger.setLevel(level)
        logger.propagate = False
        for handler in handlers:
            logger.addHandler(handler)
    try:
        yield
    finally:
        for logger, (old_level, propagate) in zip(loggers, before, strict=True):
            logger.setLevel(old_level)
            logger.propagate = propagate
            for handler in handlers:
                logger.removeHandler(handler)
        for handler in handlers:
            handler.close()
