"""The demo's clips as H.264 files: PyAV writes them, decord reads them back. Written once into a cache folder."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from vreason.demo.world import FPS, FRAMES, SIDE, DemoClip, render

_ENCODER = {"crf": "12", "preset": "veryfast", "threads": "1", "x264-params": "cpu-independent=1"}  # the same bytes everywhere
_EDITION = 1  # raise when the world or the encoder settings change: older files are then left alone


def cache_folder() -> Path:
    """Where clips are kept: VREASON_CACHE, or the user's cache folder."""
    root = os.environ.get("VREASON_CACHE") or os.path.join(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "vreason-track")
    return Path(root) / f"demo-{_EDITION}"


def write_clip(clip: DemoClip, path: Path) -> Path:
    """Write a clip as H.264 in MP4 unless it is there; through a temporary file, so that no reader ever sees half of one."""
    if path.exists():
        return path
    import av

    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.stem}.{os.getpid()}-{threading.get_ident()}.partial.mp4")
    with av.open(str(partial), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options=_ENCODER)
        stream.width = stream.height = SIDE
        stream.pix_fmt = "yuv420p"
        for pixels in render(clip, tuple(range(FRAMES))):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
    os.replace(partial, path)
    return path
