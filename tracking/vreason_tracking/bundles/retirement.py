"""A version that nobody shall use any more: its aliases go, its files and its record stay."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from vreason.errors import TrackingError
from vreason_tracking.bundles.registry import Registry, Version
from vreason_tracking.records import RETIRED_BY_TAG, RETIRED_TAG, user_name


def retire(registry: Registry, reference: str, reason: str, *, with_aliases: bool = False) -> Version:
    """Retire a version.

    Args:
        registry: of the models.
        reference: the version.
        reason: stays on it.
        with_aliases: whether it is retired although aliases point at it; they are taken away.

    Raises:
        TrackingError: there is none such, it is retired already, or aliases point at it.
    """
    version = registry.find(reference)
    if version.retired:
        raise TrackingError(f"{version.label} is retired already: {version.retired}")
    if version.aliases and not with_aliases:
        names = ", ".join(f"@{alias}" for alias in version.aliases)
        raise TrackingError(f"{version.label} is {names}: let another version have that first (`model promote`), or add --with-aliases")
    for alias in version.aliases:
        registry.remove_alias(version, alias)
    registry.enter("model.retired", f"model:{version.label}", reason.strip())
    by = json.dumps({"by": user_name(), "at": datetime.now(UTC).isoformat(timespec="seconds"), "aliases": list(version.aliases)})
    registry.tag(version, {RETIRED_TAG: reason.strip()[:4900], RETIRED_BY_TAG: by})
    return registry.find(version.label)
