"""A checkpoint: the size and the root of a log, signed. Whoever keeps one can prove later that nothing before it was changed or taken away.

    <origin>
    <number of entries>
    <base64 of the root>

    — <name of the key> <base64 of the key's four bytes and the signature>

https://c2sp.org/tlog-checkpoint, https://c2sp.org/signed-note
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

from vreason_tracking.audit.keys import PublicKey, SigningKey

_BODY = re.compile(r"(?P<origin>[^\n]+)\n(?P<size>0|[1-9][0-9]{0,18})\n(?P<root>[A-Za-z0-9+/]{43}=)\n")
_SIGNATURE = re.compile(r"— (?P<name>[^ +\n]+) (?P<signature>[A-Za-z0-9+/]+={0,2})")


class CheckpointError(ValueError):
    """A text is no checkpoint, or not one that a key has signed."""


@dataclass(frozen=True)
class Checkpoint:
    """The state of a log.

    Attributes:
        origin: the log's name.
        size: number of entries.
        root: 32 bytes.
    """

    origin: str
    size: int
    root: bytes

    def body(self) -> str:
        """What is signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    def signed(self, key: SigningKey) -> str:
        """The checkpoint as a signed note."""
        signature = base64.b64encode(key.public.key_id + key.sign(self.body().encode())).decode()
        return f"{self.body()}\n— {key.name} {signature}\n"


def read_checkpoint(note: str, key: PublicKey) -> Checkpoint:
    """The checkpoint of a signed note. Signatures of other keys, which witnesses add, are passed over.

    Raises:
        CheckpointError: it is none, or the key has not signed it.
    """
    body, separator, signatures = note.partition("\n\n")
    found = _BODY.fullmatch(body + "\n")
    if not separator or found is None or not signatures.endswith("\n"):
        raise CheckpointError("this is no checkpoint: an origin, a size, a root in base64, an empty line and signatures")
    checkpoint = Checkpoint(found["origin"], int(found["size"]), base64.b64decode(found["root"]))
    named = []
    for line in signatures[:-1].split("\n"):
        parsed = _SIGNATURE.fullmatch(line)
        if parsed is None:
            raise CheckpointError("a line below the empty one is no signature")
        named.append(parsed["name"])
        try:
            raw = base64.b64decode(parsed["signature"], validate=True)
        except binascii.Error:
            raise CheckpointError("a signature is not base64") from None
        if (parsed["name"], raw[:4]) == (key.name, key.key_id):
            if not key.verify(raw[4:], checkpoint.body().encode()):
                raise CheckpointError(f"the signature of {key.name} is not of this checkpoint: it was changed, or forged")
            return checkpoint
    raise CheckpointError(f"it is not signed by {key}, but by {', '.join(named)}: take the public key of the log that made it")
