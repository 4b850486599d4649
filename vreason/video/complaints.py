"""What FFmpeg complains of on the error stream, and which complaints mean damaged data.

decord passes over them, and PyAV tells the gravest only: they are read here, and a clip that caused one is refused.
"""

from __future__ import annotations

import contextlib
import os
import re

from vreason.video.container import AGAIN, REENCODE

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
        self._kept = ""

    def keep(self) -> None:
        """Lay by what was written so far, out of the reach of `drop`."""
        self._kept += self._read()

    def drop(self) -> None:
        """Forget what was written since the last `keep`."""
        self._read()

    def take(self) -> str:
        """What was written since the last call, but for what was dropped."""
        text, self._kept = self._kept + self._read(), ""
        return text

    def _read(self) -> str:
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
