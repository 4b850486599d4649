"""Where a run of the journal is to be delivered: what is named, else where it was recorded for, found again where its folder has moved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from vreason.errors import TrackingError
from vreason_tracking.catalog.local_run import LocalRun
from vreason_tracking.stores import portable_uri, sqlite_path


@dataclass(frozen=True)
class Destination:
    """An address, password and all.

    Attributes:
        uri: as MLflow takes it.
        note: what a user has to know: that the database was found elsewhere than it was recorded; None where there is nothing.
    """

    uri: str
    note: str | None = None


def destination(run: LocalRun, uri: str | None, environment: Mapping[str, str]) -> Destination:
    """Where a run is to be delivered: what is named; else where it was begun to be delivered, else recorded for.

    Raises:
        TrackingError: that holds a password, which the journal does not keep; or it is a file that has moved, nobody knows where to.
    """
    if uri:
        return Destination(uri)
    recorded = run.marks.uri or run.manifest.tracking_uri
    if "***" not in recorded:
        return located(recorded, run.folder.path.parent, run.run_id, delivered=run.marks.run_id is not None)
    named = environment.get("MLFLOW_TRACKING_URI", "")
    if portable_uri(named) == recorded:
        return Destination(named)
    raise TrackingError(
        f"run {run.run_id}: was recorded for {recorded}, and the journal keeps no password; give the whole address with --tracking-uri or"
        f" MLFLOW_TRACKING_URI"
    )


def located(recorded: str, journal: Path, run_id: str, *, delivered: bool) -> Destination:
    """The address that a run was recorded for; of an SQLite file that has moved with its journal, the place beside that.

    A database that a run was delivered to is never made anew, for its runs would be missing in it; nor is a folder that is gone.

    Args:
        recorded: the address, a file's path from the root.
        journal: the folder of the journal that the run is in now.
        run_id: the run's name, for messages.
        delivered: whether something of the run was delivered there.

    Raises:
        TrackingError: the file, or the folder for it, is gone, and nothing tells where it is now.
    """
    path = sqlite_path(recorded)
    if path is None or path.exists():
        return Destination(recorded)
    beside = journal.absolute().parent / path.name
    gone = not path.parent.is_dir()
    if beside.is_file() and (gone or delivered):
        return Destination(f"sqlite:///{beside}", f"{path} is not there any more; taken instead: {beside}, beside the journal")
    if not (gone or delivered or beside.is_file()):
        return Destination(recorded)  # nothing was ever there: it is made now
    choice = f"--tracking-uri sqlite:///{beside}" if beside.is_file() else "--tracking-uri"
    where = f"name where it is now with {choice}, or make it there with --tracking-uri {recorded}"
    raise TrackingError(f"run {run_id}: was recorded for {path}, which is not there (moved or deleted?); {where}")
