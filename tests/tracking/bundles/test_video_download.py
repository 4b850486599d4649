"""URLs: from hosts that are allowed, at public addresses, within size and time, whatever the other side does."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from werkzeug.serving import make_ssl_devcert

from tests.helpers import clips
from vreason.errors import VideoUnavailableError
from vreason_tracking.bundles import video_download
from vreason_tracking.bundles.video_download import DownloadError, download
from vreason_tracking.bundles.video_hosts import HostName, is_public
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

    def page_shorter(self) -> None:
        self._send(Content_Length=len(DATA) - 5)

    def page_huge(self) -> None:
        self._send(Content_Length=10**12)

    def page_gzip(self) -> None:
        self._send(Content_Encoding="gzip")

    def page_twice(self) -> None:
        self.send_response(200)
        self.send_header("Content-Encoding", "identity")
        self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        self.wfile.write(DATA)

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

    def page_bracket(self) -> None:
        self._send(302, b"", Location="http://[x")

    def page_named(self) -> None:
        self._send(body=self.headers["Host"].encode())

    def page_file(self) -> None:
        self._send(302, b"", Location="file:///etc/passwd")

    def page_drip(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self._drip(b"x" * 100)

    def page_endless(self) -> None:
        self.send_response(200)
        self.end_headers()
        self._drip(b"x" * 100)

    def page_slowchunk(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        self._drip(b"0" * 100)

    def page_slowhead(self) -> None:
        self._drip(b"HTTP/1.1 200 OK\r\nX-Slow: " + b"a" * 200)

    def _drip(self, data: bytes) -> None:
        try:
            for letter in data:
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


@pytest.fixture(scope="module")
def secure_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, str]]:
    """The same server behind TLS, and the certificate that it shows, of localhost."""
    certificate, key = make_ssl_devcert(str(tmp_path_factory.mktemp("tls") / "server"), host="localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1], certificate
    server.shutdown()
    server.server_close()


def fetched(
    port: int, page: str, most: int = 10**6, seconds: float = 5.0, host: str = "localhost", private: bool = True, scheme: str = "http"
) -> bytes:
    target = BytesIO()
    named = [HostName(host.strip("[]"), port, False)]
    download(f"{scheme}://{host}:{port}/{page}", target, named, most, seconds, private=private)
    return target.getvalue()


@pytest.mark.parametrize("page", ["whole", "unannounced", "onward", "whole?a=b", "whole?ü=%20", "überall"])
def test_fetched(port: int, page: str) -> None:
    """Whole, with a length or without, and where it was redirected to; what is not ASCII is written with percent signs."""
    assert DATA == fetched(port, page)


def test_no_more_than_announced(port: int) -> None:
    """What comes after the announced end is not taken."""
    assert DATA[:-5] == fetched(port, "shorter")


def test_no_proxy_is_asked(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would look the name up anew: the environment's is passed by."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert DATA == fetched(port, "whole")


@pytest.mark.parametrize(("host", "named"), [("localhost", "localhost"), ("[::1]", "[::1]")])
def test_host_header(port: int, monkeypatch: pytest.MonkeyPatch, host: str, named: str) -> None:
    """The host as a URL writes it, brackets included."""
    answering(monkeypatch, "127.0.0.1")
    assert f"{named}:{port}".encode() == fetched(port, "named", host=host)


def test_secure(secure_port: tuple[int, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A certificate has to be trusted, and to be of the host that the URL names."""
    port, certificate = secure_port
    with pytest.raises(DownloadError, match="SSLCertVerificationError"):
        fetched(port, "whole", scheme="https")
    monkeypatch.setenv("SSL_CERT_FILE", certificate)
    assert DATA == fetched(port, "whole", scheme="https")
    answering(monkeypatch, "127.0.0.1")
    with pytest.raises(DownloadError, match="SSLCertVerificationError"):
        fetched(port, "whole", scheme="https", host="clips.example")


@pytest.mark.parametrize(
    ("page", "words", "unavailable"),
    [
        ("longer", "came to", True),
        ("huge", "is the most", False),
        ("gzip", "compressed", False),
        ("twice", "compressed", False),
        ("bracket", "redirected to what is no address", False),
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


def late(fetch: Callable[[], bytes]) -> None:
    began = time.monotonic()
    with pytest.raises(DownloadError, match="time") as caught:
        fetch()
    assert time.monotonic() - began < 3
    assert caught.value.unavailable


@pytest.mark.parametrize("page", ["drip", "endless", "slowhead", "slowchunk"])
def test_slow(port: int, page: str) -> None:
    """A byte now and then, of the body, the headers or a chunk's length, does not outlast the time; what came by then is not whole."""
    late(lambda: fetched(port, page, seconds=0.6))


@pytest.mark.parametrize("page", ["drip", "endless", "slowhead", "slowchunk"])
def test_slow_and_secure(secure_port: tuple[int, str], monkeypatch: pytest.MonkeyPatch, page: str) -> None:
    """Nor where the connection is encrypted."""
    monkeypatch.setenv("SSL_CERT_FILE", secure_port[1])
    late(lambda: fetched(secure_port[0], page, seconds=0.6, scheme="https"))


def test_slow_handshake() -> None:
    """Nor where the encryption itself is never agreed on: a record's bytes come one by one."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            channel, _ = server.accept()
            with channel, contextlib.suppress(OSError):
                for byte in b"\x16\x03\x03\x40\x00" + bytes(100):
                    channel.sendall(bytes([byte]))
                    time.sleep(0.1)

        threading.Thread(target=answer, daemon=True).start()
        late(lambda: fetched(server.getsockname()[1], "", seconds=0.6, scheme="https"))


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "[::1]", "[::ffff:7f00:1]", "0.0.0.0", "2130706433", "0x7f.1", "017700000001", "0177.0.0.1", "127.1"],
)
def test_this_machine(port: int, host: str) -> None:
    """However it is spelt, also where somebody has allowed the name."""
    with pytest.raises(DownloadError, match=r"private network|looked up"):
        fetched(port, "whole", host=host, private=False)


def answering(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    def answer(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", answer)


@pytest.mark.parametrize(
    ("host", "addresses"),
    [("clips.example", ["93.184.216.34", "10.0.0.1"]), ("127.0.0.1.nip.io", ["127.0.0.1"]), ("a.example", ["fe80::1%2"])],
)
def test_a_name_that_leads_inside(port: int, monkeypatch: pytest.MonkeyPatch, host: str, addresses: list[str]) -> None:
    """One private address among public ones is enough to refuse a name."""
    answering(monkeypatch, *addresses)
    with pytest.raises(DownloadError, match="private network"):
        fetched(port, "whole", host=host, private=False)


def test_a_redirect_that_leads_inside(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second host is allowed as well, and its address is looked at like the first one's.

    No public server can be asked here, so this machine's address stands for one.
    """
    system = socket.getaddrinfo
    inside = {"inside.example": "10.0.0.1", "outside.example": "127.0.0.1"}
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *rest, **named: system(inside.get(host, host), *rest, **named))
    monkeypatch.setattr(video_download, "is_public", lambda address: address == "127.0.0.1" or is_public(address))
    monkeypatch.setattr(Handler, "page_inside", lambda self: self._send(302, b"", Location=f"http://inside.example:{port}/"), raising=False)
    hosts = [HostName(name, port, False) for name in inside]
    download(f"http://outside.example:{port}/whole", BytesIO(), hosts, 10**6, 5.0)
    with pytest.raises(DownloadError, match="private network"):
        download(f"http://outside.example:{port}/inside", BytesIO(), hosts, 10**6, 5.0)


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
    "url",
    [
        "http://user:pw@localhost/x",
        "http://localhost:99999/",
        "http:///x",
        "https://localhost\\@evil/",
        "http://loc alhost/",
        "HTTP://[::1/x",
        "http://localhost:hunter2/",
        "http://a:hunter2@a\u2100b/",
        "http://localhost/\ud800",
    ],
)
def test_odd_addresses(url: str) -> None:
    """Refused before anything is looked up."""
    with pytest.raises(DownloadError) as caught:
        download(url, BytesIO(), [HostName("localhost", None, False)], 10, 1.0, private=True)
    assert not caught.value.unavailable
    assert "hunter2" not in str(caught.value)


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


def test_nothing_leaks(port: int, tmp_path: Path) -> None:
    """After many downloads that fail there are as many open files as before, and no copies."""
    access = VideoAccess(hosts=(f"localhost:{port}",), private_addresses=True, max_bytes=10**5)
    before = len(os.listdir("/proc/self/fd"))
    for page in ("whole", "gzip", "longer", "loop", "missing") * 10:
        with pytest.raises((VideoRefusedError, VideoUnavailableError)), video_file(f"http://localhost:{port}/{page}", access, tmp_path):
            pass
    assert [] == list(tmp_path.iterdir())
    until(lambda: before >= len(os.listdir("/proc/self/fd")))  # the server's ends close a little later


def until(met: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 2
    while not met():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def unused() -> Callable[[], int]:
    from tests.helpers.ports import free_port

    return free_port
