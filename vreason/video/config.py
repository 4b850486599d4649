"""Which frames of a clip the model sees, as settings; loads without numpy, decord and torch."""

from __future__ import annotations

import math
from dataclasses import dataclass

from vreason.config_checks import check_number, check_order, shown
from vreason.errors import ConfigError, ConfigIssue


@dataclass(frozen=True)
class VideoConfig:
    """Which frames of a clip the model sees. Exactly one of `nframes` and `fps` is set.

    Attributes:
        nframes: this many frames, spread evenly over the clip, its first and last included; rounded down to an even number.
        fps: instead, this many frames a second of clip, within `min_frames` and `max_frames`.
        min_frames, max_frames: bounds for `fps`.
        min_pixels, max_pixels: bounds of a frame's area after the processor's resizing; frames are read at full size.
        timeout: seconds that one file may take to decode.

    Raises:
        ConfigError: with everything wrong.
    """

    nframes: int | None = 16
    fps: float | None = None
    min_frames: int = 4
    max_frames: int = 768
    min_pixels: int = 28 * 28 * 4
    max_pixels: int = 128 * 28 * 28
    timeout: float = 60.0

    def issues(self, path: str = "video") -> list[ConfigIssue]:
        """Everything wrong with these settings, each issue under its own path below `path`."""
        return [
            *check_number(f"{path}.nframes", self.nframes, 1, whole=True, or_null=True),
            *check_number(f"{path}.fps", self.fps, 1e-3, 1000, or_null=True),
            *check_number(f"{path}.min_frames", self.min_frames, 1, whole=True),
            *check_number(f"{path}.max_frames", self.max_frames, 1, whole=True),
            *check_number(f"{path}.min_pixels", self.min_pixels, 1, whole=True),
            *check_number(f"{path}.max_pixels", self.max_pixels, 1, whole=True),
            *check_number(f"{path}.timeout", self.timeout, 1e-3, 86_400),
            *self._choice_issues(path),
            *check_order(path, "min_frames", self.min_frames, "max_frames", self.max_frames),
            *check_order(path, "min_pixels", self.min_pixels, "max_pixels", self.max_pixels),
        ]

    def _choice_issues(self, path: str) -> list[ConfigIssue]:
        """One issue unless exactly one of `nframes` and `fps` is set."""
        if (self.nframes is None) != (self.fps is None):
            return []
        which = "neither is set" if self.fps is None else "both are set"
        given = f"{shown(self.nframes)} beside fps {shown(self.fps)}"
        return [ConfigIssue(f"{path}.nframes", f"{given}: {which}; give one of the two, and null for the other")]

    def __post_init__(self) -> None:
        if found := self.issues():
            raise ConfigError(found)
        # 2 and 2.0 frames a second are one setting: it is recorded, compared and digested in one form
        for name in ("fps", "timeout"):
            if (value := getattr(self, name)) is not None:
                object.__setattr__(self, name, float(value))


@dataclass(frozen=True)
class ClipLimits:
    """What a clip may come to, where somebody else chooses it.

    Attributes:
        seconds: its duration.
        pixels: of all frames that are read of it together, at full size.
    """

    seconds: float = math.inf
    pixels: float = math.inf
