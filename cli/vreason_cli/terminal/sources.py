"""Which sides of the record were read, in words and for machines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from vreason_tracking.catalog import Catalog


def require_either(catalog: Catalog) -> None:
    """Stop where there is neither a store nor a journal.

    Raises:
        TrackingError: of the store's kind.
    """
    if catalog.store_error and not catalog.root.exists():
        raise type(catalog.store_error)(f"{catalog.store_error}; and there is no journal in {catalog.root} (name it with --journal)")


def print_notes(catalog: Catalog) -> None:
    """What is missing from a listing, for the user; not into the output."""
    if catalog.store_error:
        click.echo(f"note: only the journal {catalog.root} was read: {catalog.store_error}", err=True)
    if catalog.damaged:
        click.echo(f"note: {len(catalog.damaged)} run(s) of the journal cannot be read: `vreason-track journal status` says why", err=True)


def fields(catalog: Catalog) -> dict[str, Any]:
    """The same in a JSON document."""
    return {
        "store": catalog.address,
        "store_error": str(catalog.store_error) if catalog.store_error else None,
        "journal": str(catalog.root),
        "damaged": [run.run_id for run in catalog.damaged],
    }
