"""How a run ends: the status and the reason that stand in its record."""

from __future__ import annotations

from vreason_tracking.running.signals import Terminated


def ending_of(error: BaseException) -> tuple[str, str]:
    """Status and reason of a run that this error ended: KILLED where somebody asked for it, FAILED otherwise."""
    if isinstance(error, Terminated):
        return "KILLED", f"terminated ({error.number.name})"
    if isinstance(error, KeyboardInterrupt):
        return "KILLED", "interrupted from the keyboard"
    return "FAILED", f"{type(error).__name__}: {error}"
