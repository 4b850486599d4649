"""Throw-away distributions, installed as pip installs them: a module beside a `*.dist-info` folder, in a folder on the path."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

Entries = Mapping[str, Mapping[str, str]]
"""By group, the entry points: names and "module:attribute"."""


class SitePackages:
    """What a test installs, each distribution in a folder of its own, first on the path.

    Args:
        folder: where they are made.
        patch: puts them on the path and takes them off it again.
    """

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self._folder, self._patch = folder, patch
        self._modules: set[str] = set()

    def install(self, name: str, entries: Entries, version: str = "1.0", metadata: bool = True, **modules: str) -> Path:
        """A distribution and its modules; returns its folder.

        Args:
            name: of the distribution.
            entries: what it offers.
            version: of the distribution.
            metadata: whether there is a METADATA file, which an interrupted installation may lack.
            modules: source texts, by module.
        """
        place = self._folder / f"site-{name}-{version}"
        info = place / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir(parents=True)
        if metadata:
            (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        lines = []
        for group, offered in entries.items():
            lines += [f"[{group}]", *(f"{key} = {value}" for key, value in offered.items())]
        (info / "entry_points.txt").write_text("\n".join(lines) + "\n")
        self.write(place, **modules)
        self._patch.syspath_prepend(str(place))
        return place

    def write(self, place: Path, **modules: str) -> Path:
        """Modules alone, in a folder that is on no path; returns the folder."""
        place.mkdir(parents=True, exist_ok=True)
        for module, text in modules.items():
            (place / f"{module}.py").write_text(text)
        self._modules |= set(modules)
        importlib.invalidate_caches()
        return place

    def work_in(self, **modules: str) -> Path:
        """Make a folder with these modules the current one; returns it."""
        place = self.write(self._folder / "work", **modules)
        self._patch.chdir(place)
        return place

    def forget(self) -> None:
        """No module of these is loaded any more."""
        for module in list(sys.modules):
            if module.split(".")[0] in self._modules:
                del sys.modules[module]
        importlib.invalidate_caches()
