"""The method's settings: frozen, checked when they are made, every fault reported at once.

Names are the paper's (arXiv 2510.17045): k, beta, lr. Where the paper is silent the default is this project's decision; docs/method.md
lists each with its reason.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

from vreason.errors import ConfigError, ConfigIssue

Objective = Literal["switch", "min", "max", "random", "none"]
EmaInit = Literal["zero", "first"]
Norm = Literal["head", "token", "tensor"]
NormOf = Literal["value", "key"]
Scope = Literal["layer", "shared"]
Drop = Literal["lowest", "highest", "random"]


def _number(path: str, value: object, low: float, high: float, *, whole: bool = False, open_high: bool = False) -> list[ConfigIssue]:
    """No fault when `value` is a number within [low, high] (or [low, high) with `open_high`)."""
    kind = "a whole number" if whole else "a number"
    right = isinstance(value, int) or (isinstance(value, float) and not whole)
    if not right or isinstance(value, bool):
        return [ConfigIssue(path, f"{value!r} is not {kind}")]
    number = float(value)  # type: ignore[arg-type]
    if not math.isfinite(number):
        return [ConfigIssue(path, f"{value!r} is not a finite number")]
    if not (low <= number < high if open_high else low <= number <= high):
        bound = "below" if open_high else "at most"
        upper = f" and {bound} {high:g}" if high != float("inf") else ""
        return [ConfigIssue(path, f"{value!r} is out of range; give {kind} of at least {low:g}{upper}")]
    return []


def _choice(path: str, value: object, allowed: tuple[str, ...]) -> list[ConfigIssue]:
    return [] if value in allowed else [ConfigIssue(path, f"{value!r} is not one of {', '.join(allowed)}")]


@dataclass(frozen=True)
class ControllerConfig:
    """The value-cache controller dV and the objective that tunes it (method, steps 1 to 3).

    Attributes:
        objective: `switch` is the paper's; `min` (alpha = -1), `max` (alpha = +1), `random` (seeded signs) are ablations;
            `none` observes and never updates.
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

    objective: Objective = "switch"
    k: int = 4
    lr: float = 3e-4
    beta: float = 0.98
    ema_init: EmaInit = "zero"
    clip: float = 1.0
    weight_decay: float = 0.01
    norm: Norm = "head"
    seed: int = 0

    def faults(self, path: str = "controller") -> list[ConfigIssue]:
        """Every fault of these settings, each with its path."""
        infinity = float("inf")
        return [
            *_choice(f"{path}.objective", self.objective, get_args(Objective)),
            *_number(f"{path}.k", self.k, 1, infinity, whole=True),
            *_number(f"{path}.lr", self.lr, 0, infinity),
            *_number(f"{path}.beta", self.beta, 0, 1, open_high=True),
            *_choice(f"{path}.ema_init", self.ema_init, get_args(EmaInit)),
            *_number(f"{path}.clip", self.clip, 0, infinity),
            *_number(f"{path}.weight_decay", self.weight_decay, 0, infinity),
            *_choice(f"{path}.norm", self.norm, get_args(Norm)),
            *_number(f"{path}.seed", self.seed, 0, 2**63 - 1, whole=True),
        ]

    def __post_init__(self) -> None:
        if found := self.faults():
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

    def faults(self, path: str = "pruning") -> list[ConfigIssue]:
        """Every fault of these settings, each with its path."""
        return [
            *_number(f"{path}.ratio", self.ratio, 0, 1, open_high=True),
            *_choice(f"{path}.norm_of", self.norm_of, get_args(NormOf)),
            *_choice(f"{path}.scope", self.scope, get_args(Scope)),
            *_choice(f"{path}.drop", self.drop, get_args(Drop)),
            *_number(f"{path}.seed", self.seed, 0, 2**63 - 1, whole=True),
        ]

    def __post_init__(self) -> None:
        if found := self.faults():
            raise ConfigError(found)


@dataclass(frozen=True)
class VReasonConfig:
    """The whole method. `controller=None` leaves the cache alone, `pruning=None` keeps every video token."""

    controller: ControllerConfig | None = ControllerConfig()
    pruning: PruningConfig | None = None

    def __post_init__(self) -> None:
        parts = (("controller", self.controller, ControllerConfig), ("pruning", self.pruning, PruningConfig))
        wrong = [(name, part, kind) for name, part, kind in parts if part is not None and not isinstance(part, kind)]
        if wrong:
            text = "{!r} is not a {} or None; from_mapping takes plain data"
            raise ConfigError([ConfigIssue(name, text.format(part, kind.__name__)) for name, part, kind in wrong])

    @classmethod
    def preset(cls, name: str) -> VReasonConfig:
        """One of the paper's three variants: "baseline", "v-reason", "v-reason-lite".

        Raises:
            ConfigError: the name is none of them.
        """
        if name not in PRESETS:
            raise ConfigError([ConfigIssue("preset", f"{name!r} is not one of {', '.join(PRESETS)}")])
        return PRESETS[name]

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any], path: str = "method") -> VReasonConfig:
        """The inverse of `to_dict`; unknown keys and bad values are all reported at once.

        Raises:
            ConfigError: with one fault per wrong key or value.
        """
        found = [
            ConfigIssue(f"{path}.{key}", "unknown key; known are controller, pruning") for key in values.keys() - {"controller", "pruning"}
        ]
        parts: dict[str, Any] = {}
        kinds: dict[str, type[ControllerConfig] | type[PruningConfig]] = {"controller": ControllerConfig, "pruning": PruningConfig}
        for key, kind in kinds.items():
            given = values.get(key)
            if given is None:
                parts[key] = None if key in values or key == "pruning" else kind()
                continue
            if not isinstance(given, Mapping):
                found.append(ConfigIssue(f"{path}.{key}", f"{given!r} is not a mapping of its fields, or None"))
                continue
            known = {field.name for field in fields(kind)}
            found += [
                ConfigIssue(f"{path}.{key}.{name}", f"unknown key; known are {', '.join(sorted(known))}") for name in given.keys() - known
            ]
            made: ControllerConfig | PruningConfig = object.__new__(kind)
            for field in fields(kind):
                object.__setattr__(made, field.name, given.get(field.name, field.default))
            found += made.faults(f"{path}.{key}")
            parts[key] = made
        if found:
            raise ConfigError(found)
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
