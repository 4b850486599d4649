"""URLs: from hosts that are allowed, at public addresses, within size and time, whatever the other side does."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import clips
from vreason.errors import VideoUnavailableError
from vreason_tracking.bundles.video_download import DownloadError, HostName, download, host_name, is_public
from vreason_tracking.bundles.video_sources import VideoAccess, VideoRefusedError, video_file

DATA = bytes(range(256)) * 40


class Handler(BaseHTTPRequestHandler):
    """Pages of every kind of misbehaviour."""

    def do_GET(self) -> None:
        getattr(self, f"page_{self.path.strip('/').split('?')[0]}", self.page_whole)()

    def _send(self, status: int = 200, body: bytes = DATA, **headers: Any) -> None:
        self.send_response(status)
        for name, value in {"Content_Length": len(body), **headers}.items():
            if value is not None:
                self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()
        self.wfile.write(body)

    def page_whole(self) -> None:
        self._send()

    def page_unannounced(self) -> None:
        self._send(Content_Length=None)

    def page_longer(self) -> None:
        self._send(Content_Length=len(DATA) + 5)

    def page_huge(self) -> None:
        self._send(Content_Length=10**12)

    def page_gzip(self) -> None:
        self._send(Content_Encoding="gzip")

    def page_missing(self) -> None:
        self._send(404, b"")

    def page_broken(self) -> None:
        self._send(500, b"")

    def page_onward(self) -> None:
        self._send(302, b"", Location="/whole")

    def page_loop(self) -> None:
        self._send(302, b"", Location="/loop")

    def page_nowhere(self) -> None:
        self._send(302, b"")

    def page_elsewhere(self) -> None:
        self._send(302, b"", Location="http://other.example/x")

    def page_file(self) -> None:
        self._send(302, b"", Location="file:///etc/passwd")

    def page_drip(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        try:
            for _ in range(100):
                self.wfile.write(b"x")
                self.wfile.flush()
                time.sleep(0.1)
        except OSError:
            return

    def page_slowhead(self) -> None:
        try:
            for letter in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"a" * 200:
                self.wfile.write(bytes([letter]))
                self.wfile.flush()
                time.sleep(0.1)
        except OSError:
            return

    def log_message(self, *_: Any) -> None:
        """Quiet."""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()


def fetched(port: int, page: str, most: int = 10**6, seconds: float = 5.0, host: str = "localhost", private: bool = True) -> bytes:
    target = BytesIO()
    download(f"http://{host}:{port}/{page}", target, [HostName(host, port, False)], most, seconds, private=private)
    return target.getvalue()


@pytest.mark.parametrize("page", ["whole", "unannounced", "onward", "whole?a=b"])
def test_fetched(port: int, page: str) -> None:
    """Whole, with a length or without, and where it was redirected to."""
    assert DATA == fetched(port, page)


@pytest.mark.parametrize(
    ("page", "words", "unavailable"),
    [
        ("longer", "came to", True),
        ("huge", "is the most", False),
        ("gzip", "compressed", False),
        ("missing", "status 404", False),
        ("broken", "status 500", True),
        ("loop", "redirected more than", False),
        ("nowhere", "redirected to nowhere", False),
        ("elsewhere", "host that is not allowed", False),
        ("file", "no http or https", False),
    ],
)
def test_refused(port: int, page: str, words: str, unavailable: bool) -> None:
    """Each for its own reason; what says nothing of the request may be asked again."""
    with pytest.raises(DownloadError, match=words) as caught:
        fetched(port, page)
    assert unavailable == caught.value.unavailable


@pytest.mark.parametrize("page", ["whole", "unannounced"])
def test_size(port: int, page: str) -> None:
    """As many bytes as are taken, and not one more."""
    assert DATA == fetched(port, page, len(DATA))
    with pytest.raises(DownloadError, match=r"(is the most|the most that is taken)"):
        fetched(port, page, len(DATA) - 1)


@pytest.mark.parametrize("page", ["drip", "slowhead"])
def test_slow(port: int, page: str) -> None:
    """A byte now and then, of the body or of the headers, does not outlast the time."""
    began = time.monotonic()
    with pytest.raises(DownloadError, match="time"):
        fetched(port, page, seconds=1.0)
    assert time.monotonic() - began < 2.5


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0", "2130706433", "0x7f.1", "017700000001"])
def test_this_machine(port: int, host: str) -> None:
    """However it is spelt, also where somebody has allowed the name."""
    with pytest.raises(DownloadError, match=r"private network|looked up"):
        fetched(port, "whole", host=host, private=False)


def answering(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    def answer(host: str, port: int, **_: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", answer)


def test_a_name_that_leads_inside(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """One private address among public ones is enough to refuse a name."""
    answering(monkeypatch, "93.184.216.34", "10.0.0.1")
    with pytest.raises(DownloadError, match="private network"):
        fetched(port, "whole", host="clips.example", private=False)


def test_the_address_that_was_looked_at(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The name is looked up once: an answer that changes leads nowhere."""
    calls: list[str] = []
    system = socket.getaddrinfo

    def answer(host: str, *rest: Any, **named: Any) -> Any:
        if host == "clips.example":
            calls.append(host)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1" if len(calls) == 1 else "10.0.0.1", port))]
        return system(host, *rest, **named)

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    assert DATA == fetched(port, "whole", host="clips.example")
    assert ["clips.example"] == calls


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "fc00::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "2002:7f00:1::",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "ff02::1",
        "text",
    ],
)
def test_private_addresses(address: str) -> None:
    """Of this machine, of networks at home, of clouds' metadata; also inside an IPv6 address."""
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "1.1.1.1", "2606:4700:4700::1111", "::ffff:1.1.1.1"])
def test_public_addresses(address: str) -> None:
    """Are taken."""
    assert is_public(address)


@pytest.mark.parametrize(
    ("text", "allowed", "refused"),
    [
        ("clips.example.org", ["clips.example.org"], ["example.org", "x.clips.example.org", "clips.example.org.evil"]),
        ("*.example.org", ["a.example.org", "a.b.example.org"], ["example.org", "badexample.org"]),
        ("Clips.Example.org.", ["clips.example.org"], []),
        ("bücher.example", ["xn--bcher-kva.example"], []),
    ],
)
def test_host_names(text: str, allowed: list[str], refused: list[str]) -> None:
    """As DNS compares them."""
    name = host_name(text) if text.isascii() else HostName("xn--bcher-kva.example", None, False)
    assert name is not None
    assert all(name.allows(host, 443, "https") for host in allowed)
    assert not any(name.allows(host, 443, "https") for host in refused)
    assert not name.allows(allowed[0], 8443, "https")


@pytest.mark.parametrize("text", ["", "http://a", "a/b", "a b", "a:0", "a:99999", "*", "user@host"])
def test_no_host_names(text: str) -> None:
    """They are none."""
    assert host_name(text) is None


@pytest.mark.parametrize(
    "url",
    [
        "http://user:pw@localhost/x",
        "http://localhost:99999/",
        "http:///x",
        "https://localhost\\@evil/",
        "http://loc alhost/",
        "HTTP://[::1/x",
    ],
)
def test_odd_addresses(url: str) -> None:
    """Refused before anything is looked up."""
    with pytest.raises(DownloadError):
        download(url, BytesIO(), [HostName("localhost", None, False)], 10, 1.0, private=True)


def test_through_video_file(port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clip of an allowed host is a file for as long as it is needed; what is no container is refused; who is away is away."""
    clip = clips.write_clip(tmp_path / "clip.mp4")
    monkeypatch.setattr(Handler, "page_clip", lambda self: self._send(body=clip.read_bytes()), raising=False)
    access = VideoAccess(hosts=(f"localhost:{port}",), private_addresses=True)
    with video_file(f"http://localhost:{port}/clip", access) as path:
        assert clip.read_bytes() == path.read_bytes()
    assert not path.exists()
    with pytest.raises(VideoRefusedError, match="not a video"), video_file(f"http://localhost:{port}/whole", access):
        pass
    with pytest.raises(VideoUnavailableError), video_file(f"http://localhost:{port}/broken", access):
        pass


def test_nobody_answers(unused: Callable[[], int]) -> None:
    """A closed port is a reason that says nothing of the request."""
    with pytest.raises(DownloadError) as caught:
        fetched(unused(), "whole")
    assert caught.value.unavailable


@pytest.fixture
def unused() -> Callable[[], int]:
    from tests.helpers.ports import free_port

    return free_port
