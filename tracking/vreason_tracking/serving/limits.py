"""What a server takes at most, so that no request can wear it out."""

from __future__ import annotations

from dataclasses import dataclass, fields

from vreason.errors import ConfigError, ConfigIssue
from vreason.video import ClipLimits


@dataclass(frozen=True)
class ServingLimits:
    """Limits of a server; each is above 0.

    Attributes:
        queue: requests under way and waiting, for one model; one more is answered with 429.
        request_seconds: from the whole request to the whole answer; after that it is given up, with 504.
        body_bytes: of a request.
        body_seconds: that a client may take to send it, and its headers.
        video_seconds: a clip's duration.
        video_pixels: of all frames that are read of a clip, at full size.
        decode_seconds: that decoding one clip may take.
        videos: of one request.
        records: of one call of /invocations.
        connections: at a time.
    """

    queue: int = 64
    request_seconds: float = 300.0
    body_bytes: int = 96 * 2**20
    body_seconds: float = 30.0
    video_seconds: float = 3600.0
    video_pixels: float = 400e6
    decode_seconds: float = 30.0
    videos: int = 4
    records: int = 64
    connections: int = 512

    def __post_init__(self) -> None:
        wrong = [field.name for field in fields(self) if not getattr(self, field.name) > 0]
        if wrong:
            raise ConfigError([ConfigIssue(name, f"{getattr(self, name)} is not above 0") for name in wrong])

    @property
    def clip(self) -> ClipLimits:
        """What one clip may come to."""
        return ClipLimits(self.video_seconds, self.video_pixels)
