"""What is known of a run before its first record: written once, when its journal is made.

The file is JSON. Its last line holds the SHA-256 of all that stands before it, so that no flipped bit sends results to another place, or
under another name. Each session of the run tells in the journal which manifest it found. Format 1 had no such line.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from vreason.errors import TrackingError

FORMAT = 2
_CHECKSUM = re.compile(r',\n "checksum": "([0-9a-f]{64})"\n\}\Z')
_KINDS: Mapping[str, type] = {"str": str, "int": int}  # the other fields are mappings and a tuple


@dataclass(frozen=True)
class Manifest:
    """One variant's run.

    Attributes:
        run_id: the run's name in the journal, such as "20261120T094512-3f2a9c".
        variant: its name in the config, and in MLflow.
        call_id: shared by the variants that one call of `run` began.
        call_position, call_variants: which of them this one is, from 0, and how many there are.
        config_name: of the config.
        experiment: MLflow's experiment.
        tracking_uri: where it is delivered to, without a password; file paths absolute.
        mode: "online" or "offline".
        colour: of its lines in plots and in MLflow's UI.
        config: the resolved configuration as YAML, without the tracking address.
        params: every resolved setting, flattened.
        tags: provenance: commit, versions, device, seed, digests.
        identity: what the result depends on, a digest a part, and "run" for the whole (see `vreason_tracking.settings.fingerprint`).
        sample_ids: what is asked, in order.
        created_ms: Unix time, milliseconds.
    """

    run_id: str
    variant: str
    call_id: str
    call_position: int
    call_variants: int
    config_name: str
    experiment: str
    tracking_uri: str
    mode: str
    colour: str
    config: str
    created_ms: int
    params: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    identity: Mapping[str, str] = field(default_factory=dict)
    sample_ids: tuple[str, ...] = ()

    def to_json(self) -> str:
        """As it lies on disk."""
        body = json.dumps({"format": FORMAT, **asdict(self)}, ensure_ascii=False, indent=1).removesuffix("\n}")
        return f'{body},\n "checksum": "{_digest(body)}"\n}}'

    @classmethod
    def from_json(cls, text: str, source: str) -> Manifest:
        """The manifest in a file's text; `source` names the file in messages.

        Raises:
            TrackingError: it is none, or a later version's.
        """
        try:
            found = _CHECKSUM.search(text)
            if found and found[1] != _digest(text[: found.start()]):
                raise ValueError("its checksum does not fit: it was changed after it was written")
            values = json.loads(text)
            if values["format"] > FORMAT:
                raise TrackingError(f"{source}: is of format {values['format']}, this version reads up to {FORMAT}; upgrade vreason-track")
            if not found and values["format"] != 1:
                raise ValueError("its checksum is missing: it was changed after it was written")
            known = {each.name for each in fields(cls)}
            given = {name: value for name, value in values.items() if name in known}
            made = cls(**{**given, "sample_ids": tuple(given.get("sample_ids", ()))})
            kinds = {each.name: _KINDS.get(str(each.type), (Mapping, tuple)) for each in fields(cls)}
            if wrong := [name for name, kind in kinds.items() if not isinstance(getattr(made, name), kind)]:
                raise ValueError(f"{', '.join(wrong)}: of the wrong type")
            return made
        except (ValueError, KeyError, TypeError) as error:
            hint = "restore it from a backup, or move the folder away"
            raise TrackingError(f"{source}: is not the manifest of a run ({error}); {hint}") from error


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
