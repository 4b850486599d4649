"""Whether runs may stand beside each other: what must be equal, and is not; and what differs and is worth knowing.

A difference of accuracy between runs that were not asked the same, in the same way, says nothing about the method. Model and method may
differ: they are what is compared.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from vreason.errors import IncomparableRunsError
from vreason_tracking.catalog import RecordedRun
from vreason_tracking.records import (
    DATA_DIGEST_TAG,
    DEVICE_TAG,
    DTYPE_TAG,
    GIT_PREFIX,
    HOST_TAG,
    MODEL_REVISION_TAG,
    SCORING_TAG,
    VERSION_PREFIX,
    SampleTable,
)

_NOT_COMPARED = ("video.timeout",)  # how long one waits for a file is no part of what is shown
_SHOWN = 6  # values that a message names
_NOTED = (VERSION_PREFIX, GIT_PREFIX, DTYPE_TAG, MODEL_REVISION_TAG, HOST_TAG)  # tags, or their beginnings
_TITLES = {MODEL_REVISION_TAG: "weights"}  # the tag says which were loaded; the setting of that name, which were asked for


@dataclass(frozen=True)
class Mismatch:
    """Something in which the runs differ.

    Attributes:
        what: "data digest", "sample set", "prompt", "frames", "decoding", "scoring profile", "device" or "partial run"; else a setting.
        values: by run.
    """

    what: str
    values: Mapping[str, str]

    def __str__(self) -> str:
        groups: dict[str, list[str]] = {}
        for name, value in self.values.items():
            groups.setdefault(value, []).append(name)
        told = [f"{value} ({', '.join(names[:_SHOWN])}{' ...' if len(names) > _SHOWN else ''})" for value, names in groups.items()]
        more = f"; and {len(told) - _SHOWN} more" if len(told) > _SHOWN else ""
        return f"{self.what}: {'; '.join(told[:_SHOWN])}{more}"


def unlike(runs: Sequence[RecordedRun], tables: Sequence[SampleTable]) -> list[Mismatch]:
    """Everything that forbids the comparison."""
    found = [_partial(runs, tables)]
    found.append(_by(runs, "data digest", lambda run: run.tags.get(DATA_DIGEST_TAG, "not recorded")))
    found.append(_sample_sets(runs, tables))
    for what, prefixes, part in (
        ("prompt", ("prompt.",), "prompt"),
        ("frames", ("video.",), "video"),
        ("decoding", ("generation.", "batch_size"), None),
    ):
        differing = _settings(runs, what, prefixes)
        found += differing
        if not differing and part:  # such as the text of a prompt's file, whose name is the same
            found.append(_by(runs, f"{what} (digest)", lambda run, part=part: run.identity.get(part, "not recorded")))  # type: ignore[misc]
    found.append(_by(runs, "scoring profile", lambda run: run.tags.get(SCORING_TAG) or run.params.get("data.scoring", "not recorded")))
    found.append(_by(runs, "device", _device))
    return [each for each in found if each is not None]


def known_differences(runs: Sequence[RecordedRun]) -> list[Mismatch]:
    """What may differ, and is worth knowing: model, weights, seed, versions, code."""
    params = [name for name in dict.fromkeys(name for run in runs for name in run.params) if name.startswith("model.") or name == "seed"]
    tags = [name for name in dict.fromkeys(name for run in runs for name in run.tags) if name.startswith(_NOTED)]
    found = [_by(runs, name, lambda run, name=name: run.params.get(name, "not recorded")) for name in params]  # type: ignore[misc]
    found += [_by(runs, _TITLES.get(name, name), lambda run, name=name: run.tags.get(name, "not recorded")) for name in tags]  # type: ignore[misc]
    return [each for each in found if each is not None]


def require_like(differences: Sequence[Mismatch]) -> None:
    """Refuse, and say in what the runs differ.

    Raises:
        IncomparableRunsError: they do.
    """
    if differences:
        listed = "".join(f"\n  {each}" for each in differences)
        hint = "run them alike, or compare what is common, with a warning on every output, with --force"
        raise IncomparableRunsError(f"these runs are not alike, and what differs between them is not only the method:{listed}\n{hint}")


def missing_of(run: RecordedRun, table: SampleTable) -> int:
    """Samples that the run was begun to ask and that its record does not have."""
    return max(0, (run.expected_samples or len(table.ids)) - len(table.ids))


def _by(runs: Sequence[RecordedRun], what: str, value: Callable[[RecordedRun], str]) -> Mismatch | None:
    values = {run.name: value(run) for run in runs}
    return Mismatch(what, values) if len(set(values.values())) > 1 else None


def _settings(runs: Sequence[RecordedRun], what: str, prefixes: tuple[str, ...]) -> list[Mismatch]:
    told = all(run.identity.get("prompt") for run in runs)  # then its text is compared, and where the file lies is nobody's concern
    ignored = (*_NOT_COMPARED, "prompt.file") if told else _NOT_COMPARED
    names = dict.fromkeys(name for run in runs for name in run.params if name.startswith(prefixes) and name not in ignored)
    found = [_by(runs, f"{what}, {name}", lambda run, name=name: run.params.get(name, "not recorded")) for name in names]  # type: ignore[misc]
    return [each for each in found if each is not None]


def _device(run: RecordedRun) -> str:
    """The kind of device; a processor by its machine, for "cpu" and "mps" can be anything.

    Which GPU of a machine it was is nobody's concern, and neither is how many others were to be seen, where they are of one kind.
    """
    device = run.tags.get(DEVICE_TAG, "not recorded")
    if device.startswith(("cpu", "mps")):
        return f"{device} of {run.tags.get(HOST_TAG, 'a machine not recorded')}"
    found = re.fullmatch(r"(cuda)(?::\d+)?(?: \((.*)\))?", device)
    kinds = set(found[2].split(", ")) if found and found[2] else set()
    return f"cuda ({kinds.pop()})" if len(kinds) == 1 else "cuda" if found and not kinds else device


def _sample_sets(runs: Sequence[RecordedRun], tables: Sequence[SampleTable]) -> Mismatch | None:
    told = {run.name: f"{len(table.ids):,} samples, {_digest(table)}" for run, table in zip(runs, tables, strict=True)}
    return Mismatch("sample set", told) if len(set(told.values())) > 1 else None


def _digest(table: SampleTable) -> str:
    digest = hashlib.sha256()
    for name, expected_samples in zip(table.ids, table.question_digests, strict=True):
        digest.update(f"{name}\0".encode() + expected_samples)
    return digest.hexdigest()[:12]


def _partial(runs: Sequence[RecordedRun], tables: Sequence[SampleTable]) -> Mismatch | None:
    told = {}
    for run, table in zip(runs, tables, strict=True):
        missing = missing_of(run, table)
        if run.status != "FINISHED" or missing:
            told[run.name] = (
                f"{run.status}, {len(table.ids):,} of {run.expected_samples if run.expected_samples is not None else '?'} samples"
            )
    return Mismatch("partial run", told) if told else None
