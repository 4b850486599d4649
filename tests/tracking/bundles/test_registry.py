"""Versions by name, number and alias."""

from __future__ import annotations

import pytest

from tests.helpers.bundle_world import BundleWorld
from vreason.errors import TrackingError
from vreason_tracking.bundles import Reference


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("shapes", Reference("shapes")),
        ("shapes/3", Reference("shapes", version="3")),
        ("shapes@champion", Reference("shapes", alias="champion")),
        ("models:/my shapes/3", Reference("my shapes", version="3")),
        ("models:/shapes@a-b_c", Reference("shapes", alias="a-b_c")),
    ],
)
def test_references(text: str, expected: Reference) -> None:
    """All the ways to write one."""
    assert expected == Reference.parse(text)


@pytest.mark.parametrize("text", ["", "a/b", "a@b@c", "a/1@c", "runs:/abc/model"])
def test_no_references(text: str) -> None:
    """What is none is refused with what would be one."""
    with pytest.raises(TrackingError, match="NAME/VERSION or NAME@ALIAS"):
        Reference.parse(text)


@pytest.mark.parametrize("text", ["shapes", "shapes/1", "shapes@champion", "models:/shapes@champion"])
def test_found(bundles: BundleWorld, text: str) -> None:
    """By every name it has."""
    assert "shapes/1" == bundles.registry.find(text).label


@pytest.mark.parametrize(
    ("text", "words"),
    [("nope", "no model 'nope' of ours.*there are shapes"), ("shapes/7", "no version 7; it has 1"), ("shapes@x", "no alias 'x'.*champion")],
)
def test_not_found(bundles: BundleWorld, text: str, words: str) -> None:
    """It is said what there is."""
    with pytest.raises(TrackingError, match=words):
        bundles.registry.find(text)


def test_other_peoples_models_are_not_ours(own_bundles: BundleWorld) -> None:
    """A model that somebody registered without us is neither listed nor found."""
    client = own_bundles.registry.client
    client.create_registered_model("theirs")
    client.create_model_version("theirs", source="/tmp/x", run_id=None)
    assert ["shapes/1"] == [each.label for each in own_bundles.registry.versions()]
    with pytest.raises(TrackingError, match="no model 'theirs' of ours"):
        own_bundles.registry.find("theirs")
