"""Which reader shows a clip, and its frames in memory that can be handed to another process.

decord reads where its frames are exactly those that the container presents; PyAV everything else. That a file is damaged is said only where
its container or the second reader's frames show it.
"""

from __future__ import annotations

import math
import mmap
import os
import tempfile
from collections.abc import Iterable, Sequence
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from vreason.video.av_clip import AvClip, OtherFramesError
from vreason.video.complaints import ErrorStream, damage
from vreason.video.config import ClipLimits, VideoConfig
from vreason.video.container import REENCODE, UnusableClip
from vreason.video.decord_clip import DecordClip
from vreason.video.frame_table import FrameTable, read_table
from vreason.video.frames import DECORD, PYAV, frame_indices

MEMORY_SHARE = 0.8  # of the free memory, for one clip's frames
NO_LIMITS = ClipLimits()
Memory = tuple[dict[str, Any], BinaryIO]


class TooLargeError(UnusableClip):
    """The frames do not fit into memory, or into the limits, whoever reads them."""


def read_clip(name: str, config: VideoConfig, complaints: ErrorStream, limits: ClipLimits = NO_LIMITS) -> Memory:
    """The frames that `config` asks for.

    Returns:
        What `VideoFrames` tells beside the pixels, with their `shape`; and memory, as a file, that holds the pixels.

    Raises:
        UnusableClip: why there are none.
    """
    table = read_table(name)
    complaints.take()  # of the probing: what is wrong shows again where frames are read
    if table.duration > limits.seconds:
        raise TooLargeError(f"is {table.duration:.1f} s long, and {limits.seconds:g} s is the most that is taken here; send a shorter clip")
    if table.suits_decord and (made := _by_decord(name, table, config, complaints, limits)) is not None:
        return made
    for _ in range(2):
        clip = AvClip(name, table, complaints)
        try:
            made = _filled(table, config, PYAV, lambda indices, clip=clip: clip.frames(indices), limits)
        except OtherFramesError:
            table = clip.played()
            complaints.take()
            continue
        except UnusableClip as error:
            raise UnusableClip(damage(complaints.take()) or str(error)) from None
        if fault := damage(complaints.take()):
            made[1].close()
            raise UnusableClip(fault)
        return made
    raise UnusableClip(f"cannot be decoded: it shows other frames each time; {REENCODE}")


def _by_decord(name: str, table: FrameTable, config: VideoConfig, complaints: ErrorStream, limits: ClipLimits) -> Memory | None:
    """None where decord does not show exactly what the table says, or complains."""
    try:
        made = _filled(table, config, DECORD, DecordClip(name, table).frames, limits)
    except TooLargeError:
        raise
    except UnusableClip:
        complaints.take()
        return None
    if damage(complaints.take()):
        made[1].close()
        return None
    return made


def _filled(table: FrameTable, config: VideoConfig, reader: str, source: Any, limits: ClipLimits) -> Memory:
    """Memory with the frames that `source` gives, and what is to be told of them."""
    indices = frame_indices(table.total, table.rate, config, table.times)
    frames: Iterable[NDArray[np.uint8]] = source(indices)
    pictures = iter(frames)
    first = next(pictures)
    shape = (len(indices), *first.shape)
    check_memory(shape, limits)
    memory = cast(BinaryIO, os.fdopen(os.memfd_create("frames"), "r+b") if hasattr(os, "memfd_create") else tempfile.TemporaryFile())  # noqa: SIM115
    try:
        memory.truncate(math.prod(shape))
        pixels = np.frombuffer(mmap.mmap(memory.fileno(), math.prod(shape)), dtype=np.uint8).reshape(shape)
        pixels[0] = first
        for slot, frame in enumerate(pictures, start=1):
            pixels[slot] = frame
    except BaseException:
        memory.close()
        raise
    told = {"indices": indices, "times": [float(table.times[index]) for index in indices], "shape": shape, "reader": reader}
    return {**told, "fps": table.rate, "total_frames": table.total, "duration": table.duration}, memory


def check_memory(shape: Sequence[int], limits: ClipLimits = NO_LIMITS) -> None:
    """Compare what frames need with what is free, and with what is allowed.

    Raises:
        TooLargeError: they need more than a share of it.
    """
    import psutil

    if (pixels := math.prod(shape[:3])) > limits.pixels:
        size = f"{shape[0]} frames of {shape[2]} x {shape[1]} are {pixels / 1e6:.1f} million pixels"
        raise TooLargeError(
            f"is too large: {size}, and {limits.pixels / 1e6:.1f} million is the most that is taken here; send a smaller clip"
        )

    needed, free = math.prod(shape), psutil.virtual_memory().available
    if needed > free * MEMORY_SHARE:
        size = f"{shape[0]} frames of {shape[2]} x {shape[1]} need {needed / 2**30:.1f} GiB, {free / 2**30:.1f} GiB are free"
        raise TooLargeError(f"does not fit into memory: {size}; ask for fewer frames (video.nframes, video.max_frames)")
