"""Ed25519 keys in the form of C2SP signed-note: a name, a short hash, and the key, as one line of text.

    PRIVATE+KEY+<name>+<hash>+<base64 of 0x01 and the seed>        who signs
    <name>+<hash>+<base64 of 0x01 and the public key>              who verifies

https://c2sp.org/signed-note
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from vreason.errors import TrackingError

_PRIVATE, _ED25519 = "PRIVATE+KEY+", b"\x01"


@dataclass(frozen=True)
class PublicKey:
    """A key that verifies.

    Attributes:
        name: of the signer, as it stands in signatures.
        raw: 32 bytes.
    """

    name: str
    raw: bytes

    @property
    def key_id(self) -> bytes:
        """The four bytes by which a signature names its key."""
        return hashlib.sha256(self.name.encode() + b"\n" + _ED25519 + self.raw).digest()[:4]

    def verify(self, signature: bytes, text: bytes) -> bool:
        """Whether the signature is this key's, of this text."""
        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, text)
        except InvalidSignature:
            return False
        return True

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(_ED25519 + self.raw).decode()}"

    @classmethod
    def parse(cls, text: str) -> PublicKey:
        """The key that a line of text is.

        Raises:
            ValueError: it is none.
        """
        name, key_id, raw = _parts(text.strip())
        key = cls(name, raw)
        if key.key_id.hex() != key_id:
            raise ValueError(f"its hash is {key_id}, of this key it would be {key.key_id.hex()}")
        return key


@dataclass(frozen=True)
class SigningKey:
    """A key that signs.

    Attributes:
        name: of the signer.
        private: the key.
    """

    name: str
    private: Ed25519PrivateKey

    @classmethod
    def generate(cls, name: str) -> SigningKey:
        """A new key.

        Raises:
            ValueError: the name has a blank or a plus sign, which signed notes do not allow.
        """
        if not name or "+" in name or any(letter.isspace() for letter in name):
            raise ValueError(f"{name!r} cannot name a key: it is empty, or has a blank or a plus sign")
        return cls(name, Ed25519PrivateKey.generate())

    @property
    def public(self) -> PublicKey:
        """The key that verifies what this one signs."""
        return PublicKey(self.name, self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))

    def sign(self, text: bytes) -> bytes:
        """64 bytes."""
        return self.private.sign(text)

    def __str__(self) -> str:
        seed = self.private.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
        return f"{_PRIVATE}{self.name}+{self.public.key_id.hex()}+{base64.b64encode(_ED25519 + seed).decode()}"

    @classmethod
    def parse(cls, text: str) -> SigningKey:
        """The key that a line of text is.

        Raises:
            ValueError: it is none.
        """
        if not text.startswith(_PRIVATE):
            raise ValueError(f"it does not begin with {_PRIVATE}")
        name, key_id, seed = _parts(text.strip().removeprefix(_PRIVATE))
        key = cls(name, Ed25519PrivateKey.from_private_bytes(seed))
        if key.public.key_id.hex() != key_id:
            raise ValueError("its hash is another key's")
        return key


def make_key(path: Path, name: str) -> SigningKey:
    """Make a key and write it, for its owner alone, and the public one beside it, with the ending .pub.

    Raises:
        TrackingError: there is a file already, or it cannot be written.
    """
    key = SigningKey.generate(name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "w", encoding="utf-8") as file:
            file.write(f"{key}\n")
            file.flush()
            os.fsync(file.fileno())
        public_path(path).write_text(f"{key.public}\n", encoding="utf-8")
    except FileExistsError:
        raise TrackingError(f"{path}: there is a file already, and a key that is lost cannot be made again; name another file") from None
    except OSError as error:
        raise TrackingError(f"{path}: the key cannot be written ({error.strerror}); name another file with --key") from error
    return key


def public_path(path: Path) -> Path:
    """Where the public key of a signing key is written."""
    return path.with_name(path.name + ".pub")


def read_signing_key(path: Path) -> SigningKey:
    """Raises:
    TrackingError: it cannot be read, or is none.
    """
    try:
        return SigningKey.parse(_read(path))
    except ValueError as error:
        raise TrackingError(f"{path}: is no signing key of the audit trail ({error}); name the file that `audit keygen` made") from None


def read_public_key(path: Path) -> PublicKey:
    """Raises:
    TrackingError: it cannot be read, or is none.
    """
    try:
        return PublicKey.parse(_read(path))
    except ValueError as error:
        raise TrackingError(f"{path}: is no public key of the audit trail ({error}); name the .pub file beside the signing key") from None


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise TrackingError(f"{path}: cannot be read ({error.strerror}); name the key's file with --key") from None


def _parts(text: str) -> tuple[str, str, bytes]:
    """Name, hash in hexadecimal, and the 32 bytes.

    Raises:
        ValueError: it is not such a line.
    """
    parts = text.split("+", 2)
    if len(parts) != 3 or not parts[0] or "\n" in text:
        raise ValueError("it is not of the form name+hash+key")
    try:
        raw = base64.b64decode(parts[2], validate=True)
    except binascii.Error:
        raise ValueError("its key is not base64") from None
    if len(raw) != 33 or raw[:1] != _ED25519:
        raise ValueError("its key is not an Ed25519 key of 32 bytes")
    return parts[0], parts[1], raw[1:]
