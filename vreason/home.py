"""Where a user's own files go on a machine that gives the user no home: a container with ``--user 54321``, a service without HOME."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path


def temporary_folder() -> Path:
    """A folder of the current user's own among the temporary ones, made if it is not there; nobody else may read it.

    Raises:
        OSError: there is no place for temporary files, or a folder of that name is somebody else's.
    """
    own = Path(tempfile.gettempdir()) / f"vreason-track-{os.getuid()}"
    own.mkdir(mode=0o700, exist_ok=True)
    if own.is_symlink() or own.stat().st_uid != os.getuid():
        raise PermissionError(errno.EPERM, "it is somebody else's", str(own))
    return own


def require_home() -> None:
    """Name `temporary_folder` in HOME where nothing tells what the home folder is: MLflow cannot even be imported without one.

    Where no temporary folder can be used either, it stays as it is.
    """
    try:
        Path.home()
    except RuntimeError:
        try:
            os.environ["HOME"] = str(temporary_folder())
        except OSError:
            return
