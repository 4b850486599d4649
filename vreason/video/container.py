"""What can be said of a file before a decoder sees it: that it is one, that it is no text, that it is as long as its container declares.

FFmpeg decodes what there is of a truncated file and does not tell that the rest is missing. MP4 and MOV, Matroska and WebM, and AVI declare
their size; other containers (MPEG-TS, FLV) do not, and there a missing end shows only where it cuts a frame.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from typing import BinaryIO

from vreason.errors import VideoError, VideoUnavailableError

AGAIN = "copy or download it again"
REENCODE = "re-encode it (ffmpeg -i FILE -c:v libx264 NEW.mp4) or leave the sample out"
_UNAVAILABLE = (
    errno.EIO,
    errno.ESTALE,
    errno.ETIMEDOUT,
    errno.ENOTCONN,
    errno.EHOSTDOWN,
    errno.EMFILE,
    errno.ENFILE,
    errno.ENXIO,
    errno.ENODEV,
)
_EBML, _SEGMENT = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"
_BOXES = {b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"moof", b"mfra", b"sidx", b"styp", b"uuid", b"meta", b"pdin"}


class UnusableClip(Exception):
    """Why a clip cannot be shown, in words that end with what to do."""


def open_video(path: str) -> BinaryIO:
    """The file, when it may be a whole video.

    Raises:
        VideoError: it is missing, unreadable, empty, a folder, a pipe, text, or shorter than its container declares.
    """
    try:
        kind = os.stat(path).st_mode
        if stat.S_ISDIR(kind):
            raise VideoError(path, "is a folder; name a video file in it")
        if not stat.S_ISREG(kind):  # opening a pipe would wait for a writer
            raise VideoError(path, "is not a regular file (a pipe, socket or device); save the video in a file first")
        file = open(path, "rb")  # noqa: SIM115 - handed on
    except FileNotFoundError:
        away = not os.path.isdir(os.path.dirname(os.path.abspath(path)))
        raise (VideoUnavailableError if away else VideoError)(path, no_such_file(path)) from None
    except (OSError, ValueError) as error:
        if getattr(error, "errno", None) in _UNAVAILABLE:
            raise VideoUnavailableError(path, f"cannot be read now ({error}); see that its disk or server answers") from None
        raise VideoError(path, f"cannot be opened ({error}); check the name and the permissions of the file and its folders") from None
    try:
        head = file.read(4096)
        if not head:
            raise VideoError(path, f"is empty (0 bytes); {AGAIN}")
        if _is_text(head):
            raise VideoError(path, "is text, not a video; name a video file")
        if fault := truncation(file, os.fstat(file.fileno()).st_size):
            raise VideoError(path, f"{fault}; {AGAIN}")
    except BaseException:
        file.close()
        raise
    return file


def no_such_file(path: str) -> str:
    """Where a file was looked for, and why it may not be there."""
    whole_path = os.path.abspath(path)
    if written := re.search(r"(?:^|/)(~[^/]*(?:/.*)?|[^/]*\$.*)$", path):
        whole = os.path.expandvars(os.path.expanduser(written[1]))
        return f"no such file ({whole_path}); ~ and $NAMES are not replaced in paths: write out {whole}"
    folder = os.path.dirname(whole_path)
    missing = f"its folder {folder} is not there either" if not os.path.isdir(folder) else "its folder is there"
    return f"no such file ({whole_path}), {missing}; check the path, and the folder that relative paths start from"


def _is_text(head: bytes) -> bool:
    """Text never goes to FFmpeg: it would take it for a playlist and open the files and addresses named in it."""
    if b"\0" in head:
        return False
    try:
        head.decode()
    except UnicodeDecodeError as error:
        return error.start > len(head) - 4 and len(head) == 4096  # a character cut by the end of the head
    return True


def truncation(file: BinaryIO, size: int) -> str | None:
    """What is missing from a file of `size` bytes, by its own declaration; None when nothing is, or when it declares nothing."""
    file.seek(0)
    head = file.read(12)
    if head[4:8] in _BOXES:
        return _mp4(file, size)
    if head.startswith(_EBML):
        return _matroska(file, size)
    if head.startswith(b"RIFF") and head[8:12] == b"AVI ":
        return _avi(file, size)
    return None


def _mp4(file: BinaryIO, size: int) -> str | None:
    """Boxes, one after the other: length (4 bytes, big-endian; 1: eight more bytes hold it; 0: to the end), type (4)."""
    at, seen = 0, set[bytes]()
    while at + 8 <= size:
        file.seek(at)
        head = file.read(16)
        length, kind = int.from_bytes(head[:4], "big"), head[4:8]
        if kind not in _BOXES and not kind.isalnum():
            break  # bytes that some cameras append
        if length == 1:
            length = int.from_bytes(head[8:16], "big")
        length = length or size - at
        seen.add(kind)
        if length < 8 or at + length > size:
            if kind not in _BOXES:
                break
            return f"is truncated: its {kind.decode()} box should end at byte {at + length}, the file ends at {size}"
        at += length
    return None if b"moov" in seen else "is truncated or damaged: its index (moov box) is missing, so the recording or the copy was cut off"


def _matroska(file: BinaryIO, size: int) -> str | None:
    """The EBML header, then one segment: each an id, a length and its content."""
    file.seek(4)
    length, at = _vint(file.read(8))
    file.seek(start := 4 + at + (length or 0))
    head = file.read(12)
    if head[:4] != _SEGMENT:
        return None  # FFmpeg will say
    length, at = _vint(head[4:])
    end = start + 4 + at + (length or 0)
    return f"is truncated: its segment should end at byte {end}, the file ends at {size}" if length and end > size else None


def _vint(data: bytes) -> tuple[int | None, int]:
    """An EBML length: the zero bits that it begins with tell its bytes. Returns the value, None for "unknown", and its own length."""
    width = 9 - data[0].bit_length() if data else 0
    if not 1 <= width <= min(8, len(data)):
        return None, max(width, 1)
    value = int.from_bytes(data[:width], "big") & ((1 << 7 * width) - 1)
    return (None if value == (1 << 7 * width) - 1 else value), width


def _avi(file: BinaryIO, size: int) -> str | None:
    """Chunks `RIFF` length (4 bytes, little-endian) type: one, and past 1 GB further ones."""
    at = 0
    while at + 12 <= size:
        file.seek(at)
        head = file.read(12)
        length = int.from_bytes(head[4:8], "little")
        if head[:4] != b"RIFF" or length in (0, 0xFFFFFFFF):  # a recorder that was switched off leaves these
            break
        at += 8 + length
        if at > size:
            return f"is truncated: its RIFF chunk should end at byte {at}, the file ends at {size}"
        at += length % 2
    return None
