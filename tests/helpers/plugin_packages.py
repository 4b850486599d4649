"""Installed packages that offer plug-ins, as `pip install` would leave them: modules beside their metadata, in a folder to import from."""

from __future__ import annotations

from pathlib import Path

import pytest


def install(folder: Path, name: str, group: str, offers: dict[str, str], modules: dict[str, str] | None = None) -> Path:
    """A package of version 0.1 in `folder`; several packages may share one.

    Args:
        folder: made where it is not there.
        name: of the package, such as "vreason-other".
        group: of entry points, such as "vreason.objectives".
        offers: "module:attribute" by the name under which it is offered.
        modules: texts of modules by their names.
    """
    about = folder / f"{name.replace('-', '_')}-0.1.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.1\n")
    listed = "".join(f"{offered} = {value}\n" for offered, value in offers.items())
    (about / "entry_points.txt").write_text(f"[{group}]\n{listed}")
    for module, text in (modules or {}).items():
        (folder / f"{module}.py").write_text(text)
    return folder


def importable(folder: Path, patch: pytest.MonkeyPatch, *modules: str) -> None:
    """What lies in the folder can be imported until the test ends, these modules as if for the first time."""
    import sys

    patch.syspath_prepend(folder)
    for module in modules:
        patch.delitem(sys.modules, module, raising=False)
