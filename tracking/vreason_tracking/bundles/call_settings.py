"""What one call of a bundle asks for beside its question: the bundle's own settings, with the caller's laid over them within the bounds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, get_args

from vreason.config import PARTS, VReasonConfig
from vreason.config_checks import check_choice, check_number, shown, unknown_key
from vreason.errors import ConfigError, ConfigIssue
from vreason_tracking.bundles.bounds import MAX_NEW_TOKENS, TEMPERATURE, TOP_P, bound_issue, is_whole, is_word, method_values
from vreason_tracking.bundles.bundle import Bundle

if TYPE_CHECKING:
    from vreason.evaluation import EvaluationConfig

Trace = Literal["none", "summary", "full"]
TRACES = get_args(Trace)
_SEEDS = 2**63 - 1
_STOPS = 4  # as OpenAI's interface has it
_STOP_LENGTH = 200  # characters


@dataclass(frozen=True)
class CallSettings:
    """How one call is answered.

    Attributes:
        config: the bundle's, with the caller's changes.
        trace: how much of the controller's steps is told.
        stop: texts at which the reply ends.
        departures: what was changed, by name; the answer is not the registered run's wherever this is not empty.
    """

    config: EvaluationConfig
    trace: Trace = "none"
    stop: tuple[str, ...] = ()
    departures: tuple[str, ...] = ()


def call_settings(bundle: Bundle, params: Mapping[str, Any] | None = None, path: str = "params") -> CallSettings:
    """The settings of one call.

    Args:
        bundle: what is called.
        params: by name: max_new_tokens, trace, seed, stop, temperature, top_p, and settings of the method ("controller.k"); None as a value
            stands for the bundle's own.
        path: of the parameters, for messages.

    Raises:
        ConfigError: everything wrong with them.
    """
    config = bundle.evaluation_config()
    given = {name: value for name, value in (params or {}).items() if value is not None}
    known = (MAX_NEW_TOKENS, "trace", "seed", "stop", TEMPERATURE, TOP_P, *method_values(config.method))
    issues = [unknown_key(f"{path}.{name}", str(name), known) for name in given if name not in known]
    registered = _registered(config)
    given = {name: value for name, value in given.items() if name in known and (name not in registered or registered[name] != value)}
    issues += [issue for name, value in given.items() if (issue := _issue(bundle, name, value, path))]
    if issues:
        raise ConfigError(issues)
    changed = _changed(config, given)
    stop = given.get("stop", ())
    return CallSettings(
        config=changed,
        trace=given.get("trace", "none"),
        stop=(stop,) if isinstance(stop, str) else tuple(stop),
        departures=tuple(_departures(config, changed, given)),
    )


def _registered(config: EvaluationConfig) -> dict[str, Any]:
    """The bundle's own values, which anybody may give: MLflow's server hands every parameter over, defaults among them."""
    generation = config.generation
    greedy = not generation.get("do_sample")
    temperature = 0 if greedy else generation.get(TEMPERATURE)
    own = {MAX_NEW_TOKENS: generation[MAX_NEW_TOKENS], TEMPERATURE: temperature, TOP_P: 1 if greedy else generation.get(TOP_P)}
    return {**own, **method_values(config.method)}


def _issue(bundle: Bundle, name: str, value: object, path: str) -> ConfigIssue | None:
    where = f"{path}.{name}"
    if name == "trace":
        return next(iter(check_choice(where, value, TRACES)), None)
    if name == "seed":
        return next(iter(check_number(where, value, 0, _SEEDS, whole=True)), None)
    if name == "stop":
        return _stop_issue(where, value)
    kind = _type_issue(where, name, value)
    return kind or bound_issue(where, value, bundle.bounds.get(name))


def _type_issue(where: str, name: str, value: object) -> ConfigIssue | None:
    if is_word(name):
        return None if isinstance(value, str) else ConfigIssue(where, f"{shown(value)} is not text")
    return next(iter(check_number(where, value, 0, whole=name == MAX_NEW_TOKENS or is_whole(name))), None)


def _stop_issue(where: str, value: object) -> ConfigIssue | None:
    texts = [value] if isinstance(value, str) else value
    if isinstance(texts, (list, tuple)) and len(texts) <= _STOPS and all(isinstance(each, str) and each for each in texts):
        return None if all(len(each) <= _STOP_LENGTH for each in texts) else ConfigIssue(where, f"is longer than {_STOP_LENGTH} characters")
    return ConfigIssue(where, f"{shown(value)} is not a text, or a list of up to {_STOPS} texts, none of them empty")


def _changed(config: EvaluationConfig, given: Mapping[str, Any]) -> EvaluationConfig:
    """The bundle's settings with the caller's values."""
    generation = dict(config.generation)
    if MAX_NEW_TOKENS in given:
        generation[MAX_NEW_TOKENS] = int(given[MAX_NEW_TOKENS])
        if generation.get("min_new_tokens", 0) > generation[MAX_NEW_TOKENS]:
            generation["min_new_tokens"] = generation[MAX_NEW_TOKENS]
    if TEMPERATURE in given:
        greedy = given[TEMPERATURE] == 0
        generation |= {"do_sample": not greedy, TEMPERATURE: None if greedy else float(given[TEMPERATURE])}
        generation |= {TOP_P: None, "top_k": None} if greedy else {}
    if TOP_P in given and generation.get("do_sample"):
        generation[TOP_P] = float(given[TOP_P])
    return replace(config, generation=generation, method=_method(config.method, given), seed=int(given.get("seed", config.seed)))


def _method(method: VReasonConfig, given: Mapping[str, Any]) -> VReasonConfig:
    parts: dict[str, Any] = {}
    for part in PARTS:
        values = {name.partition(".")[2]: value for name, value in given.items() if name.startswith(f"{part}.")}
        if values:
            parts[part] = replace(getattr(method, part), **values)
    return replace(method, **parts)


def _departures(config: EvaluationConfig, changed: EvaluationConfig, given: Mapping[str, Any]) -> list[str]:
    """Names of what differs from the bundle's own settings; a seed counts only where tokens are drawn."""
    ours, theirs = method_values(config.method), method_values(changed.method)
    names = [name for name in ours if ours[name] != theirs[name]]
    names += [name for name in (MAX_NEW_TOKENS, TEMPERATURE, TOP_P) if config.generation.get(name) != changed.generation.get(name)]
    if changed.seed != config.seed and changed.generation.get("do_sample"):
        names.append("seed")
    return [*names, *(["stop"] if given.get("stop") else [])]
