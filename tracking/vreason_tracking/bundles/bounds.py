"""What a caller of a bundle may change, and within which limits: declared when a run is registered, checked at every call."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any, get_args

from vreason.config import OBJECTIVES, PARTS, Drop, EmaInit, Norm, NormOf, Scope, VReasonConfig
from vreason.config_checks import shown, unknown_key
from vreason.errors import ConfigError, ConfigIssue
from vreason_tracking.bundles.bundle import Bound

MAX_NEW_TOKENS, TEMPERATURE, TOP_P = "max_new_tokens", "temperature", "top_p"
_WORDS: dict[str, tuple[str, ...]] = {
    "controller.objective": OBJECTIVES,
    "controller.ema_init": get_args(EmaInit),
    "controller.norm": get_args(Norm),
    "pruning.norm_of": get_args(NormOf),
    "pruning.scope": get_args(Scope),
    "pruning.drop": get_args(Drop),
}
_NUMBERS: dict[str, tuple[float, float]] = {
    "controller.k": (1, 64),
    "controller.lr": (0.0, 0.1),
    "controller.beta": (0.0, 0.9999),
    "controller.clip": (0.0, 100.0),
    "controller.weight_decay": (0.0, 1.0),
    "controller.seed": (0, 2**53),
    "pruning.ratio": (0.0, 0.95),
    "pruning.seed": (0, 2**53),
}
_DECODING: dict[str, tuple[float, float]] = {TEMPERATURE: (0.0, 2.0), TOP_P: (0.01, 1.0)}
_RANGE = re.compile(r"\s*([^.\s]+(?:\.\d+)?(?:[eE][+-]?\d+)?)\s*\.\.\s*(\S+)\s*")


def default_bounds(method: VReasonConfig, max_new_tokens: int) -> dict[str, Bound]:
    """What may be changed where nobody says otherwise: every field of the parts that the method has, the temperature, and a shorter reply.

    A part that is off stays off: to switch it on is another method.
    """
    found = {MAX_NEW_TOKENS: Bound(low=1, high=max_new_tokens)}
    found |= {name: Bound(low=low, high=high) for name, (low, high) in _DECODING.items()}
    for part in PARTS:
        config = getattr(method, part)
        for field in fields(config) if config is not None else ():
            name, value = f"{part}.{field.name}", getattr(config, field.name)
            found[name] = _widened(name, value)
    return found


def _widened(name: str, value: Any) -> Bound:
    """The usual limits, with the registered value among them."""
    if name in _WORDS:
        return Bound(choices=tuple(dict.fromkeys((*_WORDS[name], str(value)))))
    low, high = _NUMBERS[name]
    return Bound(low=min(low, value), high=max(high, value))


def with_changes(bounds: Mapping[str, Bound], changes: Sequence[str]) -> dict[str, Bound]:
    """The bounds with what a user says laid over them.

    Args:
        bounds: as they are.
        changes: "controller.k=2..8", "controller.norm=head,token", "controller.lr=fixed"; "all=fixed" closes everything first.

    Raises:
        ConfigError: everything wrong with the changes.
    """
    made, issues = dict(bounds), []
    for change in changes:
        name, equals, text = change.partition("=")
        name, text = name.strip(), text.strip()
        try:
            if not equals or not text:
                raise ValueError("write NAME=LOW..HIGH, NAME=WORD,WORD or NAME=fixed")
            if name == "all" and text == "fixed":
                made.clear()
            elif name not in bounds:
                issues.append(unknown_key(f"--bound {name}", name, [*bounds, "all"]))
            elif text == "fixed":
                made.pop(name, None)
            else:
                made[name] = _bound(name, text)
        except ValueError as error:
            issues.append(ConfigIssue(f"--bound {change}", str(error)))
    if issues:
        raise ConfigError(issues)
    return made


def _bound(name: str, text: str) -> Bound:
    if name in _WORDS:
        words = tuple(word.strip() for word in text.split(","))
        if unknown := [word for word in words if word not in _WORDS[name]]:
            raise ValueError(f"{shown(unknown[0])} is not one of {', '.join(_WORDS[name])}")
        return Bound(choices=words)
    found = _RANGE.fullmatch(text)
    if found is None:
        raise ValueError(f"{shown(text)} is no range; write LOW..HIGH, for example 1..8")
    try:
        low, high = float(found[1]), float(found[2])
    except ValueError:
        raise ValueError(f"{shown(text)} is no range of numbers; write LOW..HIGH, for example 1..8") from None
    if not low <= high:
        raise ValueError(f"{low:g} is above {high:g}; write the lower limit first")
    return Bound(low=low, high=high)


def bound_issue(path: str, value: object, bound: Bound | None) -> ConfigIssue | None:
    """What is wrong with a caller's value; None where it is within its bound.

    Args:
        path: of the value, for the message.
        value: as given, of the right type already.
        bound: None where it cannot be changed at all.
    """
    if bound is None:
        return ConfigIssue(path, "cannot be changed in this bundle; leave it out, or register the run with another --bound")
    if bound.choices is not None:
        return None if value in bound.choices else ConfigIssue(path, f"{shown(value)} is not one of {', '.join(bound.choices)}")
    assert isinstance(value, (int, float)), "numbers are checked for being numbers before"
    low, high = bound.low or 0.0, bound.high if bound.high is not None else float("inf")
    if low <= value <= high:
        return None
    return ConfigIssue(path, f"{shown(value)} is outside of {low:g} to {high:g}, which this bundle allows")


def method_values(method: VReasonConfig) -> dict[str, Any]:
    """The method's settings by dotted name, without the parts that are off."""
    parts = {part: getattr(method, part) for part in PARTS}
    return {f"{part}.{name}": value for part, config in parts.items() if config is not None for name, value in asdict(config).items()}


def is_whole(name: str) -> bool:
    """Whether a method's setting is a whole number."""
    return name in ("controller.k", "controller.seed", "pruning.seed")


def is_word(name: str) -> bool:
    """Whether it is a word."""
    return name in _WORDS
