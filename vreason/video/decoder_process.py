"""The guard around the decoder: a process that can be killed, where a thread cannot.

One process per Python process, started at the first clip, reused for all others, killed when a file takes too long, replaced when it dies,
ended with the interpreter. Frames come back in memory that both processes map: they are never copied through a pipe.
"""

from __future__ import annotations

import atexit
import json
import logging
import math
import mmap
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vreason.errors import ReaderError, VideoError, VideoUnavailableError
from vreason.video.container import REENCODE

_log = logging.getLogger(__name__)

START_SECONDS = 60.0  # the process may take this long to import numpy, decord and PyAV
ATTEMPTS = 2  # what ended a process may have come from outside: try once more
OUTSIDE = (-signal.SIGKILL, -signal.SIGTERM, -signal.SIGINT, -signal.SIGHUP)  # by these it does not end of a file
KILLED_ATTEMPTS, PAUSE = 4, 0.5  # of a process that is killed from outside, which says nothing about the file; seconds, growing
STARTS = 3  # of a process that does not come up


def send_message(channel: socket.socket, message: Mapping[str, Any], descriptors: Sequence[int] = ()) -> None:
    """One message, length first; open files travel beside it."""
    body = json.dumps(message).encode()
    framed = struct.pack(">I", len(body)) + body
    sent = socket.send_fds(channel, [framed], list(descriptors)) if descriptors else 0
    channel.sendall(framed[sent:])


def receive_message(channel: socket.socket, deadline: float = math.inf) -> tuple[dict[str, Any], list[int]] | None:
    """The next message and the files beside it; None at the other side's end.

    Args:
        channel: where from.
        deadline: on `time.monotonic`, seconds.

    Raises:
        TimeoutError: the deadline passed.
    """
    data, descriptors = b"", list[int]()
    while len(data) < 4 or len(data) < 4 + struct.unpack(">I", data[:4])[0]:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        channel.settimeout(None if left == math.inf else left)
        part, passed, _, _ = socket.recv_fds(channel, 1 << 16, 1)
        descriptors += passed
        if not part:
            return None
        data += part
    channel.settimeout(None)
    return json.loads(data[4:]), descriptors


class DecoderProcess:
    """A `vreason.video.decoder_worker` process and the line to it. One clip at a time; other threads wait for their turn."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: socket.socket | None = None
        self._ended = False

    @property
    def pid(self) -> int | None:
        """Of the process, when there is one."""
        return self._process.pid if self._process is not None else None

    def decode(self, path: str, request: Mapping[str, Any], timeout: float) -> tuple[dict[str, Any], NDArray[np.uint8]]:
        """Have one clip decoded.

        Args:
            path: the file, as errors shall name it.
            request: see `vreason.video.frames.request`.
            timeout: seconds from the moment the process begins with it.

        Returns:
            What the process tells about the clip, and its frames, (T, H, W, 3).

        Raises:
            VideoError: the file cannot be used, took too long, or ended the process.
            VideoUnavailableError: it cannot be read now.
            ReaderError: the process cannot be started, or is killed from outside each time.
        """
        reply, descriptors = self._in_turn(path, request, timeout)
        return reply, _mapped(reply, descriptors)

    def probe(self, path: str, request: Mapping[str, Any], timeout: float) -> None:
        """Have the beginning of one file looked at; arguments and errors as of `decode`."""
        self._in_turn(path, request, timeout)

    def _in_turn(self, path: str, request: Mapping[str, Any], timeout: float) -> tuple[dict[str, Any], list[int]]:
        with self._turn:
            try:
                return self._exchanged(path, request, timeout)
            except VideoError:
                raise
            except BaseException:  # an interrupt: the answer that is still to come belongs to nobody
                self.stop()
                raise

    def _exchanged(self, path: str, request: Mapping[str, Any], timeout: float) -> tuple[dict[str, Any], list[int]]:
        """The process's answer, and the files beside it."""
        code: int | None = None
        for attempt in range(1, KILLED_ATTEMPTS + 1):
            channel = self._start(path)
            began = time.monotonic()
            try:
                send_message(channel, request)
                answer = receive_message(channel, began + timeout)
            except TimeoutError:
                self.stop()
                advice = f"if it plays elsewhere, raise video.timeout or ask for fewer frames; else {REENCODE}"
                raise VideoError(path, f"is not decoded after {timeout:g} s, and was given up; {advice}") from None
            except OSError:  # it died while it was idle
                answer = None
            if answer is not None:
                reply, descriptors = answer
                if "reason" in reply:
                    raise (VideoUnavailableError if reply.get("unavailable") else VideoError)(path, reply["reason"])
                what = f"{reply['reader']} decoded {reply['shape'][0]} frame(s)" if "shape" in reply else "looked at"
                _log.debug("%s: %s in %.2f s", path, what, time.monotonic() - began)
                return reply, descriptors
            code = self.stop(grace=0.5)
            _log.debug("%s: the decoder process ended while it was decoded (attempt %d)", path, attempt)
            if self._ended or (attempt >= ATTEMPTS and code not in OUTSIDE):
                break
            time.sleep(PAUSE * (attempt - 1))
        if code in OUTSIDE and not self._ended:
            what = f"the reading process was killed from outside, {KILLED_ATTEMPTS} times ({_death(code)})"
            raise ReaderError(path, f"{what}; see who ends processes here (out of memory?), then continue")
        raise VideoError(path, f"ended the decoding process, {ATTEMPTS} times ({_death(code)}); {REENCODE}")

    def _start(self, path: str) -> socket.socket:
        """The line to a living process; a new process where there is none."""
        if self._channel is not None and self._process is not None and self._process.poll() is None:
            return self._channel
        for attempt in range(1, STARTS + 1):
            try:
                return self._started(path)
            except ReaderError:
                if attempt == STARTS or self._ended:
                    raise
                time.sleep(PAUSE * attempt)
        raise AssertionError("the last attempt returns or raises")

    def _started(self, path: str) -> socket.socket:
        self.stop()
        began = time.monotonic()
        ours, theirs = socket.socketpair()
        # -P and the parent's own search path: a file called numpy.py in the current folder must not be imported
        search = os.pathsep.join(entry or os.getcwd() for entry in sys.path)
        with theirs:
            self._process = _popen(
                path,
                [sys.executable, "-P", "-m", "vreason.video.decoder_worker", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env={"PATH": os.defpath, **os.environ, "PYTHONPATH": search},
                start_new_session=True,  # an interrupt at the terminal is the parent's to handle
            )
        self._channel = ours
        try:
            ready = receive_message(ours, time.monotonic() + START_SECONDS)
        except TimeoutError:
            ready = None
        if ready is None or "reason" in ready[0]:
            code = self.stop(grace=0.5)
            fault = f"the decoding process did not start ({_death(code)}); reinstall decord, av and numpy"
            raise ReaderError(path, ready[0]["reason"] if ready else fault)
        _log.debug("decoder process %s started in %.2f s", self.pid, time.monotonic() - began)
        return ours

    def stop(self, grace: float = 0.0) -> int | None:
        """Kill the process and collect it.

        Args:
            grace: seconds to wait for a process that seems to be dying, so that its exit code tells by what.

        Returns:
            Its exit code; None where there was none or where it had to be killed.
        """
        process, channel = self._process, self._channel
        self._process = self._channel = None
        if channel is not None:
            channel.close()
        if process is None:
            return None
        code: int | None = None
        try:
            code = process.wait(grace)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        _log.debug("decoder process %d stopped (%s)", process.pid, "killed" if code is None else _death(code))
        return code

    def end(self) -> None:
        """Stop for good, at the end of the interpreter; a thread that still waits gets a `VideoError`."""
        self._ended = True
        self.stop()

    def forget(self) -> None:
        """After a fork, in the child: the process is the parent's."""
        if self._channel is not None:
            self._channel.close()
        if self._process is not None:
            self._process.returncode = 0  # not our child: never wait for it, never warn about it
        self.__init__()  # type: ignore[misc]


def _popen(path: str, command: Sequence[str], **options: Any) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(command, **options)
    except OSError as error:  # no process, no memory, or the interpreter is gone
        raise ReaderError(path, f"the reading process cannot be started ({error}); see what limits processes here") from None


def _mapped(reply: Mapping[str, Any], descriptors: list[int]) -> NDArray[np.uint8]:
    """The frames in the memory that came with a reply, mapped for as long as the array lives."""
    try:
        shape = tuple(reply["shape"])
        return np.frombuffer(mmap.mmap(descriptors[0], math.prod(shape)), dtype=np.uint8).reshape(shape)
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def _death(code: int | None) -> str:
    if code is None:
        return "no answer"
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"


_decoder = DecoderProcess()
atexit.register(_decoder.end)
os.register_at_fork(after_in_child=_decoder.forget)


def decoder() -> DecoderProcess:
    """The one of this Python process."""
    return _decoder
