"""What a caller may change: declared limits, and the words in which they are changed."""

from __future__ import annotations

import pytest

from vreason.config import PRESETS, ControllerConfig, VReasonConfig
from vreason.errors import ConfigError
from vreason_tracking.bundles.bounds import bound_issue, default_bounds, with_changes
from vreason_tracking.bundles.bundle import Bound

BOUNDS = default_bounds(PRESETS["v-reason"], 64)


def test_the_registered_value_is_always_within() -> None:
    """Whatever a run was made with lies within the default limits."""
    odd = VReasonConfig(controller=ControllerConfig(k=500, lr=2.0, objective="json:loads"))
    bounds = default_bounds(odd, 10)
    assert all(bound_issue(name, value, bounds[name]) is None for name, value in (("controller.k", 500), ("controller.lr", 2.0)))
    assert bound_issue("controller.objective", "json:loads", bounds["controller.objective"]) is None


def test_a_part_that_is_off_has_no_bounds() -> None:
    """A baseline's controller cannot be switched on by a caller."""
    assert not [name for name in default_bounds(PRESETS["baseline"], 10) if name.startswith(("controller", "pruning"))]


@pytest.mark.parametrize(
    ("change", "name", "expected"),
    [
        ("controller.k=2..8", "controller.k", Bound(low=2, high=8)),
        ("controller.lr=1e-4..0.05", "controller.lr", Bound(low=1e-4, high=0.05)),
        ("controller.norm=head, token", "controller.norm", Bound(choices=("head", "token"))),
        ("max_new_tokens=1..512", "max_new_tokens", Bound(low=1, high=512)),
    ],
)
def test_changes(change: str, name: str, expected: Bound) -> None:
    """Ranges and words take the place of the default."""
    assert expected == with_changes(BOUNDS, [change])[name]


def test_fixed() -> None:
    """One setting, or all, can be closed; what is opened after that is open."""
    assert "controller.k" not in with_changes(BOUNDS, ["controller.k=fixed"])
    assert {} == with_changes(BOUNDS, ["all=fixed"])
    assert ["controller.k"] == list(with_changes(BOUNDS, ["all=fixed", "controller.k=2..4"]))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("controller.q=1..2", "unknown key"),
        ("controller.k", "write NAME=LOW..HIGH"),
        ("controller.k=8..2", "8 is above 2"),
        ("controller.k=a..b", "no range of numbers"),
        ("controller.k=5", "no range"),
        ("controller.norm=head,foo", "'foo' is not one of head, token, tensor"),
        ("pruning.ratio=0..1", "unknown key"),
    ],
)
def test_wrong_changes(change: str, words: str) -> None:
    """Each is named, with what would be right."""
    with pytest.raises(ConfigError) as caught:
        with_changes(BOUNDS, [change])
    assert words in str(caught.value)
    assert change.split("=")[0] in str(caught.value)
