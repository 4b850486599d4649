"""A call's parameters: the bundle's own, with the caller's laid over them, and every fault at once."""

from __future__ import annotations

from typing import Any

import pytest

from tests.helpers.bundle_world import BundleWorld
from vreason.errors import ConfigError
from vreason_tracking.bundles import Bundle
from vreason_tracking.bundles.call_settings import call_settings


@pytest.fixture(scope="module")
def bundle(bundles: BundleWorld) -> Bundle:
    assert bundles.registered is not None
    return bundles.registered.bundle


def test_nothing_given_is_the_run(bundle: Bundle) -> None:
    """Without parameters, or with those that are None or the registered ones, the answer is the run's."""
    own = call_settings(bundle)
    assert () == own.departures
    assert bundle.evaluation_config() == own.config
    same = {"max_new_tokens": 48, "temperature": 0, "top_p": None, "controller.k": 4, "seed": 0, "trace": "none"}
    assert own == call_settings(bundle, same)


@pytest.mark.parametrize(
    ("params", "departures"),
    [
        ({"max_new_tokens": 8}, ("max_new_tokens",)),
        ({"controller.k": 2, "controller.lr": 0.01}, ("controller.k", "controller.lr")),
        ({"temperature": 0.7, "seed": 5}, ("temperature", "seed")),
        ({"seed": 5}, ()),  # nothing is drawn
        ({"stop": "x"}, ("stop",)),
    ],
)
def test_departures(bundle: Bundle, params: dict[str, Any], departures: tuple[str, ...]) -> None:
    """What makes the answer another one than the run's is named."""
    assert departures == call_settings(bundle, params).departures


def test_values_arrive(bundle: Bundle) -> None:
    """Method, decoding and stop texts are those that were given."""
    made = call_settings(bundle, {"controller.k": 2, "temperature": 0.5, "top_p": 0.9, "stop": ["a", "b"], "trace": "full", "seed": 7})
    assert made.config.method.controller is not None
    assert 2 == made.config.method.controller.k
    assert (True, 0.5, 0.9) == tuple(made.config.generation[name] for name in ("do_sample", "temperature", "top_p"))
    assert (("a", "b"), "full", 7) == (made.stop, made.trace, made.config.seed)


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"max_tokens": 3}, "params.max_tokens: unknown key"),
        ({"max_new_tokens": 0}, "params.max_new_tokens: 0 is outside of 1 to 48"),
        ({"max_new_tokens": 49}, "outside of 1 to 48"),
        ({"max_new_tokens": 2.5}, "not a whole number"),
        ({"max_new_tokens": True}, "not a whole number"),
        ({"temperature": float("nan")}, "params.temperature"),
        ({"temperature": 9}, "outside of 0 to 2"),
        ({"controller.k": "4"}, "'4' is not a whole number"),
        ({"controller.norm": "x"}, "'x' is not one of head, token, tensor"),
        ({"pruning.ratio": 0.5}, "unknown key"),
        ({"trace": "all"}, "not one of none, summary, full"),
        ({"seed": -1}, "params.seed"),
        ({"stop": ["a"] * 5}, "up to 4 texts"),
        ({"stop": ""}, "none of them empty"),
        ({"stop": "x" * 300}, "longer than 200"),
    ],
)
def test_wrong_values(bundle: Bundle, params: dict[str, Any], words: str) -> None:
    """Each is named, with what is allowed."""
    with pytest.raises(ConfigError) as caught:
        call_settings(bundle, params)
    assert words in str(caught.value)


def test_all_faults_at_once(bundle: Bundle) -> None:
    """Two wrong parameters are two issues."""
    with pytest.raises(ConfigError) as caught:
        call_settings(bundle, {"controller.k": 0, "trace": 3})
    assert 2 == len(caught.value.issues)


def test_a_closed_setting(bundle: Bundle) -> None:
    """What a bundle does not let change can be given at its own value only: MLflow's server hands defaults over."""
    closed = bundle.model_copy(update={"bounds": {}})
    assert () == call_settings(closed, {"controller.k": 4, "max_new_tokens": 48}).departures
    with pytest.raises(ConfigError, match="cannot be changed in this bundle"):
        call_settings(closed, {"controller.k": 5})
