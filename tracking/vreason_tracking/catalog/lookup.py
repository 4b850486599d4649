"""A run by whichever name somebody has for it. The journal is searched here; both sides of the record, by `Catalog.find`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

from vreason.config_checks import suggestion
from vreason.errors import TrackingError
from vreason_tracking.catalog.local_run import local_runs
from vreason_tracking.journal import RunFolder

_NAMED = 5  # runs that a message names


class Named(Protocol):
    """What a run is found by."""

    @property
    def ids(self) -> Sequence[str]:
        """The ids of the run, in the journal and in MLflow."""

    @property
    def variant(self) -> str:
        """The variant's name."""

    @property
    def started_ms(self) -> int:
        """When it was begun, Unix time in milliseconds."""


_Run = TypeVar("_Run", bound=Named)


def choose(runs: Sequence[_Run], name: str, index: str) -> _Run | None:
    """The run one of whose ids is `name`; else the newest of a variant of that name; else the one whose id begins so; else None.

    A name comes before a beginning: of an id more can be given, of a name not.

    Raises:
        TrackingError: the beginning fits several runs.
    """
    if not name:
        return None
    if exact := [run for run in runs if name in run.ids]:
        return exact[0]
    if named := [run for run in runs if run.variant == name]:
        return max(named, key=lambda run: run.started_ms)
    fitting = [run for run in runs if any(each.startswith(name) for each in run.ids)]
    if len(fitting) > 1:
        raise TrackingError(f"{name!r} is the beginning of {len(fitting)} run ids in {index}; give more of it")
    return next(iter(fitting), None)


def missing(name: str, index: str, newest: Sequence[str], variants: Iterable[str]) -> str:
    """The message for a run that is not there, with the nearest name of a variant, and the newest of those that are."""
    near = suggestion(name, variants)
    return f"no run {name!r} in {index}{near or ';'} the newest are: {', '.join(newest[:_NAMED]) or 'none yet'}"


def look_up(root: Path, name: str) -> RunFolder | None:
    """The run of the journal that `choose` finds; None when there is none.

    A run whose manifest is damaged is found by its id, so that one that nobody asks for is in nobody's way.

    Raises:
        TrackingError: the beginning fits several runs.
    """
    found = choose(local_runs(root), name, str(root))
    return found.folder if found else None


def require(root: Path, name: str) -> RunFolder:
    """The run of the journal that `choose` finds by this name.

    Raises:
        TrackingError: there is no such run, or several.
    """
    found = look_up(root, name)
    if found is None:
        runs = [run for run in reversed(local_runs(root)) if not run.fault]
        newest = [f"{run.folder.run_id} ({run.variant})" for run in runs]
        told = missing(name, f"the journal {root}", newest, [run.variant for run in runs])
        raise TrackingError(f"{told}. Another folder is named with --journal")
    return found
