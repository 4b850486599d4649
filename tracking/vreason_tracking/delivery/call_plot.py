"""One plot of the curves of all variants that one call of `run` began, among the artifacts of each."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from vreason_tracking.delivery.checkpoint import read_delivered
from vreason_tracking.journal import RunFolder, SampleAssembly, asked_again, last_end, read_events, readable_runs
from vreason_tracking.presentation import draw_entropy
from vreason_tracking.records import EntropyCurve
from vreason_tracking.stores import MlflowStore, is_unavailable

NAME = "entropy_of_all_variants"


def draw_together(folder: RunFolder, store: MlflowStore, known: Mapping[str, EntropyCurve]) -> None:
    """Draw it if `folder` belongs to a call of several variants, and the last of them is now finished and delivered.

    Args:
        folder: the run that was just delivered to its end.
        store: where all of them are.
        known: curves that are at hand already, by run id; the others are made from the journal.

    Raises:
        Exception: whatever the store raises.
    """
    manifest = folder.manifest
    if manifest.call_variants < 2:
        return
    siblings = [each for each in readable_runs(folder.path.parent) if each.manifest.call_id == manifest.call_id]
    siblings.sort(key=lambda each: each.manifest.call_position)
    delivered = {each.run_id: read_delivered(each.delivery_log) for each in siblings}
    finished = [each for each in siblings if delivered[each.run_id].status == "FINISHED" and _is_finished(each)]
    if len(finished) < manifest.call_variants:
        return
    curves = {each.manifest.variant: known.get(each.run_id) or _curve(each) for each in finished}
    colours = [each.manifest.colour for each in finished]
    with tempfile.TemporaryDirectory(prefix="vreason-") as scratch_dir:
        files = draw_entropy(curves, Path(scratch_dir) / NAME, f"Entropy while answering: {manifest.config_name}", colours)
        for each in finished:
            _add(store, delivered[each.run_id].run_id or "", files)


def _add(store: MlflowStore, run_id: str, files: Sequence[Path]) -> None:
    """To a run's artifacts; one that somebody has taken out of the store since has none."""
    try:
        store.log_files(run_id, files)
    except Exception as error:
        if is_unavailable(error):
            raise


def _is_finished(folder: RunFolder) -> bool:
    end = last_end(folder)
    return end is not None and end.status == "FINISHED"


def _curve(folder: RunFolder) -> EntropyCurve:
    curve, assembly = EntropyCurve(), SampleAssembly(asked_again(folder))
    for finished in assembly.feed(read_events(folder)):
        curve.add(finished.steps)
    return curve
