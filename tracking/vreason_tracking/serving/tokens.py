"""Who may ask: bearer tokens, out of a file or the environment, and never in a log."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from vreason.errors import ConfigError, ConfigIssue

VARIABLE = "VREASON_SERVE_TOKENS"
_SHORTEST = 16  # characters


@dataclass(frozen=True)
class Tokens:
    """The tokens that are taken, as digests; none lets everybody in."""

    digests: tuple[bytes, ...] = ()

    @classmethod
    def of(cls, file: Path | None, environment: Mapping[str, str]) -> Tokens:
        """The tokens of a file, one a line, and those of VREASON_SERVE_TOKENS, separated by commas.

        Raises:
            ConfigError: the file cannot be read, holds none, or a token is shorter than 16 characters.
        """
        texts = [each.strip() for each in environment.get(VARIABLE, "").split(",")]
        if file is not None:
            try:
                lines = file.read_text(encoding="utf-8").splitlines()
            except (OSError, UnicodeDecodeError) as error:
                raise ConfigError([ConfigIssue("--token-file", f"{file}: cannot be read ({error})")]) from error
            found = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
            if not found:
                raise ConfigError([ConfigIssue("--token-file", f"{file}: holds no token; write one a line (`openssl rand -hex 32`)")])
            texts += found
        if any(0 < len(text) < _SHORTEST for text in texts):
            source = "--token-file" if file is not None else VARIABLE
            raise ConfigError([ConfigIssue(source, f"a token has less than {_SHORTEST} characters; make one with `openssl rand -hex 32`")])
        return cls(tuple(_digest(text) for text in texts if text))

    def admits(self, header: str | None) -> bool:
        """Whether a request with this `Authorization` header is taken. Takes as long whichever token it is, and whether it is one."""
        if not self.digests:
            return True
        kind, _, token = (header or "").partition(" ")
        given = _digest(token.strip() if kind.lower() == "bearer" else "")
        found = [hmac.compare_digest(given, each) for each in self.digests]
        return any(found)


def require_tokens_beyond_loopback(host: str, tokens: Tokens) -> None:
    """A server that other machines reach has to know who asks.

    Raises:
        ConfigError: it does not.
    """
    if tokens.digests or is_loopback(host):
        return
    what = f"{host} is reached from other machines, and there are no tokens"
    raise ConfigError([ConfigIssue("--host", f"{what}; give --token-file or {VARIABLE}, or bind to 127.0.0.1")])


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches it."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
