"""Is this installation able to run and to record? One `Check` per fact, each with what to do when it is not well.

No database is created or migrated; only temporary files are written. Each check imports what it needs: a broken package spoils one check.
"""

from __future__ import annotations

import importlib.metadata
import platform
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from vreason_tracking.health.check import Check, described
from vreason_tracking.health.mlflow_store_check import store_checks
from vreason_tracking.health.place_check import place_checks, store_folder
from vreason_tracking.health.plugin_check import plugin_checks
from vreason_tracking.stores import redact_password
from vreason_tracking.telemetry import NO_DRIVER, MemorySampler

__all__ = ["Check", "run_checks"]

PACKAGES = ("torch", "torchvision", "transformers", "decord", "mlflow")


def run_checks(tracking_uri: str) -> Iterator[Check]:
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
        ("plug-ins", "upgrade or remove the packages that offer plug-ins, see `pip list`", plugin_checks),
        ("tracking", "check --tracking-uri, such as sqlite:///mlflow.db or http://127.0.0.1:5000", lambda: store_checks(tracking_uri)),
        ("folder", "choose a folder that this user may write to", lambda: place_checks(store_folder(tracking_uri))),
    )
    for name, hint, look in looks:
        try:
            for check in look():
                yield replace(check, detail=redact_password(check.detail), hint=redact_password(check.hint))
        except Exception as error:
            yield Check(name, "failure", redact_password(described(error)), hint)


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
    from vreason.models import ensure_torchvision

    declared = ensure_torchvision()
    import torchvision  # noqa: F401 - fails here when it is broken in a way that declared operators do not repair

    shim = "made for another torch build; vreason.models.torchvision_shim declared nms and qnms, which is enough for video inputs"
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
        hint = "nothing on a machine without an NVIDIA GPU; else install the driver, and start containers with `--gpus all`"
        yield Check("gpu memory", "warning", "no NVIDIA driver: runs record this process's resident memory (rss)", hint)
        return
    driver = pynvml.nvmlSystemGetDriverVersion()
    pynvml.nvmlShutdown()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the check's own line says it
        with MemorySampler() as meter:
            source = (meter.latest() or (0, "none"))[1]
        cuda = torch.cuda.is_available()
    hint = "see what `nvidia-smi` says" if meter.last_error else ""
    if not meter.device_names():
        hint = hint or "look at CUDA_VISIBLE_DEVICES, and start containers with `--gpus all`"
    elif not cuda:
        hint = hint or "install a CUDA build of torch: https://pytorch.org/get-started/locally"
    words = [f"driver {driver}", ", ".join(meter.device_names()) or "no visible GPU", f"source {source}", meter.last_error or ""]
    yield Check("gpu memory", "warning" if hint else "ok", "; ".join(filter(None, words)), hint)


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
