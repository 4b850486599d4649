"""What others add: objectives, benchmarks, model families and listeners of installed packages, and functions named in a config.

An installed package offers something by an entry point of one of the groups below; a config names it by the entry point's name. Where a
function is enough, a config may name it as ``module:attribute`` instead; modules of the current folder are found. Nothing is imported
before it is used, so that a plug-in that cannot be loaded is in nobody's way. Loads without torch.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from vreason.errors import PluginError

MODELS, BENCHMARKS, OBJECTIVES, LISTENERS = "vreason.models", "vreason.benchmarks", "vreason.objectives", "vreason.listeners"
GROUPS = (MODELS, BENCHMARKS, OBJECTIVES, LISTENERS)
_REFERENCE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")


@dataclass(frozen=True)
class Plugin:
    """Something that an installed package offers.

    Attributes:
        group: one of `GROUPS`.
        name: by which a config, or a model's ``model_type``, names it.
        value: "module:attribute" that holds it.
        distribution: the package and its version, such as "vreason-llava 0.3".
    """

    group: str
    name: str
    value: str
    distribution: str

    def load(self) -> Any:
        """Import it.

        Raises:
            PluginError: it cannot be imported; the message names the distribution, which should be upgraded or removed.
        """
        try:
            return EntryPoint(self.name, self.value, self.group).load()
        except Exception as error:  # whatever somebody else's module raises
            what = f"plug-in {self.name!r} ({self.group}, {self.value}) of {self.distribution} cannot be loaded"
            raise PluginError(f"{what}: {type(error).__name__}: {error}; upgrade or remove that package") from error


def plugins(group: str) -> list[Plugin]:
    """What installed packages offer in a group, by name. Nothing is imported."""
    return list(_offered(group, tuple((folder, _changed(folder)) for folder in sys.path)))


@lru_cache(maxsize=16)
def _offered(group: str, state: tuple[tuple[str, int], ...]) -> tuple[Plugin, ...]:
    """Read once while the folders of packages (`state`) stay as they are: to read all of them takes longer than to draw a token."""
    found = {Plugin(group, each.name, each.value, _distribution(each)) for each in entry_points(group=group)}
    return tuple(sorted(found, key=lambda plugin: (plugin.name, plugin.distribution)))


def _changed(folder: str) -> int:
    """When something was last installed into, or removed from, a folder, nanoseconds; -1 where there is none."""
    try:
        return os.stat(folder or ".").st_mtime_ns
    except OSError:
        return -1


def _distribution(entry: EntryPoint) -> str:
    try:
        name, version = (entry.dist.name, entry.dist.version) if entry.dist is not None else (None, None)
    except Exception:  # a folder without METADATA, as an interrupted installation leaves it; versions of Python differ in what they raise
        name = version = None
    return f"{name} {version}" if name else "a package without a name"


def find_plugin(group: str, name: str) -> Plugin | None:
    """The plug-in of this name; None when no package offers one.

    Raises:
        PluginError: several packages offer it; the message names them.
    """
    found = [plugin for plugin in plugins(group) if plugin.name == name]
    if len(found) > 1:
        offered = " and ".join(plugin.distribution for plugin in found)
        raise PluginError(f"plug-in {name!r} ({group}) is offered by {offered}; remove all but one of these packages")
    return found[0] if found else None


def is_reference(text: str) -> bool:
    """Whether a text is of the form ``module:attribute``."""
    return _REFERENCE.fullmatch(text) is not None


def reference_issue(text: str) -> str | None:
    """What is wrong with a ``module:attribute`` as far as can be seen without importing its module; None when nothing is."""
    module = text.partition(":")[0]
    with _current_folder():
        try:
            if module in sys.modules or importlib.util.find_spec(module) is not None:
                return None
        except Exception as error:  # the package that holds it is imported, and raises whatever it likes
            absent = isinstance(error, ModuleNotFoundError) and f"{module}.".startswith(f"{error.name}.")
            if not absent:
                return f"module {module!r} cannot be found: {type(error).__name__}: {error}; fix the package that holds it"
    return f"there is no module {module!r}; install it, or start from the folder that holds it"


def load_reference(text: str, field: str) -> Any:
    """What a ``module:attribute`` names.

    Args:
        text: the reference.
        field: of the config, for the message.

    Raises:
        PluginError: the module cannot be imported, or has no such attribute.
    """
    module, _, attribute = text.partition(":")
    with _current_folder():
        try:
            found: Any = importlib.import_module(module)
            for name in attribute.split("."):
                if not hasattr(found, name):
                    raise PluginError(f"{field}: module {module!r} has no {attribute!r}; check the name behind the colon")
                found = getattr(found, name)
        except PluginError:
            raise
        except Exception as error:  # whatever a user's module raises
            raise PluginError(f"{field}: {text!r} cannot be loaded: {type(error).__name__}: {error}; fix the module") from error
    return found


def load_plugin(group: str, name: str, field: str) -> Any:
    """What a config's name stands for: a plug-in of the group, or a ``module:attribute``.

    Raises:
        PluginError: there is none, or it cannot be loaded.
    """
    if is_reference(name):
        return load_reference(name, field)
    plugin = find_plugin(group, name)
    if plugin is None:
        offered = ", ".join(each.name for each in plugins(group)) or "none"
        raise PluginError(f"{field}: no installed package offers {name!r} ({group}); there are: {offered}; or write module:attribute")
    return plugin.load()


@contextmanager
def _current_folder() -> Iterator[None]:
    """The current folder's modules can be imported, after everything that is installed."""
    here = os.getcwd()
    if here in sys.path or "" in sys.path:
        yield
        return
    sys.path.append(here)
    try:
        yield
    finally:
        sys.path.remove(here)
