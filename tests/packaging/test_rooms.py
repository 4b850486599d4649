"""Rooms: the folders of vreason/ and tracking/vreason_tracking/. Others import what a room exports, never its modules."""

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

ROOMS = sorted(f"{package}.{path.parent.name}" for package, home in HOMES.items() for path in home.glob("*/__init__.py"))


def folder_of(room: str) -> Path:
    package, _, name = room.partition(".")
    return HOMES[package] / name


def module_name(path: Path, base: Path) -> str:
    parts = path.relative_to(base).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room_of(module: str) -> str | None:
    """The room that a module is, or lies in."""
    room = ".".join(module.split(".")[:2])
    return room if room in ROOMS else None


def exported(room: str) -> set[str]:
    """The names that the stub of a room, or of a package, lists."""
    tree = ast.parse((folder_of(room) / "__init__.pyi").read_text(encoding="utf-8"))
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


def trespasses(module: str, tree: ast.Module, *, is_package: bool = False) -> list[str]:
    """Imports that reach into another room's modules, or name what it does not export."""
    found = []
    for line, source, name in imports(module, tree, is_package=is_package):
        whole = source if name is None else f"{source}.{name}"
        room = room_of(whole)
        if room is None or room == room_of(module) or whole == room or (source == room and name in exported(room)):
            continue
        found.append(f"{module}:{line}: {whole}")
    return found


def test_there_are_rooms():
    """The walk below finds rooms and files at all."""
    assert {"vreason.method", "vreason.video", "vreason_tracking.catalog", "vreason_tracking.journal"} <= set(ROOMS)
    assert set(SOURCES) == {path.relative_to(ROOT).parts[0] for _, _, path in sources()}


def test_no_room_is_entered_but_by_its_door():
    """No file imports a module of another room, or a name that the room does not export."""
    found = [each for module, tree, path in sources() for each in trespasses(module, tree, is_package=path.name == "__init__.py")]
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
def test_what_counts_as_entering(module, text, expected):
    """Modules and unlisted names of another room are found, wherever the import stands and however it is written."""
    found = trespasses(module, ast.parse(text), is_package=module == "vreason_tracking.delivery")
    assert expected == [each.rpartition(" ")[2] for each in found]


@pytest.mark.parametrize("room", ROOMS)
def test_every_name_that_a_room_lists_is_there(room):
    """Each can be imported at run time, and `dir` shows it."""
    module = importlib.import_module(room)
    names = exported(room)
    assert names
    assert [] == [name for name in sorted(names) if not hasattr(module, name)]
    assert names <= set(dir(module))


@pytest.mark.parametrize("room", ["vreason", *ROOMS])
def test_all_is_sorted_and_complete(room):
    """`__all__` has exactly the names of the stub, sorted."""
    assert sorted(exported(room)) == list(importlib.import_module(room).__all__)


@pytest.mark.parametrize("room", ROOMS)
def test_every_room_says_what_it_is_for(room):
    """Its docstring is a sentence at least, and names no file that is not there."""
    text = importlib.import_module(room).__doc__ or ""
    assert text.strip().split("\n")[0]
    named = {word.strip("`,;:()") for word in text.split() if word.strip("`,;:()").endswith(".py")}
    assert set() == {name for name in named if not (folder_of(room) / name).is_file()}


@pytest.mark.parametrize("home", HOMES)
def test_every_folder_is_a_room(home):
    """A folder with source files in it has an `__init__` with a stub beside it."""
    folders = {path.parent for path in HOMES[home].glob("*/*.py")}
    missing = [path.name for path in sorted(folders) if not (path / "__init__.py").is_file() or not (path / "__init__.pyi").is_file()]
    assert [] == missing
