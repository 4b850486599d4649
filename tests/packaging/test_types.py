"""The wheel's types: a program that uses the packages is checked by mypy --strict against what is installed, not against this tree."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).parents[2]
PACKAGES = {"vreason": "", "vreason_tracking": "tracking/", "vreason_cli": "cli/", "vreason_migrations": "migrations/"}
CONSUMER = """\
from pathlib import Path

from vreason import StepRecord, VReasonConfig, decode
from vreason_tracking.catalog import Catalog, Run
from vreason_tracking.journal import RunFolder, read_events
from vreason_tracking.settings import RunSettings, load_settings

settings: RunSettings = load_settings("config.yaml", overrides=["seed=1"], limit=8)
methods: list[VReasonConfig] = [VReasonConfig.preset("v-reason"), *(variant.method for variant in settings.resolved_variants())]
found: Run = Catalog(Path("vreason-journal"), settings.tracking.uri, None).find("v-reason")
entropies: list[float] = [event.entropy for event in read_events(RunFolder(Path("run"))) if isinstance(event, StepRecord)]
print(decode.__name__, methods, found.status.lower(), sum(entropies), settings.generation.max_new_tokens + 1)
"""
LEFT_OUT = ("torch", "transformers", "mlflow", "pyarrow", "sqlalchemy")  # they take a minute to read, and nothing here is theirs
CONFIG = "[mypy]\n" + "".join(f"[mypy-{name}.*]\nfollow_imports = skip\nignore_missing_imports = True\n" for name in LEFT_OUT)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The wheel, built as `pip` would have it built."""
    (path,) = WheelBuilder(str(ROOT)).build(directory=str(tmp_path_factory.mktemp("wheel")), versions=["standard"])
    return Path(path)


@pytest.fixture(scope="module")
def check(wheel, tmp_path_factory):
    """Checks a program in an environment that has the unpacked wheel and, behind it, what that depends on; returns what mypy says."""
    folder = tmp_path_factory.mktemp("consumer")
    venv.create(folder / "env", with_pip=False, symlinks=True)
    (packages,) = (folder / "env").glob("lib/python*/site-packages")
    zipfile.ZipFile(wheel).extractall(packages)
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    (folder / "mypy.ini").write_text(CONFIG)
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "MYPYPATH")}

    def run(program: str) -> list[str]:
        (folder / "consumer.py").write_text(program)
        options = ["--strict", "--config-file=mypy.ini", "--cache-dir=cache", f"--python-executable={folder}/env/bin/python"]
        command = [sys.executable, "-m", "mypy", *options, "consumer.py"]
        return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=280).stdout.splitlines()

    return run


@pytest.mark.parametrize("package", PACKAGES)
def test_a_wheel_carries_the_types(wheel, package):
    """Of each package: py.typed, and every stub that stands in the tree."""
    folder = ROOT / PACKAGES[package]
    stubs = {str(path.relative_to(folder)) for path in (folder / package).rglob("*.pyi")}
    assert set() == (stubs | {f"{package}/py.typed"}) - set(zipfile.ZipFile(wheel).namelist())


def test_the_rooms_have_stubs():
    """The two packages that others import from tell their names in stubs; the other two have none to tell."""
    found = {package: len(list((ROOT / folder / package).rglob("*.pyi"))) for package, folder in PACKAGES.items()}
    assert {"vreason", "vreason_tracking"} == {package for package, stubs in found.items() if stubs}


def test_a_program_that_is_right(check):
    """Settings, method, catalog and journal are typed well enough for --strict."""
    assert ["Success: no issues found in 1 source file"] == check(CONSUMER)


@pytest.mark.parametrize(
    ("right", "wrong", "code"),
    [
        ("limit=8", 'limit="many"', "arg-type"),
        ('preset("v-reason")', "preset(4)", "arg-type"),
        ("event.entropy", "event.entropie", "attr-defined"),
        ("found.status.lower()", "found.status + 1", "operator"),
        ("max_new_tokens + 1", "max_new_token + 1", "attr-defined"),
        ("import Catalog, Run", "import Catalog, Run, LocalRuns", "attr-defined"),
    ],
)
def test_a_program_that_is_wrong(check, right, wrong, code):
    """Each mistake is found, and nothing else."""
    assert 1 == CONSUMER.count(right)
    *errors, last = [line for line in check(CONSUMER.replace(right, wrong)) if ": note: " not in line]
    assert [code] == [re.search(r"\[([\w-]+)\]$", error)[1] for error in errors]
    assert last.startswith("Found 1 error in 1 file")
