from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pynvml
import pytest
import torch

from tests.helpers.nvml import FakeGpu, FakeNvml
from vreason_tracking.health import checks as health
from vreason_tracking.health.check import Check
from vreason_tracking.health.checks import run_checks


def states(found: dict[str, Check]) -> dict[str, str]:
    return {name: check.state for name, check in found.items()}


def test_a_healthy_store_has_no_failure_and_every_other_line_says_what_to_do(tracking_uri: str) -> None:
    """On this machine every check but the GPU's is well, and exactly the checks that are not well carry a hint."""
    found = list(run_checks(tracking_uri))
    named = ["python", *(f"package {name}" for name in health.PACKAGES), "torchvision", "device", "gpu memory", "decord"]
    assert [*named, "database", "journal mode", "schema", "folder", "disk"] == [check.name for check in found]
    assert set() == {check.name for check in found if check.state != "ok"} - {"gpu memory", "disk"}
    assert [] == [check for check in found if (check.state == "ok") != (check.hint == "") or not check.detail]


def test_an_absent_database_is_not_made(tmp_path: Path) -> None:
    """Looking creates no file and no folder."""
    list(run_checks(f"sqlite:///{tmp_path}/deep/absent.db"))
    assert [] == list(tmp_path.iterdir())


def test_a_check_that_breaks_is_a_failure_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A package that cannot be imported spoils its own line only, with the reason and the hint."""
    monkeypatch.setitem(sys.modules, "decord", None)
    found = {check.name: check for check in run_checks(f"sqlite:///{tmp_path}/mlflow.db")}
    assert ("failure", "`pip install --force-reinstall decord`") == (found["decord"].state, found["decord"].hint)
    assert found["decord"].detail.startswith("ModuleNotFoundError: ")
    assert {"database": "ok", "folder": "ok"}.items() <= states(found).items()


@pytest.mark.parametrize("uri", ["", "mlruns", "file:///x", "foo://x", "sqlite:", "http://", "://", "postgresql+psycopg://u@127.0.0.1:1/x"])
def test_an_impossible_address_is_a_failure_with_a_mend(uri: str) -> None:
    """No address, however wrong, ends in a traceback."""
    failures = [check for check in run_checks(uri) if check.state == "failure"]
    assert 1 == len(failures)
    assert "" != failures[0].hint


@pytest.mark.parametrize(("version", "state"), [((3, 10, 9), "failure"), ((3, 11, 0), "ok"), ((4, 0, 0), "ok")])
def test_python(version: tuple[int, int, int], state: str) -> None:
    """Python below 3.11 is a failure."""
    assert [state] == [check.state for check in health.python(version)]


def test_a_missing_package_is_a_failure() -> None:
    """The line of a package that is not installed gives the command that installs it."""
    (check,) = health.packages(["no-such-thing"])
    assert Check("package no-such-thing", "failure", "not installed", '`pip install "no-such-thing"`') == check


def test_a_package_outside_the_declared_range_is_a_failure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An installed version is held against what this package's own metadata asks for."""
    (tmp_path / "mlflow-2.0.dist-info").mkdir()
    (tmp_path / "mlflow-2.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: mlflow\nVersion: 2.0\n")
    monkeypatch.syspath_prepend(tmp_path)
    (check,) = health.packages(["mlflow"])
    assert ("failure", "2.0 is outside <4,>=3.17", '`pip install "mlflow<4,>=3.17"`') == (check.state, check.detail, check.hint)


def test_torchvision_tells_whether_the_operators_were_declared() -> None:
    """The line agrees with the shim."""
    from vreason.models.torchvision_shim import ensure_torchvision

    (check,) = health.torchvision()
    assert ("ok", ensure_torchvision()) == (check.state, "declared nms" in check.detail)


def test_without_a_driver_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without a driver is warned that resident memory is recorded."""
    monkeypatch.setitem(sys.modules, "pynvml", FakeNvml(faults={"nvmlInit": pynvml.NVML_ERROR_LIBRARY_NOT_FOUND}))
    (check,) = health.gpu_memory()
    assert ("warning", "no NVIDIA driver: runs record this process's resident memory (rss)") == (check.state, check.detail)


def test_a_broken_driver_is_a_failure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A driver that is there and does not start is told apart from none."""
    monkeypatch.setitem(sys.modules, "pynvml", FakeNvml(FakeGpu(), faults={"nvmlInit": pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH}))
    (check,) = [check for check in run_checks(f"sqlite:///{tmp_path}/mlflow.db") if check.name == "gpu memory"]
    assert "failure" == check.state
    assert check.detail.startswith("NVMLError_LibRmVersionMismatch")


def test_a_gpu_is_named_with_its_source(monkeypatch: pytest.MonkeyPatch) -> None:
    """Driver, name and source are told; a GPU that this torch cannot use is a warning."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setitem(sys.modules, "pynvml", FakeNvml(FakeGpu(name="NVIDIA H200", used=7)))
    (check,) = health.gpu_memory()
    assert "driver 570.86.15; NVIDIA H200; source nvml:device" == check.detail
    assert ("ok" if torch.cuda.is_available() else "warning") == check.state


def test_a_gpu_that_does_not_answer_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    """What NVML refused is told, with the source that a run falls back to."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    faults = dict.fromkeys(("nvmlDeviceGetComputeRunningProcesses", "nvmlDeviceGetMemoryInfo"), pynvml.NVML_ERROR_NO_PERMISSION)
    monkeypatch.setitem(sys.modules, "pynvml", FakeNvml(FakeGpu(), faults=faults))
    (check,) = health.gpu_memory()
    assert "warning" == check.state
    assert "source rss; NVMLError_NoPermission" in check.detail


def test_hidden_gpus_are_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    """GPUs hidden from CUDA point at CUDA_VISIBLE_DEVICES."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setitem(sys.modules, "pynvml", FakeNvml(FakeGpu()))
    (check,) = health.gpu_memory()
    assert ("warning", True) == (check.state, "CUDA_VISIBLE_DEVICES" in check.hint)


def test_without_pyav_decord_is_only_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without PyAV the line says that no clip was read."""
    monkeypatch.setitem(sys.modules, "av", None)
    (check,) = health.decord()
    assert ("ok", True) == (check.state, "no clip was read" in check.detail)


def test_no_line_shows_a_password() -> None:
    """Neither the detail nor the command of any line of a failing database shows its password."""
    for uri in ("http://ada:lace@127.0.0.1:9", "postgresql+psycopg://ada:lace@127.0.0.1:1/x", "foo://ada:lace@h/x"):
        assert [] == [check for check in run_checks(uri) if "lace" in check.detail + check.hint]


def test_importing_the_checks_imports_nothing_heavy() -> None:
    """`vreason-track --help` does not wait for torch, MLflow or the video readers."""
    heavy = {"torch", "mlflow", "sqlalchemy", "decord", "av", "numpy"}
    code = f"import sys, vreason_tracking.health; print(sorted({heavy} & set(sys.modules)))"
    assert "[]\n" == subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
