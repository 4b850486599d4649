"""What a request to MLflow is about, read as MLflow reads it, and refused where two readers could read it differently.

MLflow takes `experiment_id` and `experimentId` for the same field, and of a name that JSON has twice its parser takes the last one. A
request with both would let the audit trail tell of one thing and MLflow do another.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl


class AmbiguousRequestError(ValueError):
    """A request says something twice, in ways that can be read differently."""


_SUBJECTS = (
    ("run", ("run_id", "run_uuid", "source_run_id")),
    ("logged-model", ("model_id",)),
    ("trace", ("trace_id", "request_id")),
    ("dataset", ("dataset_id",)),
    ("user", ("username",)),
    ("experiment", ("experiment_id",)),
)
_ROUTES = {
    "users": ("user",),
    "roles": ("user",),
    "experiments": ("experiment",),
    "runs": ("run", "experiment"),
    "metrics": ("run",),
    "artifacts": ("run",),
    "logged-models": ("logged-model", "experiment"),
    "traces": ("trace", "run", "experiment"),
    "datasets": ("dataset", "experiment"),
}
"""What a request below a part of the API is about, the first that it names: a field that MLflow does not read there is not looked at."""

_KIND = re.compile(r"/(?:ajax-)?api/\d+\.\d+/mlflow/(?P<kind>[a-z-]+)(?:/.*)?", re.DOTALL)
_ARTIFACT = re.compile(r"/(?:ajax-)?api/\d+\.\d+/mlflow-artifacts/(?:artifacts|presigned|mpu/[a-z]+)/(?P<path>.+)", re.DOTALL)


def subject_of(path: str, query: str, body: Any) -> str:
    """What a request is about: "run:ID", "model:NAME/3", "experiment:ID", "artifact:PATH", else the path itself.

    Args:
        path: decoded.
        query: as it stands in the address.
        body: parsed JSON; None where there is none.

    Raises:
        AmbiguousRequestError: a field stands there in two spellings, or in query and body with two values.
    """
    if found := _ARTIFACT.fullmatch(path):
        return f"artifact:{found['path']}"
    if "/mlflow-artifacts/" in path:
        return f"path:{path}"
    fields = _fields(query, body)
    found = _KIND.fullmatch(path)
    kind = found["kind"] if found else ""
    if kind in ("registered-models", "model-versions") and (name := fields.get("name")):
        version = fields.get("version") if kind == "model-versions" or path.rstrip("/").endswith("/alias") else None
        return f"model:{name}/{version}" if version else f"model:{name}"
    named = dict(_SUBJECTS)
    for each in _ROUTES.get(kind, tuple(named)):
        for name in named[each]:
            if value := fields.get(name):
                return f"{each}:{value}"
    if kind == "experiments" and (name := fields.get("name")):
        return f"experiment:{name}"
    return f"path:{path}"


def parsed(body: bytes) -> Any:
    """The JSON of a body; None where it is empty or none.

    Raises:
        AmbiguousRequestError: an object in it has a name twice, or in two spellings.
    """
    if not body.strip():
        return None
    try:
        found = json.loads(body, object_pairs_hook=_object)
    except (ValueError, RecursionError) as error:
        if isinstance(error, AmbiguousRequestError):
            raise
        return None
    found = _unwrapped(found)
    if isinstance(found, Mapping):
        _require_one_spelling(found)
    return found


def _unwrapped(found: Any) -> Any:
    """MLflow takes JSON that was encoded twice: a text with JSON in it."""
    if not isinstance(found, str):
        return found
    try:
        return json.loads(found, object_pairs_hook=_object)
    except AmbiguousRequestError:
        raise
    except (ValueError, RecursionError):
        return None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(name for name, times in Counter(name for name, _ in pairs).items() if times > 1)
        raise AmbiguousRequestError(f"the body has {twice!r} twice; send it once")
    return found


def _require_one_spelling(fields: Mapping[str, Any]) -> None:
    """Of the request's own fields; deeper down names are the user's."""
    seen: dict[str, str] = {}
    for name in fields:
        other = seen.setdefault(_plain(name), name)
        if other != name:
            raise AmbiguousRequestError(f"the body has {other!r} and {name!r}, which are one field; send it once")


def _fields(query: str, body: Any) -> dict[str, str]:
    """The fields of a request by their plain names; values that are no text or number are passed over."""
    found: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        plain = _plain(name)
        if found.setdefault(plain, value) != value and plain in _NAMES:
            raise AmbiguousRequestError(f"the address has {name!r} with two values; send it once")
    for name, value in body.items() if isinstance(body, Mapping) else ():
        plain = _plain(str(name))
        if isinstance(value, (str, int)) and not isinstance(value, bool):
            if found.get(plain, str(value)) != str(value) and plain in _NAMES:
                raise AmbiguousRequestError(f"{name!r} is in the address and in the body, with two values; send it once")
            found[plain] = str(value)
    return found


def _plain(name: str) -> str:
    """A field's name as protobuf has it: `experimentId` is `experiment_id`."""
    return re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower() if re.fullmatch(r"[a-z]+([A-Z][a-z0-9]*)+", name) else name


_NAMES = {"name", "version", *(name for _, names in _SUBJECTS for name in names)}
