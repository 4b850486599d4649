"""A journal's log is handed over to the server that its runs are delivered to, if that server keeps an audit trail."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit, urlunsplit

from vreason.errors import TrackingError
from vreason_tracking.audit.adoption import Adopted, make_handover
from vreason_tracking.audit.keys import SigningKey
from vreason_tracking.audit.log import AuditLog
from vreason_tracking.stores import redact_password

if TYPE_CHECKING:
    import requests

PATH = "/vreason/api/audit/adopted"
_TIMEOUT = 30.0  # seconds for an answer


def hand_over(log: AuditLog, signing: SigningKey, uri: str, environment: Mapping[str, str] = os.environ) -> int | None:
    """Give a server every entry that it does not have yet.

    Args:
        log: the journal's.
        signing: its key.
        uri: the server's address, as MLflow's clients have it.
        environment: with MLflow's variables for user, password, token and certificates.

    Returns:
        How many entries it took; None where the server is none that keeps an audit trail.

    Raises:
        TrackingError: the server refuses them, or does not answer.
    """
    import requests

    address, shown = _address(uri), redact_password(uri)
    try:
        with _session(uri, environment) as session:
            return _hand_over(log, signing, session, f"{address}{PATH}", shown)
    except (requests.RequestException, ValueError) as error:
        raise TrackingError(f"{shown}: does not answer ({type(error).__name__}); the next delivery hands the audit trail over") from error


def _hand_over(log: AuditLog, signing: SigningKey, session: requests.Session, address: str, shown: str) -> int | None:
    answer = session.get(address, params={"origin": log.origin()}, timeout=_TIMEOUT)
    if answer.status_code == 404 or "json" not in answer.headers.get("content-type", ""):
        return None
    known, count = _known(_told(answer, shown)), 0
    while (given := make_handover(log, signing, known)) is not None:
        known = _known(_told(session.post(address, json=asdict(given), timeout=_TIMEOUT), shown))
        count += len(given.entries)
    return count


def _told(answer: requests.Response, shown: str) -> Any:
    """What it answers.

    Raises:
        TrackingError: it refuses.
    """
    told = answer.json()
    if not answer.ok:
        why = (told.get("error") or told.get("message")) if isinstance(told, dict) else None
        raise TrackingError(f"{shown}: refuses the journal's audit trail: {why or answer.status_code}")
    return told


def _known(told: Any) -> Adopted | None:
    return None if told is None else Adopted(**told)


def _address(uri: str) -> str:
    """Without user and password, and without a slash at its end."""
    parts = urlsplit(uri)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path.rstrip("/"), "", ""))


def _session(uri: str, environment: Mapping[str, str]) -> requests.Session:
    """Who we are and which certificates count, as MLflow's clients have it."""
    import requests

    session, parts = requests.Session(), urlsplit(uri)
    if token := environment.get("MLFLOW_TRACKING_TOKEN"):
        session.headers["authorization"] = f"Bearer {token}"
    elif parts.username:
        session.auth = (unquote(parts.username), unquote(parts.password or ""))
    elif user := environment.get("MLFLOW_TRACKING_USERNAME"):
        session.auth = (user, environment.get("MLFLOW_TRACKING_PASSWORD", ""))
    if environment.get("MLFLOW_TRACKING_INSECURE_TLS", "").lower() in ("1", "true"):
        session.verify = False
    elif certificates := environment.get("MLFLOW_TRACKING_SERVER_CERT_PATH"):
        session.verify = certificates
    return session
