"""Which runs are compared: those named, an experiment's, or those of one call of a config."""

from __future__ import annotations

from collections.abc import Sequence

from vreason.errors import TrackingError
from vreason_tracking.catalog import Catalog, CatalogIndex, FoundRuns, Run
from vreason_tracking.records import CALL_TAG, SERVED_SOURCE, SOURCE_TAG


def named_runs(catalog: Catalog, names: Sequence[str], baseline: str | None = None) -> FoundRuns:
    """The runs of these names, in this order, each once; the baseline first, where it is not one of them.

    The store is asked where a name, or what the journal knows of a run, leads there.

    Raises:
        TrackingError: there is no such run, or the journal cannot be read.
    """
    found = _with_stored_sides(catalog, catalog.find_all(names))
    if baseline is not None and not any(baseline == run.variant or _begins(run, baseline) for run in found.runs):
        added = _with_stored_sides(catalog, catalog.find_all([baseline], found.index))
        found = FoundRuns([*added.runs, *found.runs], added.index)
    return FoundRuns(_each_once(found.runs), found.index)


def _begins(run: Run, name: str) -> bool:
    return any(each.startswith(name) for each in run.ids)


def _each_once(runs: Sequence[Run]) -> list[Run]:
    found: dict[str, Run] = {}
    for run in runs:
        found.setdefault(run.journal_id or run.shown_id, run)
    return list(found.values())


def _with_stored_sides(catalog: Catalog, found: FoundRuns) -> FoundRuns:
    """The runs from both sides: one that is found by its id has not been looked for in the store, which its marks name."""
    if not any(_lacks_stored_side(run) for run in found.runs):
        return found
    index = catalog.read_store(found.index)
    listed = {run.journal_id: run for run in reversed(index.runs)}  # of several that claim one name, the newest
    return FoundRuns([listed.get(run.journal_id, run) if _lacks_stored_side(run) else run for run in found.runs], index)


def _lacks_stored_side(run: Run) -> bool:
    return run.stored is None and run.mlflow_id is not None


def experiment_runs(index: CatalogIndex, experiment: str) -> tuple[list[Run], str | None]:
    """The newest finished run of each variant of each config in the index's experiment, oldest first; and what was left out, in words.

    Raises:
        TrackingError: there are none.
    """
    runs = [run for run in index.runs if run.tags.get(SOURCE_TAG) != SERVED_SOURCE]  # those are held against one run each: see `drift`
    finished = [run for run in runs if run.status == "FINISHED"]
    newest: dict[tuple[str, str], Run] = {}
    for run in finished:  # newest first
        newest.setdefault((run.config_name, run.variant), run)
    if not newest:
        others = f"; {len(runs)} run(s) there are not finished (`vreason-track runs list` shows them)" if runs else ""
        raise TrackingError(f"no finished run in experiment {experiment!r} of {index.address} or of {index.root}{others}")
    left = [
        *([f"{len(finished) - len(newest)} older run(s) of the same variants"] if len(finished) > len(newest) else []),
        *([f"{len(runs) - len(finished)} run(s) that are not finished"] if len(runs) > len(finished) else []),
    ]
    return in_order(list(newest.values())), f"of experiment {experiment}, left out: {' and '.join(left)}" if left else None


def config_runs(index: CatalogIndex, name: str) -> list[Run]:
    """The variants of the newest call of `run` with the config of this name, or of the call of this id, in the config's order.

    Raises:
        TrackingError: there is no such call.
    """
    runs = index.runs
    newest = next((run for run in runs if name and name in (run.config_name, _call(run))), None)
    if newest is None:
        known = list(dict.fromkeys(run.config_name for run in runs if run.config_name))
        raise TrackingError(f"no run of a config named {name!r}; there are runs of: {', '.join(known[:8]) or 'none'}")
    call = (newest.config_name, _call(newest))  # records of earlier versions name no call: then all of this config
    return in_order([run for run in runs if (run.config_name, _call(run)) == call])


def in_order(runs: Sequence[Run]) -> list[Run]:
    """Oldest first; the variants of one call as their config has them."""
    return sorted(runs, key=lambda run: (run.started_ms, run.local.manifest.call_position if run.local else 0, run.shown_id))


def _call(run: Run) -> str:
    return run.local.manifest.call_id if run.local else run.tags.get(CALL_TAG, "")
