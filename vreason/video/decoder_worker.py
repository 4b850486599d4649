"""The decoding process: reads requests, decodes, answers with frames or with the reason why there are none."""

from __future__ import annotations

import signal
import socket
import sys
from collections.abc import Callable
from typing import TypeVar

from vreason.errors import VideoError, VideoUnavailableError
from vreason.video.clip_reading import Memory, read_clip
from vreason.video.complaints import ErrorStream
from vreason.video.config import ClipLimits, VideoConfig
from vreason.video.container import UnusableClip, open_video
from vreason.video.decoder_process import receive_message, send_message
from vreason.video.frame_table import read_head
from vreason.video.frames import requested

T = TypeVar("T")
GRACE = 5.0  # seconds after the parent's timeout at which this process ends itself, in case the parent is gone


def decode(path: str, config: VideoConfig, limits: ClipLimits, complaints: ErrorStream) -> Memory:
    """The frames of one file; see `read_clip`.

    Raises:
        VideoError: why there are none.
    """
    return _of_file(path, complaints, lambda name: read_clip(name, config, complaints, limits))


def probe(path: str, complaints: ErrorStream) -> None:
    """Look at the beginning of one file.

    Raises:
        VideoError: why it cannot be decoded.
    """
    _of_file(path, complaints, read_head)


def _of_file(path: str, complaints: ErrorStream, act: Callable[[str], T]) -> T:
    complaints.take()
    with open_video(path) as file:
        # decord takes no name that is not UTF-8, and FFmpeg takes "a:b" for an address: such files go by the number under which they are
        # open
        name = path if path.isprintable() and ":" not in path and "%" not in path else f"/dev/fd/{file.fileno()}"
        try:
            return act(name)
        except UnusableClip as error:
            raise VideoError(path, str(error)) from None


def main(descriptor: int) -> None:
    """Answer requests on the socket `descriptor` until its other side is closed."""
    channel, complaints = socket.socket(fileno=descriptor), ErrorStream()
    try:
        import av
        import decord  # noqa: F401

        av.logging.restore_default_callback()  # FFmpeg's own, which writes to the error stream
        av.logging.set_libav_level(av.logging.ERROR)
    except (ImportError, OSError, RuntimeError) as error:
        send_message(channel, {"reason": f"the readers cannot be loaded ({error}); install them (pip install decord av)"})
        return
    send_message(channel, {"ready": True})
    while message := receive_message(channel):
        asked = message[0]
        timeout = asked["timeout"] if "probe" in asked else requested(asked)[1].timeout
        # SIGALRM's default action ends the process from inside any native loop: nothing stays behind when the parent is gone.
        signal.setitimer(signal.ITIMER_REAL, timeout + GRACE)
        try:
            if "probe" in asked:
                probe(asked["probe"], complaints)
                send_message(channel, {"probed": True})
                continue
            reply, memory = decode(*requested(asked), complaints)
            send_message(channel, reply, [memory.fileno()])
            memory.close()
        except VideoError as error:
            send_message(channel, {"reason": error.reason, "unavailable": isinstance(error, VideoUnavailableError)})
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)


if __name__ == "__main__":
    main(int(sys.argv[1]))
