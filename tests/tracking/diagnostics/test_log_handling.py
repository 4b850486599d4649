"""vreason_tracking.diagnostics.log_handling: who gets what the packages log, for how long, and how a line looks."""

from __future__ import annotations

import io
import logging
import subprocess
import sys

import pytest

from vreason_tracking.diagnostics.log_handling import PACKAGES, RedactingFormatter, handling

SPEAKING = """
import logging, vreason, vreason_tracking, vreason_cli
for name in ("vreason.models.loading", "vreason_tracking.delivery.scheduler", "vreason_cli.logs"):
    logging.getLogger(name).error("hear me")
"""


@pytest.fixture
def heard():
    """A handler from info on, and what it got."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setLevel(logging.INFO)
    handler.setFormatter(RedactingFormatter("%(levelname)s %(name)s: %(message)s"))
    return handler, stream


def test_silent_by_themselves():
    """Not even an error is shown by a program that has set up no logging: Python's last resort does not step in."""
    done = subprocess.run([sys.executable, "-c", SPEAKING], capture_output=True, text=True, timeout=60)
    assert (0, "", "") == (done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_is_heard(heard, package):
    """A module of each package is heard from the handler's level on."""
    handler, stream = heard
    with handling(handler):
        logging.getLogger(f"{package}.module").info("seen")
        logging.getLogger(f"{package}.module").debug("not seen")
    assert f"INFO {package}.module: seen\n" == stream.getvalue()


def test_other_libraries_are_left_alone(heard):
    """What a library logs does not reach the handler, and its level is as before."""
    handler, stream = heard
    with handling(handler):
        logging.getLogger("sqlalchemy.engine").critical("theirs")
        assert logging.WARNING == logging.getLogger("sqlalchemy.engine").getEffectiveLevel()
    assert "" == stream.getvalue()


def test_nothing_is_shown_a_second_time(heard):
    """A handler that some library has put on the root logger gets nothing meanwhile."""
    handler, stream = heard
    logging.getLogger().addHandler(handler)
    try:
        with handling(handler):
            logging.getLogger("vreason.module").warning("once")
    finally:
        logging.getLogger().removeHandler(handler)
    assert "WARNING vreason.module: once\n" == stream.getvalue()


def test_afterwards_all_is_as_before(heard):
    """Levels, handlers and propagation, also when an exception ends it; the handler is closed."""
    handler, stream = heard
    loggers = [logging.getLogger(name) for name in PACKAGES]
    before = [(logger.level, logger.propagate, list(logger.handlers)) for logger in loggers]
    with pytest.raises(ZeroDivisionError), handling(handler):
        _ = 1 / 0
    assert before == [(logger.level, logger.propagate, list(logger.handlers)) for logger in loggers]
    logging.getLogger("vreason.module").error("too late")
    assert "" == stream.getvalue()


def test_each_handler_has_its_own_level(heard):
    """Beside one for info another one gets the debug lines."""
    handler, stream = heard
    detailed = io.StringIO()
    with handling(handler, logging.StreamHandler(detailed)):
        logging.getLogger("vreason.module").debug("detail")
    assert ("", "detail\n") == (stream.getvalue(), detailed.getvalue())


def test_no_password_in_a_line(heard):
    """Neither in the message nor in the traceback below it."""
    handler, stream = heard
    with handling(handler):
        try:
            raise OSError("no answer from postgresql://me:s3cret@db/mlflow")
        except OSError:
            logging.getLogger("vreason_tracking.module").exception("http://me:s3cret@server:5000 is unavailable")
    assert "http://me:***@server:5000 is unavailable" in stream.getvalue()
    assert "OSError: no answer from postgresql://me:***@db/mlflow" in stream.getvalue()
    assert "s3cret" not in stream.getvalue()


def test_time_of_a_line():
    """ISO 8601 with milliseconds and the offset to UTC; or as a program wants it."""
    record = logging.makeLogRecord({"created": 1_767_610_800.123, "msg": "seen"})
    line = RedactingFormatter("%(asctime)s %(message)s").format(record)
    assert [".123", "seen"] == [line[19:23], line[30:]]
    assert "2026 seen" == RedactingFormatter("%(asctime)s %(message)s", "%Y").format(record)
