"""Signatures over all files of a bundle, in the OpenSSF Model Signing format, by the package `model-signing`."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from vreason.errors import ConfigError, ConfigIssue
from vreason_tracking.bundles.weights import sha256

SIGNATURE = "model.sig"
CARD_FOLDER = "card"
"""Folder beside a registered bundle where its model card lies: no part of the bundle, for it says whether that is signed."""

_ADDED_BY_MLFLOW = ("registered_model_meta",)
"""Files that MLflow writes beside a model when it is fetched from the registry; they are no part of it."""


def files_digest(folder: Path) -> str:
    """A digest of all files: SHA-256 over their names and SHA-256s; without signature, card, and what MLflow adds; in hexadecimal."""
    whole = hashlib.sha256(b"vreason bundle files v1\n")
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder).as_posix()
        if name != SIGNATURE and name not in _ADDED_BY_MLFLOW and not name.startswith(f"{CARD_FOLDER}/"):
            whole.update(f"{sha256(path)}  {name}\n".encode())
    return whole.hexdigest()


def sign(folder: Path, private_key: Path, password: str | None = None) -> None:
    """Write `model.sig` into the folder.

    Args:
        folder: of the bundle, whole.
        private_key: a PEM file with an elliptic-curve key (P-256, P-384 or P-521).
        password: of the key.

    Raises:
        ConfigError: the key cannot be used.
    """
    from model_signing import hashing

    _signer(private_key, password).set_hashing_config(_hashing(hashing.Config(), folder)).sign(folder, folder / SIGNATURE)


def require_signing_key(private_key: Path, password: str | None = None) -> None:
    """See that a key can sign, before anything is made that it is to sign.

    Raises:
        ConfigError: it cannot.
    """
    _signer(private_key, password)


def _signer(private_key: Path, password: str | None) -> Any:
    from model_signing import signing

    try:
        return signing.Config().use_elliptic_key_signer(private_key=private_key, password=password)
    except (OSError, ValueError, TypeError) as error:
        what = f"{private_key}: cannot sign ({_line(error)}); give a PEM file with an elliptic-curve key"
        hint = "make one with `openssl ecparam -name prime256v1 -genkey -noout -out key.pem`"
        raise ConfigError([ConfigIssue("--signing-key", f"{what}, {hint}")]) from error


def signature_fault(folder: Path, public_key: Path) -> str | None:
    """Why the signature does not hold; None where it does.

    Args:
        folder: of the bundle.
        public_key: a PEM file.

    Raises:
        ConfigError: the key cannot be read.
    """
    from model_signing import hashing, verifying

    try:
        config = verifying.Config().use_elliptic_key_verifier(public_key=public_key)
    except (OSError, ValueError, TypeError) as error:
        hint = "give the public half: `openssl ec -in key.pem -pubout -out key.pub`"
        raise ConfigError([ConfigIssue("--public-key", f"{public_key}: is no public key ({_line(error)}); {hint}")]) from error
    try:
        config.set_hashing_config(_hashing(hashing.Config(), folder)).verify(folder, folder / SIGNATURE)
    except Exception as error:  # the package raises ValueError, and what cryptography and JSON raise
        return _line(error)
    return None


def _hashing(config: Any, folder: Path) -> Any:
    """All files are signed but the signature, the card, and what MLflow adds."""
    return config.set_ignored_paths(paths=[folder / name for name in (SIGNATURE, CARD_FOLDER, *_ADDED_BY_MLFLOW)], ignore_git_paths=False)


def _line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:300] if lines else type(error).__name__
