"""Sending many values of which a store may refuse a few: those are left out and named, and the others arrive."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from vreason_tracking.stores.store_errors import is_refused_value, is_unavailable, reason_of

_log = logging.getLogger(__name__)

_Item = TypeVar("_Item")
_LONGEST = 300  # characters of a reason


@dataclass(frozen=True)
class RefusedValue:
    """A value that a store does not take.

    Attributes:
        run_id: MLflow's id of the run that it was for.
        kind: "metric", "parameter" or "tag".
        name: of the metric, parameter or tag.
        reason: the store's.
    """

    run_id: str
    kind: str
    name: str
    reason: str


def send_all_but_refused(
    send: Callable[[list[_Item]], object], items: Sequence[_Item], takes_values: Callable[[], bool]
) -> list[tuple[_Item, str]]:
    """Send the items at once; where the store refuses them, by halves, until each one that it refuses is found.

    Args:
        send: sends some of them; raises where the store does not take them.
        items: what is to be sent.
        takes_values: whether the run that they are for is there and not deleted; asked where something was refused.

    Returns:
        Those that are refused, each with the store's reason.

    Raises:
        Exception: whatever `send` raises where that is no matter of the values: the store is unavailable or broken, or refuses the run.
    """
    if not items:
        return []
    try:
        send(list(items))
    except Exception as error:
        if is_unavailable(error) or not is_refused_value(error) or not takes_values():
            raise
        if len(items) == 1:
            return [(items[0], reason_of(error)[:_LONGEST])]
        half = len(items) // 2
        return [*send_all_but_refused(send, items[:half], takes_values), *send_all_but_refused(send, items[half:], takes_values)]
    return []
