"""What a caller may name as a video: paths below the roots, data inside the request, URLs of allowed hosts; and nothing else."""

from __future__ import annotations

import base64
import os
import socket
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


@pytest.mark.parametrize("name", ["a\0b", "x" * 5000, "file://host/a.mp4", "file://[/a.mp4", "file:///a?b", "x" * 300, "\ud800"])
def test_no_paths(root: Path, name: str) -> None:
    """They are refused, and nothing breaks."""
    assert refusal(name, VideoAccess((root,)))


def test_pipes_and_devices(root: Path) -> None:
    """Nobody waits for them."""
    os.mkfifo(root / "pipe.mp4")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(root / "s"))
        for name in ("pipe.mp4", f"file://{root}/pipe.mp4", "s"):
            assert "no regular file" in refusal(name, VideoAccess((root,)))
    assert "no regular file" in refusal("null", VideoAccess((Path("/dev"),)))


def test_a_playlist_below_a_root(root: Path) -> None:
    """It is refused, although it lies where it may."""
    (root / "list.mp4").write_text("#EXTM3U\n#EXTINF:10,\nfile:///etc/passwd\n")
    assert "not a video in a container" in refusal("list.mp4", VideoAccess((root,)))


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
    ("kind", "ending"),
    [("video/mp4", ".mp4"), ("VIDEO/WebM", ".webm"), ("image/gif", ".gif"), ("application/octet-stream", ""), ("", ""), ("video/sh", "")],
)
def test_kinds_of_data(clip: Path, kind: str, ending: str) -> None:
    """Kinds of video are taken, however they are written, and the copy is called by those that are known."""
    with video_file(uri(clip, kind).replace("data:", "DATA:"), VideoAccess()) as path:
        assert ending == path.suffix


@pytest.mark.parametrize(
    ("video", "words"),
    [
        ("data:video/mp4,abc", "no data: URI with base64"),
        ("data:", "no data: URI with base64"),
        ("data:image/png;base64,AAAA", "holds image/png"),
        ("data:video/mp4;base64,", "is empty"),
        ("data:video/mp4;base64,A*AA", "no base64"),
        ("data:video/mp4;base64,I0VYVE0zVQ==", "not a video in a container"),
        ("http://[::1/x.mp4", "URLs are not taken here"),
        ("http://[2606:4700:4700::1111]/x.mp4", "URLs are not taken here"),
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
    """After many refusals there are as many open files as before, and no copies."""
    copies = tmp_path / "copies"
    copies.mkdir()
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(50):
        for video in ("../x", "data:video/mp4;base64,I0VYVE0zVQ==", "data:,", "ftp://x"):
            with pytest.raises(VideoRefusedError), video_file(video, VideoAccess((root,)), copies):
                pass
    assert [] == list(copies.iterdir())
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
    assert "https://***@host/x.mp4" == shown_video("https://user:hunter2@host/x.mp4")
    assert "https://host/x.mp4" == shown_video("https://host/x.mp4?signature=hunter2")
    assert "a@b?.mp4" == shown_video("a@b?.mp4")
    for start in ("https://user:hun/hunter2", "https://user:hunter2?", " http:user:hunter2", "//user:hunter2", "http:\\\\user:hunter2#"):
        assert "hunter2" not in shown_video(f"{start}@host/x.mp4")
    for text in ("x" * 5000, "data:" + "x" * 5000, "//" * 5000):
        assert len(shown_video(text)) < 100
    for text in ("a\nb\x1b[31m", "data:a\nb\x1b[31m\ud800"):
        assert shown_video(text).isprintable()


@pytest.mark.parametrize(
    "video",
    [
        "data:image/" + "x" * 300 + ";base64,AAAA",
        "http://a.org:" + "x" * 500 + "/",
        "https://" + "x" * 500 + ".org/",
        "abcdefghijklmnopq:" * 99,
    ],
)
def test_a_message_repeats_little(video: str) -> None:
    """Of what was sent, however long it is."""
    with pytest.raises(VideoRefusedError) as caught, video_file(video, VideoAccess(hosts=("a.org",))):
        pass
    assert len(str(caught.value)) < 260


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
    ("name", "value"),
    [
        ("VREASON_VIDEO_ROOTS", "/no/such"),
        ("VREASON_VIDEO_HOSTS", "http://a"),
        ("VREASON_VIDEO_MAX_BYTES", "many"),
        ("VREASON_VIDEO_MAX_BYTES", "0"),
        ("VREASON_VIDEO_MAX_BYTES", "9" * 5000),
    ],
)
def test_wrong_environment(name: str, value: str) -> None:
    """The variable is named."""
    with pytest.raises(ConfigError, match=name):
        VideoAccess.from_environment({name: value}, served=False)


def test_everything_wrong_at_once() -> None:
    """Each with its path."""
    with pytest.raises(ConfigError) as caught:
        VideoAccess((Path("/tmp"), Path("/no/such")), ("a.org", "a b"), 0, 0.0)
    assert ["roots.1", "hosts.1", "max_bytes", "seconds"] == [issue.path for issue in caught.value.issues]
