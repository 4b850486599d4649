"""Checks every record of a run's journal and names each one that is not as it was written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vreason.errors import TrackingError
from vreason_tracking.journal.codec import COLUMNS, SessionStarted
from vreason_tracking.journal.folder import MANIFEST, RunFolder
from vreason_tracking.journal.lease import is_held
from vreason_tracking.journal.reader import Corruption, Fragment, asked_again, read_fragment
from vreason_tracking.journal.samples import SampleAssembly
from vreason_tracking.journal.seal import sealed_fragments

_STEP = re.compile(rb'\["step","((?:[^"\\]|\\.){1,200})",(\d+)')
_SAMPLE = re.compile(rb'\["sample",\{"sample_id":"((?:[^"\\]|\\.){1,200})"')
assert COLUMNS["step"][:2] == ["sample_id", "token_index"]


@dataclass(frozen=True)
class Verification:
    """What a check found.

    Attributes:
        run_id: the run's name in the journal.
        fragments, records, samples: how many are intact.
        damages: what is not.
        open_records, torn_bytes: of fragments that were never closed: records that are kept, bytes that will be cut. While the run is under
            way that is normal.
        live: whether a process is writing it now.
    """

    run_id: str
    fragments: int
    records: int
    samples: int
    damages: tuple[Corruption, ...]
    open_records: int
    torn_bytes: int
    live: bool

    @property
    def intact(self) -> bool:
        """Whether nothing is damaged. A torn tail is no damage: it was never closed."""
        return not self.damages


def verify(folder: RunFolder) -> Verification:
    """Read everything again."""
    live = is_held(folder.lease)
    unclosed = folder.fragments(opened=True)  # before the closed ones are looked for: a run under way closes them meanwhile
    damages: list[Corruption] = []
    run_id = None
    try:
        run_id = folder.manifest.run_id
    except TrackingError as error:
        damages.append(Corruption(MANIFEST, 0, 0, str(error)))
    digest = folder.manifest_digest if run_id is not None else ""
    assembly, records, samples = SampleAssembly(asked_again(folder)), 0, 0
    numbers = []
    for number, path in folder.fragments():
        numbers.append(number)
        fragment = read_fragment(path)
        damages += [_named(folder, damage) for damage in fragment.damages]
        damages += _misplaced(fragment, number, run_id)
        records += len(fragment.events)
        samples += len(list(assembly.feed(fragment.events)))
        damages += _other_manifest(fragment, digest)
    damages += _gaps(folder, numbers, unclosed)
    damages += [Corruption("samples", 0, 0, f"{name!r} is closed, but steps of it are missing") for name in sorted(assembly.incomplete)]
    opened = list(_still_open(unclosed))
    return Verification(
        folder.run_id,
        len(numbers),
        records,
        samples,
        tuple(damages),
        sum(len(fragment.events) for _, fragment in opened),
        sum(size - fragment.intact_bytes for size, fragment in opened),
        live,
    )


def _still_open(unclosed: list[tuple[int, Path]]) -> Iterator[tuple[int, Fragment]]:
    """Size and content of each; one that the run closed meanwhile is among the closed ones at the next look."""
    for _, path in unclosed:
        try:
            size, fragment = path.stat().st_size, read_fragment(path)
        except (FileNotFoundError, TrackingError):
            if path.exists():
                raise
            continue
        yield size, fragment


def _misplaced(fragment: Fragment, number: int, run_id: str | None) -> Iterator[Corruption]:
    """A fragment tells its run and its number: one that was copied from elsewhere, or renamed, is not what was written here."""
    told = fragment.head.get("run"), fragment.head.get("fragment")
    if fragment.head and told != (run_id or told[0], number):
        yield Corruption(fragment.name, 0, 0, f"it is fragment {told[1]} of run {told[0]}")


def _other_manifest(fragment: Fragment, digest: str) -> Iterator[Corruption]:
    """A session tells which manifest it found: another one, however intact, is not what the run was begun with."""
    for event in fragment.events:
        if isinstance(event, SessionStarted) and event.manifest and digest and event.manifest != digest:
            yield Corruption(MANIFEST, 0, 0, f"is not the one that session {event.session} found: it was replaced or changed since")


def _gaps(folder: RunFolder, numbers: list[int], unclosed: list[tuple[int, Path]]) -> Iterator[Corruption]:
    """Fragments are numbered without a gap, up to where they were when a session ended: one that is missing was taken away."""
    sealed = 0
    try:
        sealed = sealed_fragments(folder) or 0
    except (ValueError, KeyError, TypeError, OSError) as error:
        yield Corruption(folder.sealed.name, 0, 0, f"cannot be read ({error}): whether fragments are missing at the end is not known")
    last = max([sealed, *numbers, *(number - 1 for number, _ in unclosed)], default=0)
    for number in sorted(set(range(1, last + 1)) - set(numbers)):
        yield Corruption(folder.fragment(number).name, 0, 0, "the fragment is missing")


def _named(folder: RunFolder, damage: Corruption) -> Corruption:
    """With the step or sample that a damaged line still lets one recognise."""
    if not damage.line:
        return damage
    with open(folder.path / damage.file, "rb") as file:
        file.seek(damage.offset)
        line = file.readline()
    if found := _STEP.search(line):
        who = f"token {found[2].decode()} of sample {_text(found[1])}"
    elif found := _SAMPLE.search(line):
        who = f"the record of sample {_text(found[1])}"
    else:
        return damage
    return Corruption(damage.file, damage.line, damage.offset, f"{who}: {damage.reason}")


def _text(raw: bytes) -> str:
    return repr(raw.decode("utf-8", "replace"))
