from __future__ import annotations

import re
import tomllib
import zipfile
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


@pytest.fixture(scope="module")
def wheel_names(tmp_path_factory) -> list[str]:
    (path,) = WheelBuilder(str(ROOT)).build(directory=str(tmp_path_factory.mktemp("wheel")), versions=["standard"])
    return zipfile.ZipFile(path).namelist()


def test_a_wheel_installs_four_packages_and_shadows_nobody(wheel_names):
    """The wheel's top level holds our four packages and its own metadata, no bare `tracking` or `cli`."""
    tops = {name.split("/")[0] for name in wheel_names}
    assert {"vreason", "vreason_tracking", "vreason_cli", "vreason_migrations"} == {top for top in tops if not top.endswith(".dist-info")}


def test_a_wheel_carries_the_demo_model(wheel_names):
    """Weights, tokenizer, processor and model card of the embedded default are in the wheel."""
    weights = {name.rpartition("/")[2] for name in wheel_names if name.startswith("vreason/demo/weights/")}
    assert {"model.safetensors", "config.json", "tokenizer.json", "processor_config.json", "chat_template.jinja", "README.md"} <= weights


def test_the_demo_weights_are_small():
    """At most 12 MB of safetensors are in the repository."""
    assert 12_000_000 >= sum(path.stat().st_size for path in ROOT.glob("vreason/**/*.safetensors"))


@pytest.mark.parametrize("folder", ["tracking", "cli", "migrations"])
def test_a_folder_is_not_a_package_itself(folder):
    """Folder x holds package vreason_x and no __init__.py of its own."""
    assert not (ROOT / folder / "__init__.py").exists()
    assert (ROOT / folder / f"vreason_{folder}" / "__init__.py").exists()


def test_every_dependency_is_pinned():
    """constraints.txt pins each package that pyproject.toml names, so that two clones get the same environment."""
    pinned = {line.split("==")[0].lower().replace("_", "-") for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line}
    extras = PROJECT["project"]["optional-dependencies"].values()
    named = [*PROJECT["project"]["dependencies"], *(line for extra in extras for line in extra)]
    wanted = {re.match(r"[\w.-]+", line)[0].lower().replace("_", "-") for line in named}
    assert set() == wanted - pinned
