"""Is this installation able to run and to record? One `Check` per fact, each with what to do when it is not well.

No database is created or migrated; only temporary files are written. Each check imports what it needs: a broken package spoils one check.
"""

from __future__ import annotations

import importlib.metadata
import platform
import re
import shlex
import shutil
import sqlite3
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from vreason_tracking.telemetry import NO_DRIVER, MemorySampler

State = Literal["ok", "warning", "failure"]
PACKAGES = ("torch", "torchvision", "transformers", "decord", "mlflow")
MLFLOW = '"mlflow>=3.17,<4"'
LOW_DISK, NO_DISK = 2_000_000_000, 200_000_000  # bytes free: below the first a warning, below the second a failure
QUICK_CHECK = 100_000_000  # bytes: larger database files are opened but not read through
PATIENCE = 3  # seconds to wait for a server or a lock


@dataclass(frozen=True)
class Check:
    """One fact about the installation. `mend` says what to do, and is empty only when `state` is "ok"."""

    name: str
    state: State
    detail: str
    mend: str = ""


def checks(tracking_uri: str) -> Iterator[Check]:
    """Every check, one after the other, with passwords masked. Raises nothing: a check that breaks is a failure with its reason.

    `tracking_uri` is MLflow's: sqlite:///file, http(s)://host, or another SQLAlchemy URL.
    """
    looks: tuple[tuple[str, str, Callable[[], Iterable[Check]]], ...] = (
        ("python", "install Python 3.11 or newer", python),
        ("package", "install again: `pip install --force-reinstall vreason-track`", packages),
        ("torchvision", "install the torchvision that belongs to this torch, see the table in torchvision's README", torchvision),
        ("device", "install the torch build for this machine: https://pytorch.org/get-started/locally", device),
        ("gpu memory", "see what `nvidia-smi` says; runs go on and record resident memory instead", gpu_memory),
        ("decord", "`pip install --force-reinstall decord`", decord),
        ("tracking", "check --tracking-uri, such as sqlite:///mlflow.db or http://127.0.0.1:5000", lambda: tracking(tracking_uri)),
        ("folder", "choose a folder that this user may write to", lambda: folder(tracking_uri)),
    )
    for name, mend, look in looks:
        try:
            for check in look():
                yield replace(check, detail=_masked(check.detail), mend=_masked(check.mend))
        except Exception as error:
            yield Check(name, "failure", _masked(_reason(error)), mend)


def _reason(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:300]}" if lines else type(error).__name__


def _masked(text: str) -> str:
    """`text` without the passwords of the addresses in it."""
    text = re.sub(r"(://[^\s:/@]*):(?!\d+/)\S*@", r"\1:***@", text)
    return re.sub(r"(?i)(password=)[^&\s]+", r"\1***", text)


def python(version: tuple[int, ...] = sys.version_info[:3]) -> Iterator[Check]:
    """The interpreter."""
    text = f"{'.'.join(map(str, version))} on {platform.platform()}"
    yield Check("python", "ok", text) if version >= (3, 11) else Check("python", "failure", text, "install Python 3.11 or newer")


def packages(names: Iterable[str] = PACKAGES) -> Iterator[Check]:
    """The installed versions, held against what this package asks for."""
    from packaging.requirements import Requirement

    wanted = {need.name: need for need in map(Requirement, importlib.metadata.requires("vreason-track") or ()) if not need.marker}
    for name in names:
        need = wanted.get(name, Requirement(name))
        version = next((found.version for found in importlib.metadata.distributions(name=name)), "")
        if version and need.specifier.contains(version, prereleases=True):
            yield Check(f"package {name}", "ok", version)
        else:
            detail = f"{version} is outside {need.specifier}" if version else "not installed"
            yield Check(f"package {name}", "failure", detail, f'`pip install "{need}"`')


def torchvision() -> Iterator[Check]:
    """Whether torchvision's compiled operators belong to this torch."""
    from vreason.torchvision_shim import ensure_torchvision

    declared = ensure_torchvision()
    import torchvision  # noqa: F401 - fails here when it is broken in a way that declared operators do not mend

    shim = "made for another torch build; vreason.torchvision_shim declared nms and qnms, which is enough for video inputs"
    yield Check("torchvision", "ok", shim if declared else "its compiled operators load")


def device() -> Iterator[Check]:
    """Where torch computes, tried with one sum."""
    import torch

    build = f"CUDA {torch.version.cuda}" if torch.version.cuda else f"ROCm {torch.version.hip}" if torch.version.hip else "CPU"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a CUDA build without a driver warns; the check of the GPU's memory says it better
        cuda = torch.cuda.is_available()
    name = "cuda" if cuda else "mps" if torch.backends.mps.is_available() else "cpu"
    torch.ones(8, device=name).sum().item()  # raises where the build has no code for this device
    names = ", ".join(torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())) if cuda else platform.machine()
    yield Check("device", "ok", f"{name} ({names}); torch built for {build}")


def gpu_memory() -> Iterator[Check]:
    """Whether the NVIDIA driver answers, and which source of memory readings a run would use."""
    import pynvml
    import torch

    try:
        pynvml.nvmlInit()
    except Exception as error:
        if type(error).__name__ not in NO_DRIVER:
            raise
        mend = "nothing on a machine without an NVIDIA GPU; else install the driver, and start containers with `--gpus all`"
        yield Check("gpu memory", "warning", "no NVIDIA driver: runs record this process's resident memory (rss)", mend)
        return
    driver = pynvml.nvmlSystemGetDriverVersion()
    pynvml.nvmlShutdown()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the check's own line says it
        with MemorySampler() as meter:
            source = (meter.latest() or (0, "none"))[1]
        cuda = torch.cuda.is_available()
    mend = "see what `nvidia-smi` says" if meter.last_error else ""
    if not meter.device_names():
        mend = mend or "look at CUDA_VISIBLE_DEVICES, and start containers with `--gpus all`"
    elif not cuda:
        mend = mend or "install a CUDA build of torch: https://pytorch.org/get-started/locally"
    words = [f"driver {driver}", ", ".join(meter.device_names()) or "no visible GPU", f"source {source}", meter.last_error or ""]
    yield Check("gpu memory", "warning" if mend else "ok", "; ".join(filter(None, words)), mend)


def decord() -> Iterator[Check]:
    """Whether decord reads a clip; the clip is written with PyAV where that is installed."""
    import decord
    import numpy as np

    try:
        import av
    except ImportError:
        yield Check("decord", "ok", f"{decord.__version__} imports; no clip was read, PyAV is not there to write one")
        return
    levels = (0, 80, 160, 240)
    with tempfile.TemporaryDirectory() as place:
        with av.open(f"{place}/clip.mp4", "w") as clip:
            stream = clip.add_stream("mpeg4", rate=4)
            stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
            for level in levels:
                clip.mux(stream.encode(av.VideoFrame.from_ndarray(np.full((32, 32, 3), level, np.uint8), format="rgb24")))
            clip.mux(stream.encode())
        read = decord.VideoReader(f"{place}/clip.mp4", num_threads=1).get_batch([0, 1, 2, 3]).asnumpy().mean(axis=(1, 2, 3))
    if np.abs(read - levels).max() > 12:
        raise ValueError(f"read grey levels {read.round()} where {levels} were written")
    yield Check("decord", "ok", f"{decord.__version__} read a clip of 4 frames")


def tracking(uri: str) -> Iterator[Check]:
    """The tracking database or server, and its schema."""
    if uri.startswith(("http://", "https://")):
        yield _server(uri.rstrip("/"))
        return
    if "://" not in uri or uri.startswith("file:"):
        detail = f"{uri!r} is a folder, and MLflow keeps runs in databases now"
        yield Check("tracking", "failure", detail, "give a URI such as sqlite:///mlflow.db")
        return
    import sqlalchemy

    address = sqlalchemy.make_url(uri)
    if address.get_backend_name() == "sqlite":
        yield from _sqlite(uri, address.database or ":memory:")
        return
    timeout = {"connect_timeout": PATIENCE} if address.get_backend_name() in ("postgresql", "mysql") else {}
    try:
        engine = sqlalchemy.create_engine(address, poolclass=sqlalchemy.NullPool, connect_args=timeout)
    except ModuleNotFoundError as error:
        yield Check("database", "failure", f"{uri} needs the driver {error.name}", f"`pip install {error.name}`")
        return
    engine.connect().close()
    yield Check("database", "ok", f"{uri} accepts a connection")
    yield _schema(engine, uri)


def _sqlite(uri: str, database: str) -> Iterator[Check]:
    """An SQLite file, opened as a run would open it, but not changed."""
    import sqlalchemy

    path = Path(database).absolute()
    if database == ":memory:":
        yield Check("database", "warning", "in memory: nothing is kept", "give a file, such as sqlite:///mlflow.db")
        return
    if not path.exists():
        yield Check("database", "ok", f"{path} will be created")
        return
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, timeout=PATIENCE)) as connection:
            mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
            if path.stat().st_size <= QUICK_CHECK and (found := connection.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
                raise sqlite3.DatabaseError(found.splitlines()[-1])
            connection.execute("BEGIN IMMEDIATE")  # takes the write lock and writes nothing
    except sqlite3.DatabaseError as error:
        busy = "locked" in str(error)
        mend = "another process is writing; try again later" if busy else "restore this file from a backup, or give another --tracking-uri"
        yield Check("database", "warning" if busy else "failure", f"{path}: {error}", mend)
        return
    yield Check("database", "ok", f"{path} can be read and written")
    switch = f"import sqlite3; sqlite3.connect({str(path)!r}).execute('PRAGMA journal_mode=WAL')"
    slow = f"{mode}: a run's readers and its writer wait for each other"
    wal = Check("journal mode", "ok", mode)
    yield wal if mode == "wal" else Check("journal mode", "warning", slow, f"`python -c {shlex.quote(switch)}`")
    yield _schema(sqlalchemy.create_engine(uri, poolclass=sqlalchemy.NullPool), uri)


def _schema(engine: Any, uri: str) -> Check:
    """The database's schema held against the installed MLflow's."""
    import mlflow
    import sqlalchemy
    from alembic.script import ScriptDirectory
    from mlflow.store.db import utils as store

    head, current = store._get_latest_schema_revision(), store._get_schema_version(engine)
    if current == head:
        return Check("schema", "ok", f"revision {current}, that of MLflow {mlflow.__version__}")
    if current is None:
        tables = len(sqlalchemy.inspect(engine).get_table_names())
        if tables == 0:
            return Check("schema", "ok", "an empty database; MLflow will create its tables")
        mend = "give the URI of an MLflow database, or of one that does not exist yet"
        return Check("schema", "warning", f"{tables} tables, and none of them names a revision of MLflow's", mend)
    if current not in {script.revision for script in ScriptDirectory.from_config(store._get_alembic_config("")).walk_revisions()}:
        mend = f"`pip install -U {MLFLOW}`, or give another --tracking-uri"
        return Check("schema", "failure", f"revision {current} is unknown to MLflow {mlflow.__version__}: newer, or not MLflow's", mend)
    mend = f"back the database up, then `mlflow db upgrade {shlex.quote(uri)}`"
    return Check("schema", "failure", f"revision {current}; MLflow {mlflow.__version__} needs {head}", mend)


def _server(uri: str) -> Check:
    """An MLflow server, asked with the credentials that a run would use."""
    from mlflow.utils.credentials import get_default_host_creds
    from mlflow.utils.rest_utils import http_request
    from packaging.version import Version

    quick = {"max_retries": 0, "timeout": PATIENCE, "raise_on_status": False}
    try:
        health, version = (http_request(get_default_host_creds(uri), path, "GET", **quick) for path in ("/health", "/version"))
    except Exception as error:
        return Check("server", "failure", f"{uri} does not answer: {_reason(error)}", f"start it, or fix the address: `curl {uri}/health`")
    text = version.text.strip()
    if version.status_code in (401, 403):
        return Check("server", "failure", f"{uri} asks for a login", "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD")
    if health.status_code != 200 or version.status_code != 200 or not re.fullmatch(r"\d+\.\d+[\w.]*", text):
        detail = f"{uri} is no healthy MLflow server: /health {health.status_code}, /version {version.status_code}"
        return Check("server", "failure", detail, "check the address, and read the server's log")
    if Version(text) < Version("3.17"):
        return Check("server", "warning", f"{uri} runs MLflow {text}", f"upgrade it there: `pip install -U {MLFLOW}`")
    return Check("server", "ok", f"{uri} runs MLflow {text}")


def folder(uri: str) -> Iterator[Check]:
    """The folder that a run fills (the SQLite file's, else the current one): writable, and room on its disk."""
    database = uri.removeprefix("sqlite:///").split("?")[0] if uri.startswith("sqlite:///") else ""
    place = Path(database).absolute().parent if database not in ("", ":memory:") else Path.cwd()
    there = next(parent for parent in (place, *place.parents) if parent.exists())
    try:
        tempfile.TemporaryFile(dir=there).close()
    except OSError as error:
        yield Check("folder", "failure", f"{place} cannot be written: {error.strerror}", "choose a folder that this user may write to")
        return
    yield Check("folder", "ok", f"{place} can be written" if there == place else f"{place} can be created")
    yield disk(there, shutil.disk_usage(there).free)


def disk(place: Path, free: int) -> Check:
    """Room on the disk of `place`; `free` in bytes."""
    state: State = "failure" if free < NO_DISK else "warning" if free < LOW_DISK else "ok"
    mend = "" if state == "ok" else f"make room, or choose a folder on another disk; {LOW_DISK / 1e9:g} GB are enough"
    return Check("disk", state, f"{free / 1e9:.1f} GB free at {place}", mend)
