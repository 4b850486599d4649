"""Whether a file begins as a container of video does, in bytes that no text has.

FFmpeg, behind both readers, looks at the contents and not at the name: a text that is a playlist (HLS, DASH, concat, SDP) called clip.mp4
would have it open whatever files and addresses that lists.
"""

from __future__ import annotations

from collections.abc import Callable

CONTAINERS = "MP4, MOV, MKV, WebM, AVI, MPEG-TS, MPEG-PS, FLV, Ogg, WMV, GIF"
_BOXES = (b"ftyp", b"moov", b"mdat", b"free", b"wide", b"skip", b"styp", b"pnot")  # ISO base media, at the fifth byte
_ASF = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")


def _transport_stream(head: bytes) -> bool:
    """Sync bytes at the distance of packets: 188, or 192 with a time stamp before each."""
    plain = len(head) > 188 and head[0] == 0x47 and head[188] == 0x47
    return plain or (len(head) > 196 and head[4] == 0x47 and head[196] == 0x47)


_KNOWN: tuple[Callable[[bytes], bool], ...] = (
    lambda head: head[4:8] in _BOXES,
    lambda head: head.startswith(b"\x1a\x45\xdf\xa3"),  # Matroska and WebM
    lambda head: head.startswith(b"RIFF") and head[8:12] == b"AVI ",
    _transport_stream,
    lambda head: head.startswith(b"\x00\x00\x01\xba"),  # MPEG program stream
    lambda head: head.startswith(b"FLV\x01"),
    lambda head: head.startswith(b"OggS\x00"),
    lambda head: head.startswith(_ASF),
    lambda head: head.startswith((b"GIF87a", b"GIF89a")),
)


def is_container(head: bytes) -> bool:
    """Whether a file that begins so is a container that is taken.

    Args:
        head: its first 200 bytes at least, or all of a shorter one.
    """
    return any(known(head) for known in _KNOWN)
