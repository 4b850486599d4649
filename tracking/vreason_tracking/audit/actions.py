"""What an entry of the audit trail may tell of."""

from __future__ import annotations

ACTIONS: dict[str, str] = {
    "log.created": "the log was begun; its first entry, which names it",
    "run.started": "a run of a variant began",
    "run.resumed": "a run was continued",
    "run.finished": "a run ended, with its status",
    "run.reaped": "a run whose process had died was closed",
    "run.deleted": "a run was deleted",
    "run.restored": "a deleted run was restored",
    "points.delivered": "points of a run reached the tracking store: their number, and a digest of what they were made of",
    "artifact.stored": "files of a run reached the tracking store, with their digests",
    "model.registered": "a version of a model was registered",
    "model.retired": "a version of a model was retired",
    "alias.moved": "an alias came to a version of a model",
    "alias.removed": "an alias was taken away",
    "card.stored": "a card of a version was put beside it, with its files' digests",
    "report.made": "a comparison was published",
    "export.taken": "the audit trail was exported",
    "user.created": "a user was made known",
    "user.changed": "a user's role or password was changed",
    "user.deleted": "a user was removed",
    "token.created": "a personal token was made",
    "token.revoked": "a personal token was withdrawn",
    "login.done": "somebody logged in with a browser",
    "logout.done": "somebody logged out with a browser",
    "login.failed": "somebody failed to log in",
    "log.adopted": "entries of another log, of a journal, were taken over, with its signed checkpoint",
    "log.verified": "the whole audit trail was verified, with what was found",
    "request.refused": "a request was refused before it reached MLflow",
    "backup.taken": "the databases and artifacts were backed up",
}
"""Each action and what it means. A request that reached MLflow has the action "mlflow." with the name of the route behind it."""

REQUEST_PREFIX = "mlflow."
"""Of the actions of requests that reached MLflow."""

LOCAL_PREFIX = "local."
"""Of the actions that were entered into a journal's own log, and taken over from there."""


def is_action(name: str) -> bool:
    """Whether an entry may have this action."""
    known = name.removeprefix(LOCAL_PREFIX)
    return known in ACTIONS or (known.startswith(REQUEST_PREFIX) and len(known) > len(REQUEST_PREFIX))
