"""Two versions beside each other: every setting that differs, and the figures of their runs, compared question by question."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from vreason.errors import IncomparableRunsError, TrackingError
from vreason_tracking.bundles.bundle import Bundle
from vreason_tracking.bundles.registry import Registry, Version
from vreason_tracking.catalog import Catalog, recorded_runs
from vreason_tracking.comparison import Comparison, compare, named_runs
from vreason_tracking.records import DATA_DIGEST_TAG, VERSION_PREFIX

_ABSENT = "–"


@dataclass(frozen=True)
class Changed:
    """A setting or a figure that is not the same in both.

    Attributes:
        name: dotted path in the bundle's description.
        one, other: the values.
    """

    name: str
    one: Any
    other: Any


@dataclass(frozen=True)
class VersionDifference:
    """Two versions.

    Attributes:
        one, other: the versions.
        settings: that differ.
        figures: the runs' summary metrics that differ.
        comparison: of the runs, the first one the baseline; None where both versions are of one run, or they cannot be compared.
        note: why not, or what a reader must know of the comparison.
    """

    one: Version
    other: Version
    settings: list[Changed]
    figures: list[Changed]
    comparison: Comparison | None
    note: str


@contextmanager
def difference(registry: Registry, catalog: Catalog, one: str, other: str) -> Iterator[VersionDifference]:
    """Everything that differs; the runs' files are there until the end of the block.

    Raises:
        TrackingError: a version cannot be found or read.
    """
    first, second = registry.find(one), registry.find(other)
    left, right = registry.bundle(first), registry.bundle(second)
    settings, figures = _changed(_settings(left), _settings(right)), _changed(left.origin.figures, right.origin.figures)
    if first.run_id == second.run_id:
        yield VersionDifference(first, second, settings, figures, None, "both versions are of one run")
        return
    try:
        runs = named_runs(catalog, [first.run_id, second.run_id]).runs
    except TrackingError as error:
        yield VersionDifference(first, second, settings, figures, None, f"their runs cannot be compared: {error}")
        return
    with recorded_runs(runs) as recorded:
        try:
            comparison, note = compare(recorded, baseline=recorded[0].name), ""
        except IncomparableRunsError as error:
            comparison, note = None, f"their runs cannot be compared question by question: {error}"
        yield VersionDifference(first, second, settings, figures, comparison, note)


def _settings(bundle: Bundle) -> dict[str, Any]:
    """Everything that decides an answer, and what a caller may change, by dotted path."""
    data = bundle.model_dump(mode="json", exclude={"origin": True, "example": True, "version": True})
    data["bounds"] = {name: str(bound) for name, bound in bundle.bounds.items()}
    data["data"] = {"digest": bundle.origin.tags.get(DATA_DIGEST_TAG), "samples": bundle.origin.samples}
    data["versions"] = {name: value for name, value in bundle.origin.tags.items() if name.startswith(VERSION_PREFIX)}
    return dict(_flat(data, ""))


def _flat(value: Any, path: str) -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        return [pair for key, each in value.items() for pair in _flat(each, f"{path}.{key}" if path else str(key))]
    return [(path, value)]


def _changed(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[Changed]:
    names = [*one, *(name for name in other if name not in one)]
    pairs = [Changed(name, one.get(name, _ABSENT), other.get(name, _ABSENT)) for name in names]
    return [each for each in pairs if each.one != each.other]
