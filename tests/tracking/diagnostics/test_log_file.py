"""vreason_tracking.diagnostics.log_file: a file that several processes append to, and that never stops a run."""

from __future__ import annotations

import logging
import os
import re
import subprocess
import sys

import pytest

from vreason_tracking.diagnostics.log_file import VARIABLE, LogFile, environment_log_file, inherited_environment
from vreason_tracking.diagnostics.log_handling import handling

LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d (DEBUG|INFO) \d+ [\w.]+: .+")
WRITING = """
import logging, sys
from vreason_tracking.diagnostics.log_file import LogFile
from vreason_tracking.diagnostics.log_handling import handling
with handling(LogFile(sys.argv[1])):
    for number in range(500):
        logging.getLogger("vreason.module").info("%s", sys.argv[2] * 2000)
"""


def test_a_line(tmp_path):
    """Time, level, process, logger, message; everything from debug on."""
    with handling(LogFile(tmp_path / "run.log")):
        logging.getLogger("vreason.module").debug("decoded in %.1f s", 0.25)
    (line,) = (tmp_path / "run.log").read_text().splitlines()
    assert LINE.fullmatch(line)
    assert line.endswith(f" DEBUG {os.getpid()} vreason.module: decoded in 0.2 s")


def test_lines_are_appended(tmp_path):
    """What stands in the file stays there."""
    (tmp_path / "run.log").write_text("an earlier run\n")
    with handling(LogFile(tmp_path / "run.log")):
        logging.getLogger("vreason.module").info("this run")
    first, second = (tmp_path / "run.log").read_text().splitlines()
    assert ("an earlier run", True) == (first, second.endswith("this run"))


def test_lines_of_several_processes_never_mix(tmp_path):
    """Two processes write 500 long lines each at once: every line is whole."""
    command = [sys.executable, "-c", WRITING, str(tmp_path / "run.log")]
    writers = [subprocess.Popen([*command, letter]) for letter in "ab"]
    assert [0, 0] == [writer.wait(60) for writer in writers]
    messages = [line.rpartition(": ")[2] for line in (tmp_path / "run.log").read_text().splitlines()]
    assert sorted(["a" * 2000] * 500 + ["b" * 2000] * 500) == sorted(messages)


def test_text_that_is_no_unicode(tmp_path):
    """A file name that is not UTF-8 is written with its bytes named."""
    with handling(LogFile(tmp_path / "run.log")):
        logging.getLogger("vreason.module").info("clip %s", os.fsdecode(b"\xff.mp4"))
    assert "clip \\udcff.mp4\n" in (tmp_path / "run.log").read_text()


def test_a_full_disk(capsys):
    """It is told of once on the error stream; whoever logs does not notice."""
    with handling(LogFile("/dev/full")):
        for _ in range(3):
            logging.getLogger("vreason.module").info("lost")
    assert "/dev/full: the log cannot be written (No space left on device); lines are missing in it\n" == capsys.readouterr().err


def test_a_wrong_log_call(tmp_path, capsys):
    """Arguments that do not fit their text are Python's to complain of; the program goes on."""
    with handling(LogFile(tmp_path / "run.log")):
        logging.getLogger("vreason.module").info("%d", "many")
        logging.getLogger("vreason.module").info("next")
    assert "--- Logging error ---" in capsys.readouterr().err
    assert (tmp_path / "run.log").read_text().endswith("next\n")


def test_a_file_that_cannot_be_opened(tmp_path):
    """The caller hears of it."""
    with pytest.raises(OSError, match="nowhere"):
        LogFile(tmp_path / "nowhere" / "run.log")


def test_by_the_environment(tmp_path):
    """The variable names the file."""
    handler = environment_log_file({VARIABLE: str(tmp_path / "run.log")})
    assert handler is not None
    assert str(tmp_path / "run.log") == handler.path
    handler.close()
    handler.close()


@pytest.mark.parametrize("environment", [{}, {VARIABLE: ""}])
def test_no_file_by_the_environment(environment):
    """Nothing is written where nothing is named."""
    assert environment_log_file(environment) is None


def test_a_file_of_the_environment_that_cannot_be_opened(tmp_path, capsys):
    """It is told of on the error stream, and the process goes on without."""
    assert environment_log_file({VARIABLE: str(tmp_path / "nowhere" / "run.log")}) is None
    assert "cannot be opened for logging (No such file or directory)" in capsys.readouterr().err


def test_what_a_child_process_inherits(tmp_path, monkeypatch):
    """The whole path of the file that is written here, wherever the child's folder is; nothing without one."""
    monkeypatch.chdir(tmp_path)
    assert {} == inherited_environment()
    with handling(LogFile("run.log")):
        assert {VARIABLE: str(tmp_path / "run.log")} == inherited_environment()
    assert {} == inherited_environment()
