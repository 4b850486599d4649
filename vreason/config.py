"""The method's settings: frozen, checked when they are made, every issue reported at once.

Names are the paper's (arXiv 2510.17045): k, beta, lr. Where the paper is silent the default is this project's decision; docs/method.md
lists each with its reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from vreason import plugins
from vreason.config_checks import check_choice, check_number, shown, unknown_key
from vreason.config_mapping import config_from_mapping
from vreason.errors import ConfigError, ConfigIssue

OBJECTIVES = ("switch", "min", "max", "random", "none")
EmaInit = Literal["zero", "first"]
Norm = Literal["head", "token", "tensor"]
NormOf = Literal["value", "key"]
Scope = Literal["layer", "shared"]
Drop = Literal["lowest", "highest", "random"]


def _objective_issues(path: str, value: object) -> list[ConfigIssue]:
    """No issue for an objective of ours, of an installed package, or of a module that is there; nothing is imported."""
    if value in OBJECTIVES:
        return []
    if isinstance(value, str) and plugins.is_reference(value):
        issue = plugins.reference_issue(value)
        return [ConfigIssue(path, issue)] if issue else []
    known = (*OBJECTIVES, *(plugin.name for plugin in plugins.plugins(plugins.OBJECTIVES)))
    return check_choice(path, value, known)


@dataclass(frozen=True)
class ControllerConfig:
    """The value-cache controller dV and the objective that tunes it (method, steps 1 to 3).

    Attributes:
        objective: `switch` is the paper's; `min` (alpha = -1), `max` (alpha = +1), `random` (seeded signs) are ablations;
            `none` observes and never updates. Or one of an installed package by its name, or "module:attribute" (see
            `vreason.method.Objective`).
        k: an update every k generated tokens, the first at t = k. Paper: 4.
        lr: AdamW's learning rate. Paper: 3e-4, from a grid over [5e-5, 5e-4].
        beta: decay of the entropy's moving average. Paper: 0.98.
        ema_init: `zero` (no bias correction) or `first` (the first token's entropy).
        clip: L2 norm to which each row's gradient is clipped; 0 switches clipping off.
        weight_decay: AdamW's decoupled weight decay.
        norm: what keeps its L2 norm when a direction changes: each KV `head` of a token, the whole `token` (heads together),
            or the row's whole `tensor`.
        seed: seed of the signs of `random`.
    """

    objective: str = "switch"
    k: int = 4
    lr: float = 3e-4
    beta: float = 0.98
    ema_init: EmaInit = "zero"
    clip: float = 1.0
    weight_decay: float = 0.01
    norm: Norm = "head"
    seed: int = 0

    def issues(self, path: str = "controller") -> list[ConfigIssue]:
        """Everything wrong with these settings, each issue under its own path below `path`."""
        return [
            *_objective_issues(f"{path}.objective", self.objective),
            *check_number(f"{path}.k", self.k, 1, whole=True),
            *check_number(f"{path}.lr", self.lr, 0),
            *check_number(f"{path}.beta", self.beta, 0, 1, below=True),
            *check_choice(f"{path}.ema_init", self.ema_init, get_args(EmaInit)),
            *check_number(f"{path}.clip", self.clip, 0),
            *check_number(f"{path}.weight_decay", self.weight_decay, 0),
            *check_choice(f"{path}.norm", self.norm, get_args(Norm)),
            *check_number(f"{path}.seed", self.seed, 0, 2**63 - 1, whole=True),
        ]

    def __post_init__(self) -> None:
        if found := self.issues():
            raise ConfigError(found)


@dataclass(frozen=True)
class PruningConfig:
    """Lite: which video tokens leave the cache after prefill.

    Attributes:
        ratio: share of a row's video tokens to drop, rounded down to whole tokens. Paper: 0.5.
        norm_of: rank by the L2 norm of the `value` or the `key` vectors, KV heads together.
        scope: each `layer` ranks its own, or one `shared` set for all layers, by the mean of the layers' ranks.
        drop: the `lowest` norms (paper), the `highest`, or `random` tokens.
        seed: seed of `random`.
    """

    ratio: float = 0.5
    norm_of: NormOf = "value"
    scope: Scope = "layer"
    drop: Drop = "lowest"
    seed: int = 0

    def issues(self, path: str = "pruning") -> list[ConfigIssue]:
        """Everything wrong with these settings, each issue under its own path below `path`."""
        return [
            *check_number(f"{path}.ratio", self.ratio, 0, 1, below=True),
            *check_choice(f"{path}.norm_of", self.norm_of, get_args(NormOf)),
            *check_choice(f"{path}.scope", self.scope, get_args(Scope)),
            *check_choice(f"{path}.drop", self.drop, get_args(Drop)),
            *check_number(f"{path}.seed", self.seed, 0, 2**63 - 1, whole=True),
        ]

    def __post_init__(self) -> None:
        if found := self.issues():
            raise ConfigError(found)


PARTS: dict[str, type[ControllerConfig] | type[PruningConfig]] = {"controller": ControllerConfig, "pruning": PruningConfig}


@dataclass(frozen=True)
class VReasonConfig:
    """The whole method. `controller=None` leaves the cache alone, `pruning=None` keeps every video token."""

    controller: ControllerConfig | None = ControllerConfig()
    pruning: PruningConfig | None = None

    def __post_init__(self) -> None:
        parts = {name: getattr(self, name) for name in PARTS}
        wrong = [name for name, part in parts.items() if part is not None and not isinstance(part, PARTS[name])]
        if wrong:
            text = "{} is not a {} or None; from_mapping takes plain data"
            raise ConfigError([ConfigIssue(name, text.format(shown(parts[name]), PARTS[name].__name__)) for name in wrong])

    @classmethod
    def preset(cls, name: str) -> VReasonConfig:
        """One of the paper's three variants: "baseline", "v-reason", "v-reason-lite".

        Raises:
            ConfigError: the name is none of them.
        """
        if issues := check_choice("preset", name, PRESETS):
            raise ConfigError(issues)
        return PRESETS[name]

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any], path: str = "method") -> VReasonConfig:
        """The inverse of `to_dict`; unknown keys and bad values are all reported at once.

        Without a key `controller` it is the paper's, without `pruning` there is none; None switches a part off.

        Raises:
            ConfigError: with one issue per wrong key or value.
        """
        issues = [unknown_key(f"{path}.{key}", key, PARTS) for key in values if key not in PARTS]
        parts: dict[str, Any] = {}
        for name, kind in PARTS.items():
            if name in values:
                parts[name], found = config_from_mapping(kind, values[name], f"{path}.{name}", or_null=True)
                issues += found
        if issues:
            raise ConfigError(issues)
        return cls(**parts)

    def to_dict(self) -> dict[str, Any]:
        """Plain nested data, for a config file or a record."""
        return asdict(self)

    @property
    def observer(self) -> ControllerConfig:
        """The settings under which entropy and its average are watched: the controller's, or the defaults without one."""
        return self.controller or ControllerConfig(objective="none")


PRESETS: dict[str, VReasonConfig] = {
    "baseline": VReasonConfig(controller=None),
    "v-reason": VReasonConfig(),
    "v-reason-lite": VReasonConfig(pruning=PruningConfig()),
}
