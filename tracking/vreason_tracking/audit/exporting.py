"""The audit trail as a file of JSON Lines that can be verified anywhere, with nothing but the log's public key.

{"format": "vreason-audit/1", "origin": ..., "size": N}      the first line
<canonical JSON of entry 0> ... <entry N - 1>                byte for byte what was hashed
{"checkpoint": "..."}                                        signed checkpoints, the smallest first; the last one is of all N
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import NamedTemporaryFile

from vreason.errors import TrackingError
from vreason_tracking.audit.checkpoints import CheckpointError, read_checkpoint
from vreason_tracking.audit.keys import PublicKey, SigningKey
from vreason_tracking.audit.log import AuditLog

FORMAT = "vreason-audit/1"


def export_lines(log: AuditLog, key: SigningKey) -> Iterator[bytes]:
    """The lines of an export, signed now, without line ends.

    Raises:
        TrackingError: the log is empty, or cannot be read.
    """
    return _lines(log, log.sign(key), key.public)


def export_signed_part(log: AuditLog, key: PublicKey) -> Iterator[bytes]:
    """The lines of an export of as much as the newest kept checkpoint signs: what can be had without the signing key.

    Raises:
        TrackingError: no kept checkpoint was signed with the key, or the log cannot be read.
    """
    for note in reversed(log.checkpoints()):
        try:
            read_checkpoint(note, key)
        except CheckpointError:
            continue
        return _lines(log, note, key)
    raise TrackingError(f"no checkpoint was signed with {key.name} yet; `vreason-track audit checkpoint` signs one")


def _lines(log: AuditLog, note: str, key: PublicKey) -> Iterator[bytes]:
    state = read_checkpoint(note, key)
    yield json.dumps({"format": FORMAT, "origin": state.origin, "size": state.size}).encode()
    yield from log.bodies(state.size)
    for hashes in log.leaves(state.size):
        yield json.dumps({"leaves": base64.b64encode(b"".join(hashes)).decode()}).encode()
    for kept in log.checkpoints():
        try:
            earlier = read_checkpoint(kept, key)
        except CheckpointError:
            continue  # another key's, from before the key was changed
        if earlier.size < state.size:
            yield json.dumps({"checkpoint": kept}).encode()
    yield json.dumps({"checkpoint": note}).encode()


def export_to(path: Path, log: AuditLog, key: SigningKey) -> int:
    """Write an export, whole or not at all.

    Returns:
        Number of entries.

    Raises:
        TrackingError: the log is empty, or the file cannot be written.
    """
    count = -1
    try:
        with NamedTemporaryFile("wb", dir=path.absolute().parent, prefix=f".{path.name}.", delete=False) as file:
            try:
                for line in export_lines(log, key):
                    file.write(line + b"\n")
                    count += line.startswith(b'{"action"')
                file.flush()
                Path(file.name).replace(path)
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise
    except OSError as error:
        raise TrackingError(f"{path}: cannot be written ({error.strerror}); name another file") from error
    return count + 1
