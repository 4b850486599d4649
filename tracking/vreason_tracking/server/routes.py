"""Which requests to MLflow's server only read, and what the others are called in the audit trail.

Every request that is not known to read counts as one that changes something: a route that a later MLflow adds is audited unseen.
"""

from __future__ import annotations

import re

from vreason_tracking.audit import REQUEST_PREFIX

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

READING_POSTS = frozenset(
    {
        "/graphql",
        "/mlflow/datasets/search",
        "/mlflow/experiments/search",
        "/mlflow/experiments/search-datasets",
        "/mlflow/issues/search",
        "/mlflow/logged-models/search",
        "/mlflow/prompt-optimization/jobs/search",
        "/mlflow/registered-models/get-latest-versions",
        "/mlflow/runs/search",
        "/mlflow/traces/calculate-filter-correlation",
        "/mlflow/traces/metrics",
        "/mlflow/traces/search",
        "/mlflow/ui-telemetry",
        "/jobs/search",
    }
)
"""Routes that read although they are asked by POST, below the prefix of the API."""

OWN_PREFIX = "/vreason/"
"""Of our own pages, which enter what they do themselves: their forms carry passwords, of which not even a digest is to be kept."""

_PREFIX = re.compile(r"/(?:ajax-)?api/\d+\.\d+")
_IDENTIFIER = re.compile(r"(?:[a-z]+-)?[0-9a-f]{16,}|\d+", re.IGNORECASE)


_API = r"/(?:ajax-)?api/\d+\.\d+/mlflow"
_SECRET = re.compile(rf"{_API}/(?:users|webhooks|gateway/secrets)(?:/.*)?|/signup/?", re.DOTALL)
_USERS = re.compile(rf"{_API}/(?:users|roles)(?:/.*)?|/signup/?", re.DOTALL)
_OWN_USER = re.compile(rf"{_API}/users/current(?:/.*)?", re.DOTALL)
_PASSWORD = re.compile(rf"{_API}/users/update-password/?")


def carries_secret(path: str) -> bool:
    """Whether the body of a request to a path may hold a password or a key: what somebody chose can be guessed from its digest."""
    return _SECRET.fullmatch(path) is not None


def is_about_users(path: str) -> bool:
    """Whether a path is one of MLflow's own for users and roles; what somebody asks of themselves is not."""
    return _USERS.fullmatch(path) is not None and _OWN_USER.fullmatch(path) is None


def is_password_change(path: str) -> bool:
    """Whether a path is the one by which somebody changes a password, for which MLflow asks for the present one."""
    return _PASSWORD.fullmatch(path) is not None


def is_audited(method: str, path: str) -> bool:
    """Whether a request may change something.

    Args:
        method: of HTTP.
        path: of the request, decoded, without a query.
    """
    if method in SAFE_METHODS or path.startswith(OWN_PREFIX):
        return False
    return not (method == "POST" and _PREFIX.sub("", path, count=1) in READING_POSTS)


def action_of(method: str, path: str) -> str:
    """What a request is called: "mlflow.runs.log-batch", "mlflow.artifacts.put".

    Args:
        method, path: as for `is_audited`.
    """
    rest = _PREFIX.sub("", path, count=1)
    if rest.startswith("/mlflow-artifacts/"):
        kind = rest.split("/")[2:3]
        return f"{REQUEST_PREFIX}artifacts.{'' if kind == ['artifacts'] else _word(kind[0]) + '.' if kind else ''}{method.lower()}"
    words = [_word(part) for part in rest.removeprefix("/mlflow/").split("/") if part and not _IDENTIFIER.fullmatch(part)]
    name = ".".join(word for word in words[:4] if word) or "root"
    return f"{REQUEST_PREFIX}{name}" + ("" if method == "POST" else f".{method.lower()}")


def _word(part: str) -> str:
    """A part of a path as it may stand in the name of an action."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", part)[:60].strip("-")
