"""The demo's clips as H.264 files: PyAV writes them, decord reads them back. Written once into a cache folder."""

from __future__ import annotations

import os
import tempfile
import threading
import warnings
from contextlib import suppress
from pathlib import Path

from vreason.demo.world import FPS, FRAMES, SIDE, DemoClip, render
from vreason.errors import DataError
from vreason.home import temporary_folder

_ENCODER = {"crf": "12", "preset": "veryfast", "threads": "1", "x264-params": "cpu-independent=1"}  # the same bytes everywhere
_EDITION = 1  # raise when the world or the encoder settings change: older files are then left alone
_NAME = f"demo-{_EDITION}"
_ADVICE = "set VREASON_CACHE to a folder that may be written to"


def cache_folder() -> Path:
    """Where clips are kept: VREASON_CACHE, or the user's cache folder; without a home that may be written to, a temporary folder of this
    user's, with a warning.

    Raises:
        DataError: VREASON_CACHE, or that temporary folder, cannot be used.
    """
    if named := os.environ.get("VREASON_CACHE"):
        return _made(Path(named) / _NAME)
    folder = Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")) / "vreason-track" / _NAME
    try:
        if not folder.is_absolute():
            raise DataError(f"there is no home folder for the demo's clips; {_ADVICE}")
        return _made(folder)
    except DataError as fault:
        reason = fault
    try:
        own = temporary_folder() / _NAME
    except OSError as fault:
        raise DataError(f"{reason}. Nor can a temporary folder be used: {fault}") from fault
    warnings.warn(f"{reason}. Until then it is {own}", RuntimeWarning, stacklevel=2)
    return _made(own)


def _made(folder: Path) -> Path:
    """The folder, which is there from now on.

    Raises:
        DataError: it cannot be made, or not be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not any(folder.iterdir()):  # a cache that is only read is complete, or the clip that it lacks says so
            tempfile.TemporaryFile(dir=folder).close()
    except OSError as fault:
        raise _no_place(folder, fault) from fault
    return folder


def _no_place(folder: Path, fault: OSError) -> DataError:
    return DataError(f"the demo's clips cannot be kept in {folder}: {fault.strerror or fault}; {_ADVICE}")


def write_clip(clip: DemoClip, path: Path) -> Path:
    """Write a clip as H.264 in MP4 unless it is there; through a temporary file, so that no reader ever sees half of one.

    Raises:
        DataError: it cannot be written.
    """
    if path.exists():
        return path
    partial = path.with_name(f".{path.stem}.{os.getpid()}-{threading.get_ident()}.partial.mp4")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _encode(clip, partial)
        os.replace(partial, path)
    except OSError as fault:
        with suppress(OSError):
            partial.unlink()
        raise _no_place(path.parent, fault) from fault
    return path


def _encode(clip: DemoClip, path: Path) -> None:
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options=_ENCODER)
        stream.width = stream.height = SIDE
        stream.pix_fmt = "yuv420p"
        for pixels in render(clip, tuple(range(FRAMES))):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
