"""The signature of a bundle as MLflow has it: columns of a question and of an answer, and the parameters of a call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vreason_tracking.bundles.bounds import MAX_NEW_TOKENS, TEMPERATURE, TOP_P, is_whole, is_word, method_values
from vreason_tracking.bundles.bundle import Bundle

if TYPE_CHECKING:
    from mlflow.models import ModelSignature


def model_signature(bundle: Bundle) -> ModelSignature:
    """What MLflow's clients and pages show, and MLflow's server checks.

    The default of a parameter is the registered value; a method's setting that the bundle does not let change has no parameter.
    """
    from mlflow.models import ModelSignature
    from mlflow.types import ParamSchema, ParamSpec, Schema
    from mlflow.types.schema import AnyType, Array, ColSpec, DataType

    text, whole, number = DataType.string, DataType.long, DataType.double
    inputs = [
        ColSpec(text, "question", required=False),  # a record without one has an error of its own, and the others an answer
        ColSpec(text, "video", required=False),
        ColSpec(AnyType(), "options", required=False),  # a list of texts; MLflow would refuse the whole batch for one that is none
        ColSpec(text, "problem_type", required=False),
        ColSpec(text, "id", required=False),
    ]
    outputs = [ColSpec(text, name, required=False) for name in ("id", "answer", "reasoning", "output", "stopped", "error")]
    outputs += [ColSpec(whole, name, required=False) for name in ("tokens", "prompt_tokens", "video_tokens")]
    outputs += [ColSpec(number, name, required=False) for name in ("latency_ms", "time_to_first_token_ms")]
    outputs += [ColSpec(DataType.boolean, "truncated", required=False)]
    outputs += [ColSpec(Array(text), name, required=False) for name in ("signatures", "departures")]
    outputs += [ColSpec(AnyType(), "trace", required=False)]
    kinds = {text: text, int: whole, float: number}
    params = [ParamSpec(name, kinds.get(kind, text), default) for name, kind, default in _parameters(bundle)]
    return ModelSignature(Schema(inputs), Schema(outputs), ParamSchema(params))


def _parameters(bundle: Bundle) -> list[tuple[str, Any, Any]]:
    """Name, type and default of every parameter; None as a default leaves the bundle's own."""
    found: list[tuple[str, Any, Any]] = [
        (MAX_NEW_TOKENS, int, int(bundle.generation[MAX_NEW_TOKENS])),
        ("trace", str, "none"),
        ("seed", int, bundle.seed),
    ]
    found += [(name, float, None) for name in (TEMPERATURE, TOP_P) if name in bundle.bounds]
    for name, value in method_values(bundle.evaluation_config().method).items():
        if name in bundle.bounds:
            found.append((name, int if is_whole(name) else str if is_word(name) else float, value))
    return found
