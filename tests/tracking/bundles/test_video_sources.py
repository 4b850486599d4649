"""What a caller may name as a video: paths below the roots, data inside the request, URLs of allowed hosts; and nothing else."""

from __future__ import annotations

import base64
import os
from pathlib import Path

import pytest

from tests.helpers import clips
from vreason.errors import ConfigError
from vreason_tracking.bundles.video_containers import is_container
from vreason_tracking.bundles.video_sources import VideoAccess, VideoRefusedError, shown_video, video_file


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return clips.write_clip(tmp_path_factory.mktemp("clip") / "whole.mp4")


@pytest.fixture
def root(tmp_path: Path, clip: Path) -> Path:
    """A folder with a clip, beside a secret one."""
    folder = tmp_path / "videos"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "a.mp4").write_bytes(clip.read_bytes())
    (tmp_path / "secret.mp4").write_bytes(clip.read_bytes())
    return folder


def uri(path: Path, kind: str = "video/mp4") -> str:
    return f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"


def refusal(video: str, access: VideoAccess) -> str:
    with pytest.raises(VideoRefusedError) as caught, video_file(video, access):
        pass
    return caught.value.reason


def below(root: Path) -> list[str]:
    return [
        "deep/a.mp4",
        "./deep/../deep/a.mp4",
        str(root / "deep" / "a.mp4"),
        f"file://{root}/deep/a.mp4",
        f"file://localhost{root}/deep/a.mp4",
    ]


def test_paths_below_a_root(root: Path) -> None:
    """Relative, whole, and as file: URIs."""
    for name in below(root):
        with video_file(name, VideoAccess((root,))) as path:
            assert root / "deep" / "a.mp4" == path


def test_the_second_root(root: Path, tmp_path: Path) -> None:
    """Each is looked in."""
    (tmp_path / "empty").mkdir()
    with video_file("deep/a.mp4", VideoAccess((tmp_path / "empty", root))) as path:
        assert path.is_file()


def test_what_leads_out_is_not_there(root: Path, tmp_path: Path) -> None:
    """Dots, links, links of folders, other folders: refused in the words of a file that is not there."""
    (root / "link.mp4").symlink_to(tmp_path / "secret.mp4")
    (root / "out").symlink_to(tmp_path)
    (root / "loop").symlink_to(root / "loop")
    gone = refusal("gone.mp4", VideoAccess((root,)))
    names = [
        "../secret.mp4",
        "link.mp4",
        "out/secret.mp4",
        "loop",
        str(tmp_path / "secret.mp4"),
        "/etc/passwd",
        "deep",
        ".",
        "~",
        "deep/%2e%2e/a.mp4",
    ]
    names += [f"file://{tmp_path}/secret.mp4", f"file://{root}/%2e%2e/secret.mp4"]
    assert {gone} == {refusal(name, VideoAccess((root,))) for name in names}


@pytest.mark.parametrize("name", ["a\0b", "x" * 5000, "file://host/a.mp4", "file:///a?b", "x" * 300])
def test_no_paths(root: Path, name: str) -> None:
    """They are refused, and nothing breaks."""
    assert refusal(name, VideoAccess((root,)))


def test_pipes_and_devices(root: Path) -> None:
    """Nobody waits for them."""
    os.mkfifo(root / "pipe.mp4")
    assert "no regular file" in refusal("pipe.mp4", VideoAccess((root,)))


def test_without_roots(root: Path) -> None:
    """No path at all is taken; a program's own calls take any."""
    assert "paths are not taken here" in refusal(str(root / "deep/a.mp4"), VideoAccess())
    with video_file("/no/such/file", VideoAccess(roots=None)) as path:
        assert Path("/no/such/file") == path


def test_data(clip: Path, tmp_path: Path) -> None:
    """The bytes come whole, whatever the alphabet, and the copy is gone afterwards, also after an exception."""
    sent = uri(clip)
    for text in (
        sent,
        sent.replace("+", "-").replace("/", "_").replace("data:video_mp4", "data:video/mp4"),
        f"{sent[:60]}\n{sent[60:]}",
        sent.rstrip("="),
    ):
        with video_file(text, VideoAccess(), tmp_path) as path:
            assert clip.read_bytes() == path.read_bytes()
            assert 0o600 == path.stat().st_mode & 0o777
    with pytest.raises(KeyError), video_file(sent, VideoAccess(), tmp_path):
        raise KeyError
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("video", "words"),
    [
        ("data:video/mp4,abc", "no data: URI with base64"),
        ("data:", "no data: URI with base64"),
        ("data:image/png;base64,AAAA", "holds image/png"),
        ("data:video/mp4;base64,", "is empty"),
        ("data:video/mp4;base64,A*AA", "no base64"),
        ("data:video/mp4;base64,I0VYVE0zVQ==", "not a video in a container"),
        ("javascript:alert(1)", "not taken"),
        ("concat:a|b", "not taken"),
        ("rtsp://host/x", "not taken"),
        ("https://example.org/x.mp4", "URLs are not taken here"),
    ],
)
def test_refused(video: str, words: str) -> None:
    """In words that say what is taken."""
    assert words in refusal(video, VideoAccess())


def test_sizes(root: Path, clip: Path) -> None:
    """One byte more than is taken is too much, of a file and of data."""
    size = clip.stat().st_size
    for video in ("deep/a.mp4", uri(clip)):
        with video_file(video, VideoAccess((root,), max_bytes=size)):
            pass
        assert f"{size - 1:,} is the most" in refusal(video, VideoAccess((root,), max_bytes=size - 1))
    assert "is the most" in refusal("data:video/mp4;base64," + "A" * 400_000, VideoAccess(max_bytes=100_000))


def test_nothing_leaks(root: Path, clip: Path, tmp_path: Path) -> None:
    """After many refusals there are as many open files as before."""
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(50):
        for video in ("../x", "data:video/mp4;base64,I0VYVE0zVQ==", "data:,", "ftp://x"):
            refusal(video, VideoAccess((root,)))
    assert before == len(os.listdir("/proc/self/fd"))


@pytest.mark.parametrize("ending", [".mp4", ".mkv", ".webm", ".avi", ".mov"])
def test_real_containers(tmp_path: Path, ending: str) -> None:
    """What the test clips are made in is taken."""
    assert is_container(clips.write_clip(tmp_path / f"clip{ending}").read_bytes()[:400])


@pytest.mark.parametrize(
    "head",
    [
        b"#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:10,\nfile:///etc/passwd\n",
        b"ffconcat version 1.0\nfile /etc/passwd\n",
        b"<?xml version='1.0'?><MPD>",
        b"v=0\no=- 0 0 IN IP4 127.0.0.1\n",
        b"RIFF\0\0\0\0WAVE",
        b"",
        b"\0" * 400,
        b"G" + b"x" * 300,
    ],
)
def test_playlists_and_others(head: bytes) -> None:
    """Texts that have a decoder open other files, and what is no video, are not."""
    assert not is_container(head)


def test_a_message_shows_no_secret() -> None:
    """Neither data nor credentials, nor much of what was sent."""
    assert "data:video/mp4;base64,..." == shown_video("data:video/mp4;base64,QUJD")
    assert "hunter2" not in shown_video("https://user:hunter2@host/x.mp4")
    assert len(shown_video("x" * 5000)) < 100
    assert "\n" not in shown_video("a\nb\x1b[31m")


def test_environment(tmp_path: Path) -> None:
    """Roots, hosts and size; without roots a program may name any path, and a client none."""
    named = {
        "VREASON_VIDEO_ROOTS": f"{tmp_path}{os.pathsep}/tmp",
        "VREASON_VIDEO_HOSTS": "a.org, *.b.org",
        "VREASON_VIDEO_MAX_BYTES": "1000",
    }
    assert VideoAccess((tmp_path, Path("/tmp")), ("a.org", "*.b.org"), 1000) == VideoAccess.from_environment(named, served=True)
    assert (None, ()) == tuple(VideoAccess.from_environment({}, served=served).roots for served in (False, True))


@pytest.mark.parametrize(
    ("name", "value"), [("VREASON_VIDEO_ROOTS", "/no/such"), ("VREASON_VIDEO_HOSTS", "http://a"), ("VREASON_VIDEO_MAX_BYTES", "many")]
)
def test_wrong_environment(name: str, value: str) -> None:
    """The variable is named."""
    with pytest.raises(ConfigError, match=name):
        VideoAccess.from_environment({name: value}, served=False)
