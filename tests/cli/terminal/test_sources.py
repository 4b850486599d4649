"""vreason_cli.terminal.sources: what a listing says of the sides that it could not read."""

from __future__ import annotations

from dataclasses import replace

import pytest

from vreason.errors import TrackingError, TrackingUnavailableError
from vreason_cli.terminal import sources
from vreason_tracking.catalog.catalog import Catalog


@pytest.fixture
def half(world, tmp_path):
    """The journal, and a store that is not there."""
    return Catalog(world.root, f"sqlite:///{tmp_path}/none.db", "vreason").read()


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
    index = Catalog(tmp_path / "none", tracking_uri, "vreason").read()
    sources.print_notes(index)
    sources.require_either(index)
    assert ("", "") == tuple(capsys.readouterr())


def test_fields(half, world) -> None:
    """The same for machines."""
    fields = sources.fields(half)
    assert (half.address, str(world.root), [world.local["broken"].run_id]) == (fields["store"], fields["journal"], fields["damaged"])
    assert "no such database" in fields["store_error"]


def test_neither(tmp_path) -> None:
    """An error that names both places; one that may pass stays one."""
    index = Catalog(tmp_path / "none", f"sqlite:///{tmp_path}/none.db", "vreason").read()
    with pytest.raises(TrackingError, match=r"no such database; .*; and there is no journal in .*none \(name it with --journal\)"):
        sources.require_either(index)
    index = replace(index, store_error=TrackingUnavailableError("away"))
    with pytest.raises(TrackingUnavailableError, match="away; and there is no journal"):
        sources.require_either(index)
