"""The listeners that a config names: loaded before anything else, so that one that cannot be is found at once."""

from __future__ import annotations

from collections.abc import Sequence

from vreason.errors import PluginError
from vreason.listeners import Listener
from vreason.plugins import LISTENERS, load_plugin


def load_listeners(names: Sequence[str]) -> list[Listener]:
    """A listener for each name: of an installed package, or "module:Class". A class is made without arguments.

    Raises:
        PluginError: one cannot be loaded, or is no `vreason.Listener`.
    """
    return [_made(name, index) for index, name in enumerate(names)]


def _made(name: str, index: int) -> Listener:
    field = f"listeners.{index}"
    found = load_plugin(LISTENERS, name, field)
    try:
        made = found() if callable(found) else found
    except Exception as error:  # whatever somebody else's class raises
        raise PluginError(f"{field}: {name!r} cannot be made: {type(error).__name__}: {error}") from error
    if not isinstance(made, Listener):
        raise PluginError(f"{field}: {name!r} is a {type(made).__name__}; name a subclass of vreason.Listener")
    return made
