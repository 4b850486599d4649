"""Settings: the paper's defaults, every fault at once with its path, and the way to a mapping and back."""

from __future__ import annotations

import json
import sys
from dataclasses import FrozenInstanceError, replace
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from tests.helpers.site_packages import SitePackages
from vreason import ControllerConfig, PruningConfig, VReasonConfig
from vreason.config_checks import shown
from vreason.errors import ConfigError, ConfigIssue
from vreason.plugins import OBJECTIVES

CONTROLLERS = st.builds(
    ControllerConfig,
    objective=st.sampled_from(["switch", "min", "max", "random", "none"]),
    k=st.integers(1, 100),
    lr=st.floats(0, 10),
    beta=st.floats(0, 0.9999),
    ema_init=st.sampled_from(["zero", "first"]),
    clip=st.floats(0, 100),
    weight_decay=st.floats(0, 1),
    norm=st.sampled_from(["head", "token", "tensor"]),
    seed=st.integers(0, 2**62),
)
PRUNINGS = st.builds(
    PruningConfig,
    ratio=st.floats(0, 0.999),
    norm_of=st.sampled_from(["value", "key"]),
    scope=st.sampled_from(["layer", "shared"]),
    drop=st.sampled_from(["lowest", "highest", "random"]),
    seed=st.integers(0, 2**62),
)


def test_defaults_are_the_methods() -> None:
    """k 4, lr 3e-4, beta 0.98, switch, zero start, clip 1, weight decay 0.01, norm per head; Lite drops the lowest half by value."""
    paper = {"k": 4, "lr": 3e-4, "beta": 0.98, "objective": "switch", "ema_init": "zero", "clip": 1.0, "weight_decay": 0.01, "norm": "head"}
    lite = {"ratio": 0.5, "norm_of": "value", "scope": "layer", "drop": "lowest"}
    assert paper | {"seed": 0} == VReasonConfig().to_dict()["controller"]
    assert lite | {"seed": 0} == VReasonConfig.preset("v-reason-lite").to_dict()["pruning"]
    assert VReasonConfig().pruning is None


def test_presets_are_the_papers_three_variants() -> None:
    """baseline has neither part, v-reason the controller, v-reason-lite both; another name is told which there are."""
    parts = {name: VReasonConfig.preset(name) for name in ("baseline", "v-reason", "v-reason-lite")}
    expected = {"baseline": (False, False), "v-reason": (True, False), "v-reason-lite": (True, True)}
    assert expected == {name: (part.controller is not None, part.pruning is not None) for name, part in parts.items()}
    with pytest.raises(ConfigError, match="preset: 'lite' is not one of baseline, v-reason, v-reason-lite"):
        VReasonConfig.preset("lite")


BAD: list[tuple[str, Any]] = [
    ("controller.objective", "explore"),
    ("controller.objective", None),
    ("controller.objective", ["switch"]),
    ("controller.k", 0),
    ("controller.k", -4),
    ("controller.k", 4.0),
    ("controller.k", True),
    ("controller.k", "4"),
    ("controller.lr", -1e-9),
    ("controller.lr", float("nan")),
    ("controller.lr", float("inf")),
    ("controller.lr", "3e-4"),
    ("controller.lr", None),
    ("controller.beta", 1.0),
    ("controller.beta", -0.1),
    ("controller.ema_init", "bias"),
    ("controller.clip", -1.0),
    ("controller.clip", float("nan")),
    ("controller.weight_decay", -0.01),
    ("controller.weight_decay", float("inf")),
    ("controller.norm", "layer"),
    ("controller.seed", -1),
    ("controller.seed", 2**63),
    ("controller.seed", 0.5),
    ("pruning.ratio", 1.0),
    ("pruning.ratio", -0.1),
    ("pruning.ratio", False),
    ("pruning.norm_of", "values"),
    ("pruning.scope", "global"),
    ("pruning.drop", "low"),
    ("pruning.seed", -1),
]


@pytest.mark.parametrize(("path", "value"), BAD, ids=[f"{path}={value!r}" for path, value in BAD])
def test_a_bad_value_is_refused_with_its_path(path: str, value: Any) -> None:
    """One wrong value gives one fault at its path, which shows the value; made directly or from a mapping alike."""
    part, name = path.split(".")
    kind = {"controller": ControllerConfig, "pruning": PruningConfig}[part]
    with pytest.raises(ConfigError) as direct:
        kind(**{name: value})
    assert [path] == [fault.path for fault in direct.value.issues]
    with pytest.raises(ConfigError) as mapped:
        VReasonConfig.from_mapping({part: {name: value}})
    assert [f"method.{path}"] == [fault.path for fault in mapped.value.issues]
    assert f"{shown(value)} is not " in str(mapped.value)


ENDS = [("controller.lr", 0), ("controller.beta", 0), ("controller.clip", 0), ("controller.k", 1), ("pruning.ratio", 0)]


@pytest.mark.parametrize(("path", "value"), ENDS)
def test_the_ends_of_the_ranges_are_allowed(path: str, value: float) -> None:
    """Zero rate, zero decay, no clip, no pruning and an update at every token are settings, not faults; whole numbers serve as floats."""
    part, name = path.split(".")
    assert value == VReasonConfig.from_mapping({part: {name: value}}).to_dict()[part][name]


def test_an_objective_may_be_somebody_else_s(site_packages: SitePackages) -> None:
    """One of an installed package by its name, one of a module that is there as module:attribute; neither is imported for it."""
    site_packages.install("vreason-calm", {OBJECTIVES: {"calm": "calm_pkg:Calm"}}, calm_pkg="raise RuntimeError")
    site_packages.work_in(my_objectives="raise RuntimeError")
    for name in ("calm", "my_objectives:Mine"):
        config = VReasonConfig(ControllerConfig(objective=name))
        assert config == VReasonConfig.from_mapping(config.to_dict())
    assert not {"calm_pkg", "my_objectives"} & set(sys.modules)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("swich", "'swich' is not one of switch, min, max, random, none, calm; did you mean switch?"),
        ("clam", "'clam' is not one of switch, min, max, random, none, calm; did you mean calm?"),
        ("calm:", "'calm:' is not one of switch, min, max, random, none, calm; did you mean calm?"),
        ("absent_module:Mine", "there is no module 'absent_module'; install it, or start from the folder that holds it"),
    ],
)
def test_an_objective_that_nobody_has(site_packages: SitePackages, name: str, expected: str) -> None:
    """The nearest name is suggested, those of installed packages among them; a module that is not there is named."""
    site_packages.install("vreason-calm", {OBJECTIVES: {"calm": "calm_pkg:Calm"}})
    with pytest.raises(ConfigError) as caught:
        ControllerConfig(objective=name)
    assert f"controller.objective: {expected}" == str(caught.value)


def test_all_faults_come_at_once() -> None:
    """Unknown keys and bad values of both parts are reported in one error, each with its path and what would be right."""
    values = {"controller": {"k": 0, "lr": -1, "betas": 2}, "pruning": {"drop": "low", "share": 0.5}, "lite": True}
    with pytest.raises(ConfigError) as caught:
        VReasonConfig.from_mapping(values, path="variants.a")
    paths = {"variants.a.lite", "variants.a.controller.betas", "variants.a.pruning.share"}
    paths |= {"variants.a.controller.k", "variants.a.controller.lr", "variants.a.pruning.drop"}
    assert paths == {fault.path for fault in caught.value.issues}
    assert all(f"{path}: " in str(caught.value) for path in paths)
    messages = {fault.path: fault.message for fault in caught.value.issues}
    assert "known are controller, pruning" in messages["variants.a.lite"]
    assert "unknown key; did you mean beta?" == messages["variants.a.controller.betas"]
    assert "of at least 1" in messages["variants.a.controller.k"]
    assert "lowest, highest, random" in messages["variants.a.pruning.drop"]


@pytest.mark.parametrize("value", [5, "switch", ["k", 4], True])
@pytest.mark.parametrize("part", ["controller", "pruning"])
def test_a_part_that_is_no_mapping_is_a_fault(part: str, value: Any) -> None:
    """A number, text or list where settings belong is a ConfigError at that path, not a crash."""
    with pytest.raises(ConfigError) as caught:
        VReasonConfig.from_mapping({part: value})
    assert [f"method.{part}"] == [fault.path for fault in caught.value.issues]


@pytest.mark.parametrize("options", [{"controller": {"k": 2}}, {"pruning": {"ratio": 0.5}}, {"controller": "switch"}], ids=str)
def test_parts_of_the_wrong_kind_are_refused_when_made(options: dict[str, Any]) -> None:
    """A plain dict or text given as a part is refused at once, not in the middle of a run."""
    with pytest.raises(ConfigError, match=next(iter(options))):
        VReasonConfig(**options)


@settings(deadline=None)
@given(st.none() | CONTROLLERS, st.none() | PRUNINGS)
def test_mapping_and_back(controller: ControllerConfig | None, pruning: PruningConfig | None) -> None:
    """`from_mapping` undoes `to_dict`, through JSON too, a part that is None included."""
    config = VReasonConfig(controller, pruning)
    assert config == VReasonConfig.from_mapping(json.loads(json.dumps(config.to_dict())))


def test_what_a_mapping_leaves_out_is_the_default() -> None:
    """An absent controller is the paper's, a null one is none, an absent pruning is none; an absent field is its default."""
    assert VReasonConfig() == VReasonConfig.from_mapping({})
    assert VReasonConfig(None) == VReasonConfig.from_mapping({"controller": None})
    expected = VReasonConfig(ControllerConfig(k=8), PruningConfig())
    assert expected == VReasonConfig.from_mapping({"controller": {"k": 8}, "pruning": {}})


def test_settings_are_frozen_and_checked_when_replaced() -> None:
    """No field can be set later, and `replace` checks again."""
    config = ControllerConfig()
    with pytest.raises(FrozenInstanceError):
        config.k = 2  # type: ignore[misc]
    with pytest.raises(ConfigError, match=r"controller\.k: 0 is not a whole number of at least 1"):
        replace(config, k=0)


def test_the_observer_watches_under_the_controllers_settings() -> None:
    """With a controller its average counts; without one the paper's, and an objective that does nothing."""
    assert 0.5 == VReasonConfig(ControllerConfig(beta=0.5)).observer.beta
    baseline = VReasonConfig(None).observer
    assert ("none", 0.98, "zero") == (baseline.objective, baseline.beta, baseline.ema_init)


def test_an_error_lists_every_fault_under_its_source() -> None:
    """The message names the file, counts the faults and gives each a line; without a file the lines stand alone."""
    faults = [ConfigIssue("a.b", "wrong; do right"), ConfigIssue("", "empty file")]
    assert "run.yaml: 2 issue(s)\n  a.b: wrong; do right\n  empty file" == str(ConfigError(faults, "run.yaml"))
    assert "a.b: wrong; do right\nempty file" == str(ConfigError(faults))
