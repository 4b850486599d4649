from __future__ import annotations

import json
import os
import pty
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from vreason_cli.commands.doctor import doctor_command

PROGRAM = "from vreason_cli.commands.doctor import doctor_command; doctor_command()"


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URI of a database that MLflow made."""
    from mlflow.tracking import MlflowClient

    uri = f"sqlite:///{tmp_path_factory.mktemp('doctor') / 'mlflow.db'}"
    MlflowClient(uri).search_experiments()
    return uri


@pytest.fixture
def text_file(tmp_path: Path) -> str:
    """The URI of a text file that bears a database's name."""
    (tmp_path / "mlflow.db").write_text("dear diary, " * 100)
    return f"sqlite:///{tmp_path}/mlflow.db"


def doctor(*arguments: str, **environment: str | None) -> Result:
    return CliRunner().invoke(doctor_command, arguments, env=environment)


def line(result: Result, name: str) -> str:
    """The only line about `name`."""
    (found,) = [line for line in result.stdout.splitlines() if line[8:].startswith(f"{name}: ")]
    return found


def test_a_real_store_ends_with_0(store: str) -> None:
    """Warnings alone do not fail: a store as MLflow makes it is not in WAL mode, and the exit code is 0."""
    result = doctor("--tracking-uri", store)
    assert 0 == result.exit_code, result.output
    assert line(result, "schema").startswith("ok      schema: revision ")
    assert line(result, "journal mode").startswith("warning journal mode: delete")
    assert "0 failure(s)" in result.stdout.splitlines()[-1]


def test_a_text_file_ends_with_1(text_file: str) -> None:
    """A failure is one line with its hint, counted in the last line, and the exit code is 1."""
    result = doctor("--tracking-uri", text_file)
    assert 1 == result.exit_code
    path = text_file.removeprefix("sqlite:///")
    expected = f"failure database: {path}: file is not a database -> restore this file from a backup, or give another --tracking-uri"
    assert expected == line(result, "database")
    assert result.stdout.splitlines()[-1].endswith(" 1 failure(s)")


def test_a_dead_port_ends_with_1() -> None:
    """A server that is not there is a failure, not a traceback."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        result = doctor("--tracking-uri", f"http://127.0.0.1:{taken.getsockname()[1]}")
    assert (1, True) == (result.exit_code, isinstance(result.exception, SystemExit))
    assert "does not answer" in line(result, "server")


def test_the_last_line_counts_the_others(store: str) -> None:
    """One line a check, and a last one with their numbers."""
    *lines, last = doctor("--tracking-uri", store).stdout.splitlines()
    counts = {state: sum(line.split()[0] == state for line in lines) for state in ("ok", "warning", "failure")}
    assert len(lines) == sum(counts.values())
    assert f"{len(lines)} checks: {counts['ok']} ok, {counts['warning']} warning(s), {counts['failure']} failure(s)" == last


def test_json_parses_and_says_the_same(store: str, text_file: str) -> None:
    """--json prints one object: `ok`, and each check with its four fields; the exit code is the same."""
    for uri, code in ((store, 0), (text_file, 1)):
        result = doctor("--json", "--tracking-uri", uri)
        told = json.loads(result.stdout)
        assert code == result.exit_code
        assert (code == 0) is told["ok"]
        assert {("name", "state", "detail", "hint")} == {tuple(check) for check in told["checks"]}
        assert told["ok"] is all(check["state"] != "failure" for check in told["checks"])


def test_the_environment_names_the_store(text_file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the option MLFLOW_TRACKING_URI counts, and without that, or with it empty, mlflow.db in the current folder."""
    assert line(doctor(MLFLOW_TRACKING_URI=text_file), "database").startswith("failure")
    (tmp_path / "new").mkdir()
    monkeypatch.chdir(tmp_path / "new")
    for nothing in (None, ""):
        assert f"ok      database: {tmp_path}/new/mlflow.db will be created" == line(doctor(MLFLOW_TRACKING_URI=nothing), "database")


def test_brackets_in_a_path_are_printed_as_they_are(tmp_path: Path) -> None:
    """A path that looks like markup of the terminal library arrives whole."""
    folder = tmp_path / "[bold]a[red]"
    folder.mkdir()
    assert f"ok      folder: {folder} can be written" == line(doctor("--tracking-uri", f"sqlite:///{folder}/mlflow.db"), "folder")


def test_colour_on_a_terminal_only(text_file: str) -> None:
    """A terminal shows states in colour and long lines whole; a pipe gets plain text."""
    environment = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR")} | {"TERM": "xterm"}
    command = [sys.executable, "-c", PROGRAM, "--tracking-uri", text_file]
    plain = subprocess.run(command, env=environment, capture_output=True, text=True).stdout
    ours, theirs = pty.openpty()
    with subprocess.Popen(command, env=environment, stdout=theirs, stderr=subprocess.DEVNULL):
        os.close(theirs)
        shown = b""
        try:
            while block := os.read(ours, 65536):
                shown += block
        except OSError:  # Linux's way to say that the other side closed the terminal
            pass
    os.close(ours)
    assert "\x1b" not in plain
    assert b"\x1b[1;31mfailure \x1b[0mdatabase: " in shown
    assert b"\x1b[32mok      \x1b[0mpython: " in shown
    assert len(plain.splitlines()) == len(shown.splitlines())


def test_help_is_quick() -> None:
    """--help imports neither torch nor MLflow nor rich."""
    code = f"import sys\ntry:\n    {PROGRAM}\nfinally:\n    print(sorted({{'torch', 'mlflow', 'rich'}} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code, "--help"], capture_output=True, text=True)
    assert "[]" == result.stdout.splitlines()[-1]
