"""A file of a run's artifacts on this machine: where it lies, if that is here; else a copy that is fetched."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

from vreason.errors import TrackingError
from vreason_tracking.stores.addresses import redact_password, sqlite_path
from vreason_tracking.stores.mlflow_internals import local_artifact_path
from vreason_tracking.stores.mlflow_store import MlflowStore
from vreason_tracking.stores.moved_artifacts import beside
from vreason_tracking.stores.store_errors import failure, is_unavailable, reason_of


class ArtifactMissingError(TrackingError):
    """A run has no artifact of this name, or its artifacts lie on a disk that is not seen from this machine."""


def fetch_artifact(store: MlflowStore, run: Any, name: str, folder: Path) -> Path:
    """The path of one file of a run's artifacts: in the artifacts' own folder where that is on this machine, else of a copy in `folder`.

    Args:
        store: the tracking store that holds the run.
        run: MLflow's run, as the store gives it.
        name: of the file, from the artifacts' root: "samples.parquet", "figures/accuracy.svg".
        folder: is there, and takes the copy, under the file's own name without the folders before it.

    Raises:
        ArtifactMissingError: the run has no such file, or it is not seen from this machine.
        TrackingUnavailableError: the tracking or the artifact store is unavailable or busy.
        TrackingError: either store refuses, or the file cannot be read or written.
    """
    uri = store.direct_uri(f"{run.info.artifact_uri}/{name}")
    missing = f"{redact_password(uri)} is not there; is the run finished, and do you see its artifacts' folder from this machine?"
    try:
        path = _moved(store, local_artifact_path(uri)) or _downloaded(uri, store, folder)
        present = path.is_file()
    except Exception as error:  # whatever the client of a tracking store, an artifact store or a disk raises
        cause = error if is_unavailable(error) else _cause(store, run.info.run_id, name, error)
        if cause is None:
            raise ArtifactMissingError(missing) from error
        text = f"{redact_password(uri)} cannot be fetched ({reason_of(cause)}); can the artifact store be reached from this machine?"
        raise failure(cause, text) from cause
    if not present:
        raise ArtifactMissingError(missing)
    return path


def _downloaded(uri: str, store: MlflowStore, folder: Path) -> Path:
    from mlflow.artifacts import download_artifacts

    return Path(download_artifacts(artifact_uri=uri, dst_path=str(folder), tracking_uri=store.uri))


def _moved(store: MlflowStore, path: Path | None) -> Path | None:
    """A local artifact's path; where it is gone and one lies beside the SQLite file, as after both were copied elsewhere, that one's."""
    database = sqlite_path(store.uri)
    if path is None or database is None or path.is_file():
        return path
    found = beside(database, path)
    return found if found.is_file() else path


def _cause(store: MlflowStore, run_id: str, name: str, error: Exception) -> Exception | None:
    """What kept a file from being fetched; None where the artifact store has no such file.

    MLflow's download says of every failure that the path may be wrong, and stores refuse a missing file in many ways. A list of the files
    is plain: it fails of what is really wrong, or it has the file, or it has not.
    """
    parent = PurePosixPath(name).parent
    try:
        found = store.client.list_artifacts(run_id, None if parent == PurePosixPath(".") else str(parent))
    except Exception as refused:
        return refused
    return error if name in {file.path for file in found} else None
