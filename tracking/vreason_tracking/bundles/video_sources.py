"""From what a caller names as a video, a path, a data: URI or a URL, to a file on this machine; or the reason why not.

Whoever asks may be hostile: paths lead out of folders by links, URLs into networks that only this machine sees, and what is called a video
may be a playlist that has the decoder read other files.
"""

from __future__ import annotations

import base64
import binascii
import math
import os
import re
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from urllib.parse import unquote, urlsplit

from vreason.errors import ConfigError, ConfigIssue, VideoError, VideoUnavailableError
from vreason_tracking.bundles.video_containers import CONTAINERS, is_container
from vreason_tracking.bundles.video_download import DownloadError, download
from vreason_tracking.bundles.video_hosts import HostName, host_name

ROOTS, HOSTS, MAX_BYTES = "VREASON_VIDEO_ROOTS", "VREASON_VIDEO_HOSTS", "VREASON_VIDEO_MAX_BYTES"
_DATA = re.compile(r"data:(?P<kind>[\w.+-]+/[\w.+-]+)?(?:;[\w.+-]+=[\w.+-]+)*(?P<encoded>;base64)?,", re.ASCII | re.IGNORECASE)
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):")
_SUFFIX = re.compile(r"(?:data:(?:video|image)/|https?:[^?#]*\.)(mp4|webm|ogg|gif|mov|mkv|avi|flv|mpg|wmv)(?:[;,?#]|$)", re.IGNORECASE)
_KINDS = re.compile(r"video/.*|image/gif|application/octet-stream")
_SHOWN = 80  # characters of what a caller sent that a message repeats
_LONGEST_PATH = 4096


class VideoRefusedError(VideoError):
    """A video that a caller may not name, or that is not taken as it is. The fault is the request's."""

    def __init__(self, video: str, reason: str) -> None:
        super().__init__(shown_video(video), reason)


@dataclass(frozen=True)
class VideoAccess:
    """Which videos a caller may name.

    Attributes:
        roots: folders below which paths are read; none refuses every path, None takes any (a program's own calls).
        hosts: from which URLs are fetched: "clips.example.org", "*.example.org" for all below it, with ":8443" for another port; none
            refuses every URL.
        max_bytes: of one video.
        seconds: that a download may take.
        private_addresses: whether hosts may have addresses of private networks, for a network that is closed as a whole.

    Raises:
        ConfigError: with everything wrong.
    """

    roots: tuple[Path, ...] | None = ()
    hosts: tuple[str, ...] = ()
    max_bytes: int = 64 * 2**20
    seconds: float = 20.0
    private_addresses: bool = False

    def __post_init__(self) -> None:
        issues = [
            ConfigIssue(f"roots.{place}", f"{str(root)!r} is no folder here; name one that is there")
            for place, root in enumerate(self.roots or ())
            if not root.is_dir()
        ]
        for place, host in enumerate(self.hosts):
            if host_name(host) is None:
                issues.append(ConfigIssue(f"hosts.{place}", f"{host!r} is no host; write clips.example.org, *.example.org or HOST:PORT"))
        if self.max_bytes < 1:
            issues.append(ConfigIssue("max_bytes", f"{self.max_bytes} is not at least 1"))
        if not 0 < self.seconds < math.inf:
            issues.append(ConfigIssue("seconds", f"{self.seconds} is not a number of seconds above 0"))
        if issues:
            raise ConfigError(issues)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str], *, served: bool) -> VideoAccess:
        """What VREASON_VIDEO_ROOTS (separated as in PATH), VREASON_VIDEO_HOSTS (by commas) and VREASON_VIDEO_MAX_BYTES say.

        Args:
            environment: of the process.
            served: whether others call: without roots they can then name no path, and a program's own calls any.

        Raises:
            ConfigError: a variable holds something else.
        """
        roots = [Path(each) for each in environment.get(ROOTS, "").split(os.pathsep) if each.strip()]
        hosts = [each.strip() for each in environment.get(HOSTS, "").split(",") if each.strip()]
        size = environment.get(MAX_BYTES, "").strip()
        if size and not (size.isdecimal() and len(size) < 19):
            raise ConfigError([ConfigIssue(MAX_BYTES, f"{size!r} is no number of bytes")])
        try:
            taken = tuple(roots) if roots or served else None
            return cls(taken, tuple(hosts), int(size) if size else cls.max_bytes)
        except ConfigError as error:
            names = {"roots": ROOTS, "hosts": HOSTS, "max_bytes": MAX_BYTES}
            issues = [ConfigIssue(names.get(issue.path.partition(".")[0], issue.path), issue.message) for issue in error.issues]
            raise ConfigError(issues) from None

    @property
    def host_names(self) -> list[HostName]:
        """The hosts, taken apart."""
        return [found for host in self.hosts if (found := host_name(host)) is not None]


def shown_video(video: str) -> str:
    """What a caller named, as a message may repeat it: one short line, without data and credentials.

    Up to the last @ anything may be a password, for there are slashes in some; queries hold keys and signatures.
    """
    text = video
    if data := text[:5].lower() == "data:":
        text = text[: _SHOWN + 1].partition(",")[0]
    elif start := re.match(r"\s*[A-Za-z][A-Za-z0-9+.-]+:[/\\]*|[^/]*//", text):
        _, at, rest = text[start.end() :].rpartition("@")
        text = start[0] + re.split(r"[?#]", f"***@{rest}" if at else rest, maxsplit=1)[0]
    text = "".join(letter if letter.isprintable() else "?" for letter in text[: _SHOWN + 1])
    return f"{text[:_SHOWN]},..." if data else text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


@contextmanager
def video_file(video: str, access: VideoAccess, folder: Path | None = None) -> Iterator[Path]:
    """The video as a file on this machine; a copy that was made for it is gone at the end of the block.

    Args:
        video: a path, a file: URI, a data: URI with base64, or an http(s) URL.
        access: what may be named.
        folder: for copies; None takes the system's own for temporary files.

    Raises:
        VideoRefusedError: it may not be named, or is not taken as it is.
        VideoUnavailableError: its host does not answer.
    """
    named = _SCHEME.match(video[:16])
    scheme = named[1].lower() if named else ""
    if scheme in ("", "file"):
        yield _path(video, _file_path(video) if scheme else video, access)
        return
    found = _SUFFIX.match(video[:_LONGEST_PATH])
    with NamedTemporaryFile(prefix="vreason-video-", suffix=f".{found[1].lower()}" if found else "", dir=folder) as copy:
        if scheme == "data":
            copy.write(_decoded(video, access))
        elif scheme in ("http", "https"):
            _fetch(video, access, copy)
        else:
            raise VideoRefusedError(video, f"addresses of the kind {scheme[:12]!r} are not taken; send a data: URI")
        copy.flush()
        _require_container(video, Path(copy.name))
        yield Path(copy.name)


def _file_path(video: str) -> str:
    try:
        parts = urlsplit(video)
    except ValueError:  # a bracket without its other
        raise VideoRefusedError(video, "is no address of a file; write file:///path") from None
    if parts.netloc not in ("", "localhost") or parts.query or parts.fragment:
        raise VideoRefusedError(video, "names another machine, or more than a path; write file:///path")
    return unquote(parts.path)


def _path(video: str, name: str, access: VideoAccess) -> Path:
    """The file behind a path. What lies outside of the roots and what is not there is refused in the same words."""
    if access.roots is None:
        return Path(name)
    if not access.roots:
        raise VideoRefusedError(
            video, "paths are not taken here; send the video itself as a data: URI, or allow a folder with --video-root"
        )
    if "\0" in name or len(name) > _LONGEST_PATH:
        raise VideoRefusedError(video, "is no path; send one of a file below the allowed folders")
    for root in access.roots:
        found = _below(root, name)
        if found is not None:
            _require_regular(video, found, access)
            _require_container(video, found)
            return found
    raise VideoRefusedError(video, "is no file below the folders that are allowed here (--video-root); check the path")


def _below(root: Path, name: str) -> Path | None:
    """The real path of a file, if it lies below a folder, links followed; None where it does not, or is not there."""
    try:
        real = Path(os.path.realpath(root / name, strict=True))
        return real if real.is_relative_to(Path(os.path.realpath(root))) and not real.is_dir() else None
    except (OSError, ValueError):
        return None


def _require_regular(video: str, path: Path, access: VideoAccess) -> None:
    """No pipe, which would be waited for, no device; and no more bytes than are taken."""
    try:
        found = path.stat()
    except OSError as error:
        raise VideoUnavailableError(shown_video(video), f"cannot be read now ({error.strerror}); ask again") from None
    if not stat.S_ISREG(found.st_mode):
        raise VideoRefusedError(video, "is no regular file; name a video")
    if found.st_size > access.max_bytes:
        raise VideoRefusedError(video, _too_large(f"{found.st_size:,}", access))


def _too_large(size: str, access: VideoAccess) -> str:
    return f"has {size} bytes, and {access.max_bytes:,} is the most that is taken here; send a smaller video"


def _require_container(video: str, path: Path) -> None:
    try:
        with path.open("rb") as file:
            known = is_container(file.read(400))
    except OSError as error:
        raise VideoUnavailableError(shown_video(video), f"cannot be read now ({error.strerror}); ask again") from None
    if not known:
        raise VideoRefusedError(video, f"is not a video in a container that is taken here ({CONTAINERS}); convert it, for example to MP4")


def _decoded(video: str, access: VideoAccess) -> bytes:
    found = _DATA.match(video[:400])
    if found is None or not found["encoded"]:
        raise VideoRefusedError(video, "is no data: URI with base64; write data:video/mp4;base64,AAAA...")
    if found["kind"] and not _KINDS.fullmatch(found["kind"].lower()):
        raise VideoRefusedError(video, f"holds {found['kind'][:40]}, which is no video; write data:video/mp4;base64,AAAA...")
    body = len(video) - found.end()
    if body // 4 * 3 > access.max_bytes * 1.05 + 1024:  # line breaks may be among it
        raise VideoRefusedError(video, _too_large(f"about {body // 4 * 3:,}", access))
    text = "".join(video[found.end() :].split()).replace("-", "+").replace("_", "/")
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise VideoRefusedError(video, f"holds no base64 ({error}); encode the file's bytes") from None
    if not data:
        raise VideoRefusedError(video, "is empty; send the file's bytes")
    if len(data) > access.max_bytes:
        raise VideoRefusedError(video, _too_large(f"{len(data):,}", access))
    return data


def _fetch(video: str, access: VideoAccess, copy: object) -> None:
    if not access.hosts:
        raise VideoRefusedError(video, "URLs are not taken here; send the video itself as a data: URI, or allow its host with --allow-host")
    try:
        download(video, copy, access.host_names, access.max_bytes, access.seconds, private=access.private_addresses)
    except DownloadError as error:
        if error.unavailable:
            raise VideoUnavailableError(shown_video(video), str(error)) from None
        raise VideoRefusedError(video, str(error)) from None
