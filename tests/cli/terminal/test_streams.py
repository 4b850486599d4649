"""vreason_cli.terminal.streams: output that no command ends by."""

from __future__ import annotations

import errno
import io
import os
import subprocess
import sys
import threading
import unicodedata
from pathlib import Path

import pytest

from vreason_cli.terminal import streams
from vreason_cli.terminal.streams import SteadyFile

SHOW = "from vreason_cli.main import main; main()"


def written(number: int, data: bytes = b"text") -> SteadyFile:
    file = SteadyFile(number, "wb", closefd=False)
    assert len(data) == file.write(data)
    return file


def test_a_reader_that_left() -> None:
    """The fault is kept, the descriptor leads nowhere from then on, and everything else is written without a fault."""
    reading, writing = os.pipe()
    os.close(reading)
    file = written(writing)
    assert errno.EPIPE == getattr(file.lost, "errno", None)
    assert 4 == os.write(writing, b"text")
    assert 4 == file.write(b"text")
    os.close(writing)


def test_a_full_disk() -> None:
    """What does not fit is dropped."""
    with open("/dev/full", "wb", buffering=0) as full:
        assert errno.ENOSPC == getattr(written(full.fileno()).lost, "errno", None)


def test_a_pipe_that_does_not_block() -> None:
    """A reader that is slower than we are gets all of it."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    data, got = bytes(range(256)) * 2000, bytearray()

    def read() -> None:
        while part := os.read(reading, 5000):
            got.extend(part)

    reader = threading.Thread(target=read)
    reader.start()
    assert written(writing, data).lost is None
    os.close(writing)
    reader.join()
    os.close(reading)
    assert data == got


@pytest.mark.parametrize(
    ("encoding", "text", "expected"),
    [
        ("ascii", "95 % – α × 3…", b"95 % - a x 3."),
        ("ascii", "┌─┐│█⣿", b"+-+|#."),
        ("ascii", "视", b"\\u89c6"),
        ("latin-1", "é × –", b"\xe9 \xd7 -"),
        ("cp1252", "“é” → –", b"\x93\xe9\x94 > \x96"),
        ("utf-8", "视 –", "视 –".encode()),
        ("utf-8", "clip-\udcff.mp4", b"clip-\\udcff.mp4"),
    ],
)
def test_characters_that_the_stream_does_not_have(tmp_path: Path, encoding: str, text: str, expected: bytes) -> None:
    """Ours become the like of them in ASCII, one for one, so that tables keep their columns; others are told by their number."""
    done = subprocess.run(
        [sys.executable, "-c", f"from vreason_cli.terminal.streams import hold; hold(); print({text!a}, end='')"],
        capture_output=True,
        env=os.environ | {"PYTHONIOENCODING": encoding},
        timeout=60,
    )
    assert (expected, b"") == (done.stdout, done.stderr)


def test_every_replacement_is_as_wide() -> None:
    """One printable character for one."""
    assert all(len(value) == 1 and 32 <= ord(value) < 127 for value in streams._PLAIN.values())
    assert {"W", "F"}.isdisjoint(unicodedata.east_asian_width(chr(code)) for code in streams._PLAIN)


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_descriptors(tmp_path: Path, closed: str) -> None:
    """No file that is opened later gets a standard descriptor's number, in this process and in its children."""
    told = tmp_path / "told"
    code = f"""
import os, subprocess, sys
from vreason_cli.terminal.streams import hold
hold()
print("text"); print("text", file=sys.stderr); sys.stdin.read()
with open({str(told)!r}, "w") as file:
    file.write(str(file.fileno()) + " ")
    file.flush()
    child = "import os; [os.fstat(number) for number in range(3)]; print('child')"
    file.write(str(subprocess.run([sys.executable, "-c", child]).returncode))
"""
    done = subprocess.run(["sh", "-c", f'exec "$0" -c "$1" {closed}', sys.executable, code], stdin=subprocess.DEVNULL, timeout=60)
    assert 0 == done.returncode
    number, child = told.read_text().split()
    assert (True, "0") == (int(number) > 2, child)


def test_what_a_test_has_put_there_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream that is not the interpreter's own belongs to somebody."""
    mine = io.StringIO()
    monkeypatch.setattr(sys, "stdout", mine)
    streams.hold()
    assert mine is sys.stdout
    assert streams.flush() is None


def test_output_that_is_lost_is_said() -> None:
    """A listing that does not fit on the disk is no listing: exit code 1, and the reason on the error stream."""
    with open("/dev/full", "wb") as full:
        done = subprocess.run([sys.executable, "-c", SHOW, "--help"], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
    assert 1 == done.returncode
    assert "error: standard output could not be written: No space left on device; what was printed after that is lost\n" == done.stderr
