"""Can what other packages offer be loaded? One check a plug-in, none where nothing is installed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from vreason.errors import PluginError
from vreason.plugins import GROUPS, Plugin, plugins
from vreason_tracking.health.check import Check, described


def plugin_checks() -> Iterator[Check]:
    """Load every plug-in. A failure stops nothing but runs that use that plug-in."""
    for group in GROUPS:
        found = plugins(group)
        counts = Counter(plugin.name for plugin in found)
        for plugin in found:
            yield _twice(plugin, found) if counts[plugin.name] > 1 else _loaded(plugin)


def _loaded(plugin: Plugin) -> Check:
    where = f"{plugin.group}, {plugin.value} of {plugin.distribution}"
    try:
        plugin.load()
    except PluginError as error:
        hint = f"upgrade or remove {plugin.distribution}; until then only runs that use {plugin.name} fail"
        return Check(_name(plugin), "failure", f"{where}: {described(error.__cause__ or error)}", hint)
    return Check(_name(plugin), "ok", where)


def _twice(plugin: Plugin, found: list[Plugin]) -> Check:
    """Two packages offer the same name: a run that uses it is refused, for nobody can tell which one is meant."""
    others = " and ".join(each.distribution for each in found if each.name == plugin.name and each != plugin)
    hint = f"remove all but one of the packages that offer {plugin.name}"
    return Check(_name(plugin), "failure", f"{plugin.group}, {plugin.value} of {plugin.distribution}: also offered by {others}", hint)


def _name(plugin: Plugin) -> str:
    return f"plug-in {plugin.name}"
