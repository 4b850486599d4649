"""Fetches a video from a host that is allowed, and from nowhere else.

The host's addresses are looked up once, each has to be public, and the connection goes to one of those that were looked at: a name that
answers otherwise the second time leads nowhere. Redirects are followed by hand, each through the same checks.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from vreason_tracking.bundles.video_hosts import PORTS, HostName, is_public, normalised

_REDIRECTS = 3
_PIECE = 64 * 1024
_KEPT = "%/:=&?~+!$,;'@()*[]|"  # of a URL's path and query; what else is not ASCII is written with percent signs


class DownloadError(Exception):
    """Nothing was fetched. `unavailable`: for a reason that says nothing about the request."""

    def __init__(self, reason: str, *, unavailable: bool = False) -> None:
        super().__init__(reason)
        self.unavailable = unavailable


def download(url: str, target: Any, hosts: Sequence[HostName], max_bytes: int, seconds: float, *, private: bool = False) -> None:
    """Write what a URL leads to into an open file.

    Args:
        url: http or https.
        target: takes the bytes.
        hosts: that are allowed.
        max_bytes: of the body.
        seconds: for everything together.
        private: whether addresses of private networks are taken.

    Raises:
        DownloadError: it is refused, or does not answer.
    """
    deadline = time.monotonic() + seconds
    for _ in range(_REDIRECTS + 1):
        parts, host, port = _taken_apart(url, hosts)
        address = _public_address(host, port, deadline, private=private)
        onward = _get(parts, host, port, address, target, max_bytes, deadline)
        if onward is None:
            return
        try:
            url = urljoin(url, onward)
        except ValueError:
            raise DownloadError("is redirected to what is no address; give the address that it leads to") from None
    raise DownloadError(f"is redirected more than {_REDIRECTS} times; give the address that it leads to")


def _taken_apart(url: str, hosts: Sequence[HostName]) -> tuple[SplitResult, str, int]:
    try:
        parts = urlsplit(url)
        port = parts.port or PORTS.get(parts.scheme.lower(), 0)
        parts = parts._replace(path=quote(parts.path, safe=_KEPT), query=quote(parts.query, safe=_KEPT))
    except ValueError:  # its words repeat parts of the address, a password among them
        raise DownloadError("is no address; write https://host/path") from None
    scheme, host = parts.scheme.lower(), normalised(parts.hostname or "")
    if scheme not in PORTS or not host or any(letter <= " " or letter == "\\" for letter in url):
        raise DownloadError("leads to what is no http or https address; give one")
    if parts.username is not None or parts.password is not None:
        raise DownloadError("holds a user or a password, which is not taken; give an address without")
    if not any(each.allows(host, port, scheme) for each in hosts):
        raise DownloadError("leads to a host that is not allowed here; send the video as a data: URI, or allow its host with --allow-host")
    return parts, host, port


def _public_address(host: str, port: int, deadline: float, *, private: bool) -> str:
    """One of the host's addresses; every one of them is looked at, for the operating system might take any."""
    found = _resolved(host, port, deadline)
    addresses = list(dict.fromkeys(str(entry[4][0]).partition("%")[0] for entry in found))
    if not private and any(not is_public(address) for address in addresses):
        raise DownloadError("leads to an address of a private network, which is not taken; send the video as a data: URI")
    return addresses[0]


def _resolved(host: str, port: int, deadline: float) -> Sequence[Any]:
    """The system's own look-up cannot be given a time, so it runs beside."""
    answers: list[Any] = []

    def ask() -> None:
        try:
            answers.append(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            answers.append(error)

    asking = threading.Thread(target=ask, name="resolve", daemon=True)
    asking.start()
    asking.join(max(0.0, deadline - time.monotonic()))
    answer = answers[0] if answers else TimeoutError()
    if isinstance(answer, BaseException) or not answer:
        raise DownloadError("its host's name cannot be looked up; check it, and ask again", unavailable=True)
    found: Sequence[Any] = answer
    return found


def _get(parts: SplitResult, host: str, port: int, address: str, target: Any, max_bytes: int, deadline: float) -> str | None:
    """Fetch; where it is redirected, return where to."""
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    named = f"[{host}]" if ":" in host else host
    named += "" if port == PORTS[parts.scheme.lower()] else f":{port}"
    try:
        with _connected(parts.scheme.lower(), host, address, port, deadline) as channel:
            connection = http.client.HTTPConnection(host, port)
            connection.sock = channel
            connection.request("GET", path, headers={"Host": named, "Accept-Encoding": "identity", "User-Agent": "vreason-track"})
            with connection.getresponse() as answer:
                return _body(answer, target, max_bytes, deadline)
    except (http.client.HTTPException, OSError, ValueError) as error:
        late = time.monotonic() >= deadline or isinstance(error, TimeoutError)
        what = "does not answer in time" if late else f"cannot be fetched ({type(error).__name__})"
        raise DownloadError(f"{what}; check the address, and ask again", unavailable=True) from None


@contextmanager
def _connected(scheme: str, host: str, address: str, port: int, deadline: float) -> Iterator[socket.socket]:
    """A connection to the address that was looked at; it is cut at the deadline, whatever the other side does. A certificate has to be the
    host's.
    """
    with socket.create_connection((address, port), timeout=_left(deadline)) as plain:
        if scheme == "http":
            with _cut_at(deadline, plain):
                yield plain
            return
        context = ssl.create_default_context()
        # the secured socket takes the plain one's place, so that it is the one to cut, and that before the handshake
        with context.wrap_socket(plain, server_hostname=host, do_handshake_on_connect=False) as secured, _cut_at(deadline, secured):
            secured.do_handshake()
            yield secured


@contextmanager
def _cut_at(deadline: float, channel: socket.socket) -> Iterator[None]:
    """Shut a connection a little after the deadline and never before it, so that whoever reads the end finds the time over."""
    cut = threading.Timer(_left(deadline) + 0.02, _shut, [channel])
    cut.daemon = True
    cut.start()
    try:
        yield
    finally:
        cut.cancel()


def _shut(channel: socket.socket) -> None:
    with suppress(OSError):
        socket.socket.shutdown(channel, socket.SHUT_RDWR)  # a secured socket's own would have the rest read as if it were plain


def _body(answer: Any, target: Any, max_bytes: int, deadline: float) -> str | None:
    _left(deadline)  # headers that were cut at the deadline look whole
    status, headers = int(answer.status), answer.headers
    if status in (301, 302, 303, 307, 308):
        if not headers.get("Location"):
            raise DownloadError("is redirected to nowhere; give the address that it leads to")
        return str(headers["Location"])
    if status != 200:
        raise DownloadError(f"is answered with status {status}; check the address", unavailable=status >= 500)
    if any(each.strip().lower() != "identity" for each in headers.get_all("Content-Encoding", [])):
        raise DownloadError("is sent compressed, which is not taken; give the address of the video itself")
    announced = headers.get("Content-Length", "")
    if announced.isdecimal() and int(announced) > max_bytes:
        raise DownloadError(f"has {int(announced):,} bytes, and {max_bytes:,} is the most that is taken here; give a smaller video")
    received = 0
    while piece := answer.read1(_PIECE):
        _left(deadline)
        received += len(piece)
        if received > max_bytes:
            raise DownloadError(f"has more than {max_bytes:,} bytes, the most that is taken here; give a smaller video")
        target.write(piece)
    _left(deadline)  # a body that was cut at the deadline is late, and neither whole nor short
    if announced.isdecimal() and received < int(announced):
        raise DownloadError(f"came to {received:,} of {int(announced):,} bytes; ask again", unavailable=True)
    return None


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise DownloadError("is not fetched within the time that is allowed here; send the video as a data: URI", unavailable=True)
    return left
