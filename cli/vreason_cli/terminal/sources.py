"""Which sides of the record were read, in words and for machines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vreason_tracking.catalog import Run, Sources


def require_either(sources: Sources) -> None:
    """Stop where there is neither a store nor a journal.

    Raises:
        TrackingError: of the store's kind.
    """
    if sources.store_error and not sources.root.exists():
        raise type(sources.store_error)(f"{sources.store_error}; and there is no journal in {sources.root} (name it with --journal)")


def print_notes(sources: Sources) -> None:
    """What is missing from a listing, for the user; not into the output."""
    if sources.store_error:
        click.echo(f"note: only the journal {sources.root} was read: {sources.store_error}", err=True)
    if sources.damaged:
        click.echo(f"note: {len(sources.damaged)} run(s) of the journal cannot be read: `vreason-track journal status` says why", err=True)


def print_deleted(runs: Sequence[Run], sources: Sources) -> None:
    """Which of these runs somebody has deleted in MLflow: the journal has them, and other people see them no more."""
    from vreason.errors import TrackingError
    from vreason_tracking.catalog import gone_from_store

    delivered = [run.local for run in runs if run.local and run.stored is None and run.local.marks.run_id]
    if not delivered or sources.store is None:
        return
    try:
        notes = gone_from_store(delivered, sources.store.uri)
    except TrackingError as error:
        notes = [f"whether these runs are still in MLflow is not known: {error}"]
    for note in notes:
        click.echo(f"note: {note}", err=True)


def fields(sources: Sources) -> dict[str, Any]:
    """Which sides of the record were read, and what of them could not be, for a JSON document."""
    return {
        "store": sources.address,
        "store_error": str(sources.store_error) if sources.store_error else None,
        "journal": str(sources.root),
        "damaged": [run.run_id for run in sources.damaged],
    }
