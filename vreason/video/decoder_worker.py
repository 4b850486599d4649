"""The decoding process: reads requests, decodes with decord, answers with frames or with the reason why there are none.

decord passes over FFmpeg's complaints of damaged data. They are read from the error stream here, and a clip that caused one is refused.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import sys

from vreason.errors import VideoError
from vreason.video.config import VideoConfig
from vreason.video.container import AGAIN, open_video
from vreason.video.decoder_process import REENCODE, receive_message, send_message
from vreason.video.decord_clip import DecordClip, Memory, UnusableClip
from vreason.video.frames import requested

GRACE = 5.0  # seconds after the parent's timeout at which this process ends itself, in case the parent is gone

# What FFmpeg says when coded data is damaged. Left out on purpose: what it says of healthy files after a seek ("co located POCs ...").
DAMAGE = re.compile(
    r"error while decoding MB|decode_slice_header error|Invalid NAL unit size|Error splitting the input into NAL|no frame!|concealing"
    r"|non-existing [PS]PS|missing picture in access unit|cabac decode of|Error parsing NAL unit|invalid undecodable NALU"  # h264, hevc
    r"|Error at MB|damaged at|slice end not reached|illegal MB_type|illegal dc vlc|marker bit missing"  # mpeg4, mpeg2
    r"|Invalid frame marker|Invalid compressed header|Requested reference|Header size larger than data"  # vp8, vp9
    r"|EBML block data error|Invalid EBML number|Invalid track number|Truncating packet|Packet corrupt"  # containers
)
CUT_OFF = re.compile(r"partial file|Read error")


class ErrorStream:
    """FFmpeg's complaints. The error stream becomes a pipe that never blocks: when it is full the first ones stay and the rest is lost."""

    def __init__(self) -> None:
        self._end, write = os.pipe()
        os.set_blocking(self._end, False)
        os.set_blocking(write, False)
        os.dup2(write, 2)
        os.close(write)

    def take(self) -> str:
        """What was written since the last call."""
        text = b""
        with contextlib.suppress(BlockingIOError):
            while part := os.read(self._end, 1 << 16):
                text += part
        return text.decode(errors="replace")


def damage(complaints: str) -> str | None:
    """The reason that FFmpeg's complaints amount to, if any."""
    if CUT_OFF.search(complaints):
        return f"is truncated, or contains no frames: it ends where more should follow; {AGAIN}"
    for line in complaints.splitlines():
        if DAMAGE.search(line):
            return f"is damaged ({line.split('] ')[-1].strip()[:120]}); {AGAIN}, or {REENCODE}"
    return None


def decode(path: str, config: VideoConfig, complaints: ErrorStream) -> Memory:
    """The frames of one file; see `DecordClip.read`.

    Raises:
        VideoError: why there are none.
    """
    complaints.take()
    with open_video(path) as file:
        # decord takes no name that is not UTF-8: such a file goes by the number under which it is open
        name = path if path.isprintable() else f"/dev/fd/{file.fileno()}"
        try:
            reply, memory = DecordClip(name).read(config)
        except UnusableClip as error:
            raise VideoError(path, damage(complaints.take()) or str(error)) from None
    if fault := damage(complaints.take()):
        memory.close()
        raise VideoError(path, fault)
    return reply, memory


def main(descriptor: int) -> None:
    """Answer requests on the socket `descriptor` until its other side is closed."""
    channel, complaints = socket.socket(fileno=descriptor), ErrorStream()
    try:
        import decord  # noqa: F401
    except (ImportError, OSError, RuntimeError) as error:
        send_message(channel, {"reason": f"decord cannot be loaded ({error}); install it (pip install decord)"})
        return
    send_message(channel, {"ready": True})
    while message := receive_message(channel):
        path, config = requested(message[0])
        # SIGALRM's default action ends the process from inside any native loop: nothing stays behind when the parent is gone.
        signal.setitimer(signal.ITIMER_REAL, config.timeout + GRACE)
        try:
            reply, memory = decode(path, config, complaints)
        except VideoError as error:
            send_message(channel, {"reason": error.reason})
        else:
            send_message(channel, reply, [memory.fileno()])
            memory.close()
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)


if __name__ == "__main__":
    main(int(sys.argv[1]))
