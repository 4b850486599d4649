"""Subpackages: the folders of vreason/ and tracking/vreason_tracking/. Others import what a subpackage exports, never its modules."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HOMES = {"vreason": ROOT / "vreason", "vreason_tracking": ROOT / "tracking" / "vreason_tracking"}
SOURCES = {"vreason": ".", "tracking": "tracking", "cli": "cli", "migrations": "migrations", "perf": "."}
"""Folders of source files, and the folder from which their modules are named."""

SUBPACKAGES = sorted(f"{package}.{path.parent.name}" for package, home in HOMES.items() for path in home.glob("*/__init__.py"))


def folder_of(subpackage: str) -> Path:
    package, _, name = subpackage.partition(".")
    return HOMES[package] / name


def module_name(path: Path, base: Path) -> str:
    parts = path.relative_to(base).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def subpackage_of(module: str) -> str | None:
    """The subpackage that a module is, or lies in."""
    subpackage = ".".join(module.split(".")[:2])
    return subpackage if subpackage in SUBPACKAGES else None


def exported(subpackage: str) -> set[str]:
    """The names that the stub of a subpackage, or of a package, lists."""
    tree = ast.parse((folder_of(subpackage) / "__init__.pyi").read_text(encoding="utf-8"))
    return {alias.asname or alias.name for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names}


def sources() -> Iterator[tuple[str, ast.Module, Path]]:
    for folder, base in SOURCES.items():
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield module_name(path, (ROOT / base).resolve()), ast.parse(path.read_text(encoding="utf-8")), path


def imports(module: str, tree: ast.Module, *, is_package: bool) -> Iterator[tuple[int, str, str | None]]:
    """Line, module and name of all that is imported anywhere in a file, in functions and for type checkers too; no name for a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = module.split(".")[: -node.level + is_package or None] if node.level else []
            source = ".".join([*above, *([node.module] if node.module else [])])
            yield from ((node.lineno, source, alias.name) for alias in node.names)


def violations(module: str, tree: ast.Module, *, is_package: bool = False) -> list[str]:
    """Imports that reach into another subpackage's modules, or name what it does not export."""
    found = []
    for line, source, name in imports(module, tree, is_package=is_package):
        whole = source if name is None else f"{source}.{name}"
        subpackage = subpackage_of(whole)
        if (
            subpackage is None
            or subpackage == subpackage_of(module)
            or whole == subpackage
            or (source == subpackage and name in exported(subpackage))
        ):
            continue
        found.append(f"{module}:{line}: {whole}")
    return found


def test_there_are_subpackages():
    """The walk below finds subpackages and files at all."""
    assert {"vreason.method", "vreason.video", "vreason_tracking.catalog", "vreason_tracking.journal"} <= set(SUBPACKAGES)
    assert set(SOURCES) == {path.relative_to(ROOT).parts[0] for _, _, path in sources()}


def test_no_subpackage_is_imported_past_its_exports():
    """No file imports a module of another subpackage, or a name that the subpackage does not export."""
    found = [each for module, tree, path in sources() for each in violations(module, tree, is_package=path.name == "__init__.py")]
    assert [] == found


@pytest.mark.parametrize(
    ("module", "text", "expected"),
    [
        ("vreason_cli.main", "from vreason_tracking.journal.reader import recover", ["vreason_tracking.journal.reader.recover"]),
        ("vreason_cli.main", "from vreason_tracking.journal import reader", ["vreason_tracking.journal.reader"]),
        ("vreason_cli.main", "import vreason.models.loading", ["vreason.models.loading"]),
        ("vreason_tracking.delivery.worker", "from ..journal.reader import recover", ["vreason_tracking.journal.reader.recover"]),
        ("vreason_tracking.delivery", "from ..journal import reader", ["vreason_tracking.journal.reader"]),
        ("vreason_cli.main", "def f():\n    from vreason.models import secret", ["vreason.models.secret"]),
        ("vreason_cli.main", "from vreason_tracking.journal import recover\nfrom vreason.errors import DataError", []),
        ("vreason_cli.main", "from vreason_tracking import journal\nimport vreason.models\nimport vreason.config", []),
        ("vreason_tracking.journal.writer", "from vreason_tracking.journal.reader import recover\nfrom .reader import recover", []),
    ],
)
def test_what_counts_as_a_violation(module, text, expected):
    """Modules and unlisted names of another subpackage are found, wherever the import stands and however it is written."""
    found = violations(module, ast.parse(text), is_package=module == "vreason_tracking.delivery")
    assert expected == [each.rpartition(" ")[2] for each in found]


@pytest.mark.parametrize("subpackage", SUBPACKAGES)
def test_every_name_that_a_subpackage_lists_is_there(subpackage):
    """Each can be imported at run time, and `dir` shows it."""
    module = importlib.import_module(subpackage)
    names = exported(subpackage)
    assert names
    assert [] == [name for name in sorted(names) if not hasattr(module, name)]
    assert names <= set(dir(module))


@pytest.mark.parametrize("subpackage", ["vreason", *SUBPACKAGES])
def test_all_is_sorted_and_complete(subpackage):
    """`__all__` has exactly the names of the stub, sorted."""
    assert sorted(exported(subpackage)) == list(importlib.import_module(subpackage).__all__)


@pytest.mark.parametrize("subpackage", SUBPACKAGES)
def test_every_subpackage_says_what_it_is_for(subpackage):
    """Its docstring is a sentence at least, and names no file that is not there."""
    text = importlib.import_module(subpackage).__doc__ or ""
    assert text.strip().split("\n")[0]
    named = {word.strip("`,;:()") for word in text.split() if word.strip("`,;:()").endswith(".py")}
    assert set() == {name for name in named if not (folder_of(subpackage) / name).is_file()}


@pytest.mark.parametrize("home", HOMES)
def test_every_folder_is_a_subpackage(home):
    """A folder with source files in it has an `__init__` with a stub beside it."""
    folders = {path.parent for path in HOMES[home].glob("*/*.py")}
    missing = [path.name for path in sorted(folders) if not (path / "__init__.py").is_file() or not (path / "__init__.pyi").is_file()]
    assert [] == missing
