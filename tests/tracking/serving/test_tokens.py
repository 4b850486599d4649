"""Who may ask: tokens of a file and the environment, and a server that others reach has some."""

from __future__ import annotations

from pathlib import Path

import pytest

from vreason.errors import ConfigError
from vreason_tracking.serving.tokens import Tokens, is_loopback, require_tokens_beyond_loopback

ONE, TWO = "a" * 16, "b" * 20


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "tokens"
    path.write_text(f"# the team\n{ONE}\n\n  {TWO}  \n")
    return path


def test_every_token_is_taken(file: Path) -> None:
    """Those of the file and of the environment, and none else."""
    tokens = Tokens.of(file, {"VREASON_SERVE_TOKENS": "c" * 16})
    assert [True] * 4 == [
        tokens.admits(f"{kind} {each}") for kind, each in (("Bearer", ONE), ("bearer", TWO), ("BEARER", "c" * 16), ("Bearer", f" {ONE}"))
    ]
    assert not any(
        tokens.admits(header) for header in (None, "", ONE, f"Basic {ONE}", "Bearer", "Bearer x", f"Bearer {ONE}x", "Bearer \ud800")
    )


def test_without_tokens_everybody_is(tmp_path: Path) -> None:
    """On this machine alone."""
    assert Tokens.of(None, {}).admits(None)


def test_none_is_kept(file: Path) -> None:
    """What is in memory, and may be in a log, is a digest."""
    assert ONE not in repr(Tokens.of(file, {}))


@pytest.mark.parametrize(("text", "words"), [("", "holds no token"), ("# only this\n", "holds no token"), ("short\n", "less than 16")])
def test_wrong_files(tmp_path: Path, text: str, words: str) -> None:
    """They are named, and the token is not shown."""
    (tmp_path / "tokens").write_text(text)
    with pytest.raises(ConfigError, match=words) as caught:
        Tokens.of(tmp_path / "tokens", {})
    assert "short" not in str(caught.value)


def test_missing_file(tmp_path: Path) -> None:
    """It is named."""
    with pytest.raises(ConfigError, match="cannot be read"):
        Tokens.of(tmp_path / "gone", {})


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.0.1", "localhost", "::1", "[::1]"])
def test_loopback(host: str) -> None:
    """Needs no token."""
    assert is_loopback(host)
    require_tokens_beyond_loopback(host, Tokens())


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "example.org", ""])
def test_beyond(host: str) -> None:
    """Is refused without, and taken with."""
    with pytest.raises(ConfigError, match="--token-file"):
        require_tokens_beyond_loopback(host, Tokens())
    require_tokens_beyond_loopback(host, Tokens((b"x",)))
