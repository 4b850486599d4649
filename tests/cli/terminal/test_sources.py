"""vreason_cli.terminal.sources: what a listing says of the sides that it could not read."""

from __future__ import annotations

import pytest

from vreason.errors import TrackingError, TrackingUnavailableError
from vreason_cli.terminal import sources
from vreason_tracking.catalog.index import Catalog


@pytest.fixture
def half(world, tmp_path):
    """The journal, and a store that is not there."""
    catalog = Catalog(world.root, f"sqlite:///{tmp_path}/none.db", "vreason")
    assert catalog.runs
    return catalog


def test_notes(half, capsys) -> None:
    """What was not read, and what cannot be, beside the output."""
    sources.print_notes(half)
    caught = capsys.readouterr()
    first, second = caught.err.splitlines()
    assert ("", True) == (caught.out, first.startswith(f"note: only the journal {half.root} was read: "))
    assert "1 run(s) of the journal cannot be read" in second


def test_nothing_to_say(tmp_path, tracking_uri, capsys) -> None:
    """Where everything was read there are no notes."""
    from vreason_tracking.stores.mlflow_store import MlflowStore

    MlflowStore(tracking_uri, "vreason")
    catalog = Catalog(tmp_path / "none", tracking_uri, "vreason")
    assert [] == list(catalog.runs)
    sources.print_notes(catalog)
    sources.require_either(catalog)
    assert ("", "") == tuple(capsys.readouterr())


def test_fields(half, world) -> None:
    """The same for machines."""
    fields = sources.fields(half)
    assert (half.address, str(world.root), [world.local["broken"].run_id]) == (fields["store"], fields["journal"], fields["damaged"])
    assert "no such database" in fields["store_error"]


def test_neither(tmp_path) -> None:
    """An error that names both places; one that may pass stays one."""
    catalog = Catalog(tmp_path / "none", f"sqlite:///{tmp_path}/none.db", "vreason")
    assert [] == list(catalog.runs)
    with pytest.raises(TrackingError, match=r"no such database; .*; and there is no journal in .*none \(name it with --journal\)"):
        sources.require_either(catalog)
    catalog.store_error = TrackingUnavailableError("unavailable")
    with pytest.raises(TrackingUnavailableError, match="unavailable; and there is no journal"):
        sources.require_either(catalog)
