"""What the OpenAPI description says of bodies that are read by hand, and of answers that are no success."""

from __future__ import annotations

from typing import Any

from vreason_tracking.serving.chat_request import ChatRequest


def _json(schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {"requestBody": {"required": True, "description": description, "content": {"application/json": {"schema": schema}}}}


def _inlined(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema without references to definitions of its own, which have no place in an operation."""
    definitions = schema.pop("$defs", {})

    def resolved(value: Any) -> Any:
        if isinstance(value, dict):
            if "$ref" in value:
                return resolved(definitions[value["$ref"].rpartition("/")[2]])
            return {key: resolved(each) for key, each in value.items() if key not in ("discriminator", "title")}
        return [resolved(each) for each in value] if isinstance(value, list) else value

    made: dict[str, Any] = resolved(schema)
    return made


_RECORD = {
    "type": "object",
    "required": ["question"],
    "properties": {
        "question": {"type": "string", "minLength": 1},
        "video": {"type": "string", "description": "a data: URI; a path or URL where those are taken"},
        "options": {"type": "array", "items": {"type": "string"}, "maxItems": 26},
        "problem_type": {"type": "string", "enum": ["multiple choice", "numerical", "regression", "OCR", "free-form"]},
        "id": {"type": "string", "maxLength": 200},
    },
}
CHAT = _json(_inlined(ChatRequest.model_json_schema()), "OpenAI's chat completion request; the method's own fields are under vreason.")
INVOCATIONS = _json(
    {
        "type": "object",
        "required": ["dataframe_records"],
        "properties": {"dataframe_records": {"type": "array", "items": _RECORD}, "params": {"type": "object"}},
    },
    "MLflow's forms: dataframe_records, dataframe_split, instances or inputs; and params.",
)
PROBLEMS: dict[int | str, dict[str, Any]] = {
    400: {"description": "The request is wrong; the message names the field."},
    401: {"description": "No token, or a wrong one."},
    404: {"description": "No such model, or no such page."},
    408: {"description": "The body did not come in time."},
    413: {"description": "The body is too large."},
    415: {"description": "The body is no JSON."},
    429: {"description": "All places are taken; Retry-After says when to ask again."},
    503: {"description": "The model is being loaded, has failed, or the server is shutting down."},
    504: {"description": "The answer took too long."},
}
