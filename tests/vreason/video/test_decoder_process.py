"""The decoding process: it serves all clips, may hang or die without harm, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.read_clips import SIXTEEN, fault_of, numbers
from vreason.errors import ReaderError, VideoError
from vreason.video import decoder_process
from vreason.video.config import VideoConfig
from vreason.video.decoder_process import DecoderProcess, decoder
from vreason.video.frames import frame_indices, read_video, request


@pytest.fixture
def guarded(mp4: Path) -> Iterator[DecoderProcess]:
    """The decoder with a living process; left in a working state."""
    read_video(mp4, VideoConfig())
    yield decoder()
    assert SIXTEEN == numbers(read_video(mp4, VideoConfig()))


def _pid(process: DecoderProcess) -> int:
    assert process.pid is not None
    return process.pid


def _gone(pid: int) -> bool:
    """Whether there is no such process, not even a dead one that nobody collected."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_one_process_serves_all_clips(guarded: DecoderProcess, mp4: Path) -> None:
    """It is started once and kept, also after a file that cannot be used."""
    pid = guarded.pid
    fault_of(mp4.parent / "no.mp4")
    read_video(mp4, VideoConfig())
    assert pid == guarded.pid


def test_a_decoder_that_hangs_is_given_up_in_time(guarded: DecoderProcess, mp4: Path) -> None:
    """A stopped process stands for a native loop: the error comes after the timeout, and the process is killed and collected."""
    pid = _pid(guarded)
    os.kill(pid, signal.SIGSTOP)
    started = time.monotonic()
    assert "not decoded after 0.3 s" in fault_of(mp4, VideoConfig(timeout=0.3))
    assert 0.3 <= time.monotonic() - started < 10
    assert _gone(pid)


def test_a_decoder_killed_in_the_middle_is_replaced(guarded: DecoderProcess, mp4: Path) -> None:
    """Killed from outside while it works on a clip, it is started anew, and the clip is read."""
    pid = _pid(guarded)
    os.kill(pid, signal.SIGSTOP)
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(read_video, mp4, VideoConfig())
        time.sleep(0.2)
        os.kill(pid, signal.SIGKILL)
        assert SIXTEEN == numbers(reading.result())
    assert _gone(pid)
    assert pid != guarded.pid


def test_a_decoder_killed_between_clips_is_replaced(guarded: DecoderProcess, mp4: Path) -> None:
    """Killed while it is idle, it is started anew."""
    pid = _pid(guarded)
    os.kill(pid, signal.SIGKILL)
    assert SIXTEEN == numbers(read_video(mp4, VideoConfig()))
    assert _gone(pid)


def test_what_ends_the_decoder_every_time_is_refused(guarded: DecoderProcess) -> None:
    """Two processes in a row that die of a request are enough: the error tells how, and both are collected."""
    pid = _pid(guarded)
    with pytest.raises(VideoError, match=r"ended the decoding process, 2 times \(exit code 1\)"):
        guarded.decode("clip.mp4", {"no": "path"}, timeout=60.0)
    assert _gone(pid)
    assert guarded.pid is None


def test_a_decoder_that_cannot_start_is_named(mp4: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An interpreter that ends at once: the error tells the exit code instead of waiting."""
    monkeypatch.setattr(sys, "executable", "/bin/false")
    monkeypatch.setattr(decoder_process, "PAUSE", 0.01)
    with pytest.raises(ReaderError, match=r"did not start \(exit code 1\)"):
        DecoderProcess().decode(str(mp4), {}, timeout=60.0)
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    with pytest.raises(ReaderError, match=r"the reading process cannot be started \(.*No such file"):
        DecoderProcess().decode(str(mp4), {}, timeout=60.0)


def test_a_start_that_fails_is_tried_again(mp4: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A process that is killed while it starts says nothing about the file."""
    twice = tmp_path / "python"
    tries = tmp_path / "tries"
    twice.write_text(f'#!/bin/sh\nif [ $(wc -l < {tries}) -lt 2 ]; then echo >> {tries}; kill -9 $$; fi\nexec {sys.executable} "$@"\n')
    twice.chmod(0o755)
    tries.touch()
    monkeypatch.setattr(decoder_process, "PAUSE", 0.01)
    monkeypatch.setattr(sys, "executable", str(twice))
    process = DecoderProcess()
    try:
        reply, pixels = process.decode(str(mp4), request(str(mp4), VideoConfig()), timeout=60.0)
        assert len(reply["indices"]) == len(pixels)
    finally:
        process.stop()


def test_a_decoder_killed_each_time(guarded: DecoderProcess, mp4: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By whoever: after some tries no video can be read here, which is not the file's fault."""
    monkeypatch.setattr(decoder_process, "PAUSE", 0.01)
    real = guarded._start

    def killed(path: str) -> Any:
        channel = real(path)
        os.kill(_pid(guarded), signal.SIGKILL)
        return channel

    monkeypatch.setattr(guarded, "_start", killed)
    with pytest.raises(ReaderError, match=r"was killed from outside, 4 times \(SIGKILL\)"):
        read_video(mp4, VideoConfig())


def test_no_path_in_the_environment(mp4: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reading process needs none."""
    decoder().stop()
    monkeypatch.delenv("PATH")
    assert SIXTEEN == numbers(read_video(mp4, VideoConfig()))


def test_threads_take_turns(guarded: DecoderProcess, textured: dict[str, Path]) -> None:
    """Four threads on one process: every one gets its own clip's frames."""
    counts = [2, 4, 6, 8, 10, 12, 14, 16] * 2
    with ThreadPoolExecutor(4) as pool:
        read = list(pool.map(lambda count: read_video(textured["mkv"], VideoConfig(nframes=count)), counts))
    assert [tuple(frame_indices(24, 24.0, VideoConfig(nframes=count))) for count in counts] == [numbers(frames) for frames in read]


SCRIPT = """
import sys
from vreason.video.frames import *
from vreason.video.decoder_process import decoder
frames = read_video(sys.argv[1], VideoConfig())
"""


def _run(code: str, mp4: Path) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", SCRIPT + code, str(mp4)], stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True)


def _ends(pid: int, seconds: float = 20.0) -> bool:
    """Whether a process that is not ours ends; one that its new parent has not collected counts."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rsplit(")")[-1].split()[0] == "Z":
                return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize("end", ["", "raise ValueError", "sys.stdin.read()"])
def test_nothing_is_left_behind(mp4: Path, end: str) -> None:
    """The decoding process ends with the interpreter: after a normal end, an exception, and a kill that runs no clean-up."""
    with _run(f"print(decoder().pid, flush=True)\n{end}", mp4) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        if "stdin" in end:
            process.kill()
    assert _ends(pid)


def test_a_fork_gets_a_decoder_of_its_own(mp4: Path) -> None:
    """After a fork, child and parent both read, each by its own process."""
    code = """
import os
if (child := os.fork()) == 0:
    print(read_video(sys.argv[1], VideoConfig()).indices == frames.indices, decoder().pid, flush=True)
    sys.exit()
os.waitpid(child, 0)
print(read_video(sys.argv[1], VideoConfig()).indices == frames.indices, decoder().pid)
"""
    with _run(code, mp4) as process:
        words = process.communicate()[0].split()
    assert ["True", "True"] == words[::2]
    assert 2 == len(set(words[1::2]))
