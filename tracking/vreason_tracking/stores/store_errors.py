"""What a failed call to the tracking store means: it may pass (the server or database is unavailable or busy), or it was refused for good.

MLflow wraps what went wrong once or twice. The outermost error that can be judged decides: a REST answer by its status, a database's error
by its SQLSTATE or SQLite code, a network's or disk's by its kind; MLflow's own code only where nothing behind it tells more. What nobody
here knows counts as refused, and so is looked at by a person.
"""

from __future__ import annotations

import errno
import os
import re
import sqlite3
from typing import Any

from vreason.errors import TrackingError, TrackingUnavailableError
from vreason_tracking.stores.addresses import redact_password

_SHORT = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",  # who calls tries again; and a `create_run` that timed out is not sent twice unseen
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "PGCONNECT_TIMEOUT": "10",
}
_HTTP_BUSY = {408, 425, 429}
_PAGE = re.compile(r"failed with error code (\d{3}) ")  # MLflow's words for an answer that is not its server's own
_NO_JSON = "not in a valid JSON format"  # its words for a page with status 200
_LOGIN = {401, 407}
_ELSEWHERE = {*range(300, 400), 401, 403, 404, 405, 407, 410, 421}
_ERRNO = {
    getattr(errno, name)
    for name in (
        *("ENOSPC", "EDQUOT", "EIO", "ESTALE", "EBUSY", "EAGAIN", "ENOMEM", "EMFILE", "ENFILE"),  # disks and limits
        *("ENETDOWN", "ENETUNREACH", "EHOSTDOWN", "EHOSTUNREACH", "EADDRNOTAVAIL", "ENOTCONN"),  # networks
    )
    if hasattr(errno, name)
}
_SQLITE = {
    getattr(sqlite3, f"SQLITE_{name}")
    for name in ("BUSY", "LOCKED", "NOMEM", "INTERRUPT", "IOERR", "FULL", "CANTOPEN", "PROTOCOL")  # CANTOPEN: a share that is not mounted
}
_SQLSTATE = (
    "08",  # connection
    "40",  # deadlock, serialisation
    "53",  # too many connections, disk full, out of memory
    "57",  # shutdown, starting up, statement cancelled
    "58000",  # the system around it
    "58030",  # I/O
    "55P03",  # lock not available
    "25006",  # read only: a standby that is about to become the primary
)
_CONNECTION_REFUSED_FOR_GOOD = re.compile(  # libpq gives no SQLSTATE for a connection that was not made
    r"authentication failed|no password supplied|does not exist|no pg_hba\.conf entry|permission denied|not permitted to log in"
    r"|not currently accepting connections|does not support SSL|SSL negotiation|certificate|authentication method|invalid port"
)


def is_unavailable(error: BaseException) -> bool:
    """Whether the call that raised `error` may succeed later, unchanged; False where repeating it changes nothing."""
    return _verdict(error) is True


def is_refused_value(error: BaseException) -> bool:
    """Whether a store may have refused a single value for what it is: its name, its length, its number, or that it has another one.

    MLflow refuses a run that was deleted in the same words. What it says of missing runs, rights, tables, and of itself is something else.
    """
    if not _is(error, "mlflow", "MlflowException"):
        return False
    cause = error.__cause__ or error.__context__
    return getattr(error, "error_code", "") == "INVALID_PARAMETER_VALUE" or (cause is not None and _is(cause, "sqlalchemy", "DataError"))


def is_misdirected(error: BaseException) -> bool:
    """Whether something else answered in the store's place, or asked for a login: a proxy's or login page, whatever its status.

    At the first call that is a wrong address or password; from a store that has worked before, it is a proxy that restarts, a session that
    has run out, a host that another service has taken for a moment.
    """
    seen: BaseException | None = error
    while seen is not None:
        if _is(seen, "mlflow", "RestException") and seen.get_http_status_code() in _LOGIN:  # type: ignore[attr-defined]
            return True
        if _is(seen, "mlflow", "MlflowException") and (
            ((page := _PAGE.search(str(seen))) and int(page[1]) in _ELSEWHERE) or _NO_JSON in str(seen)
        ):
            return True
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)
    return False


def failure(error: BaseException, message: str) -> TrackingError:
    """The TrackingError to raise from `error`: TrackingUnavailableError where the call may succeed later."""
    return (TrackingUnavailableError if is_unavailable(error) else TrackingError)(message)


def reason_of(error: BaseException) -> str:
    """What went wrong in one line, without passwords and without the driver's preamble."""
    lines = [line for line in str(error).splitlines() if line.strip() and not line.startswith("(raised as a result")]
    return redact_password(re.sub(r"^\([\w.]+\) ", "", lines[0].strip())) if lines else type(error).__name__


def short_http_timeouts() -> None:
    """Make every call of this process give up after about 10 s without a retry, for a caller that tries again by itself.

    MLflow's own default is seven retries, which take minutes. What the environment says already stays.
    """
    for name, value in _SHORT.items():
        os.environ.setdefault(name, value)


def _verdict(error: BaseException) -> bool | None:
    """True: may pass; False: refused; None: this error and those behind it tell nothing."""
    for judge in (_of_ours, _of_rest, _of_requests, _of_postgres, _of_sqlite, _of_system):
        found = judge(error)
        if found is not None:
            return found
    if getattr(error, "connection_invalidated", False):  # SQLAlchemy's, of any driver: the connection was lost
        return True
    behind = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    found = _verdict(behind) if behind is not None else None
    return found if found is not None else _by_code(error)


def _of_ours(error: BaseException) -> bool | None:
    return True if isinstance(error, TrackingUnavailableError) else None


def _of_rest(error: BaseException) -> bool | None:
    """A server's answer: as JSON of MLflow's, or as a proxy's page."""
    if not _is(error, "mlflow", "MlflowException"):
        return None
    if _is(error, "mlflow", "RestException"):
        return _passing_status(error.get_http_status_code())  # type: ignore[attr-defined]
    page = _PAGE.search(str(error))
    return _passing_status(int(page[1])) if page else None


def _passing_status(status: int) -> bool:
    return status in _HTTP_BUSY or (status >= 500 and status != 501)


def _of_requests(error: BaseException) -> bool | None:
    """No answer, or none that could be read. Requests' errors are OSErrors too: they are judged before those."""
    if _is(error, "urllib3", "HTTPError"):
        return _is(error, "urllib3", "TimeoutError", "ProtocolError", "ProxyError", "MaxRetryError", "ReadTimeoutError")
    if not _is(error, "requests", "RequestException"):
        return None
    if _is(error, "requests", "HTTPError"):
        response: Any = error.response  # type: ignore[attr-defined]
        return response is not None and _passing_status(response.status_code)
    if _is(error, "requests", "SSLError"):
        return "certificate" not in str(error).lower()
    return _is(error, "requests", "Timeout", "ConnectionError", "RetryError", "ChunkedEncodingError", "ContentDecodingError")


def _of_postgres(error: BaseException) -> bool | None:
    """psycopg 3 and 2."""
    if not _is(error, "psycopg", "Error") and not _is(error, "psycopg2", "Error"):
        return None
    state = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
    if state:
        return bool(state.startswith(_SQLSTATE))
    operational = any(each.__name__ == "OperationalError" for each in type(error).__mro__)
    return operational and not _CONNECTION_REFUSED_FOR_GOOD.search(str(error))


def _of_sqlite(error: BaseException) -> bool | None:
    if not isinstance(error, sqlite3.Error):
        return None
    return (getattr(error, "sqlite_errorcode", 0) & 0xFF) in _SQLITE  # the low byte: the rest is detail


def _of_system(error: BaseException) -> bool | None:
    """The network's and the disk's own errors; names that do not resolve are OSErrors of a kind of their own."""
    if not isinstance(error, OSError):
        return None
    passing = isinstance(error, (TimeoutError, ConnectionError, InterruptedError, BlockingIOError)) or type(error).__name__ == "gaierror"
    return passing or error.errno in _ERRNO


def _by_code(error: BaseException) -> bool | None:
    """Nothing behind it tells more: MLflow's code, else SQLAlchemy's class, for drivers that are not known here."""
    if _is(error, "mlflow", "MlflowException"):
        return error.get_http_status_code() in (429, 503, 504)  # type: ignore[attr-defined]
    if _is(error, "sqlalchemy", "SQLAlchemyError"):
        return _is(error, "sqlalchemy", "OperationalError", "TimeoutError")
    return None


def _is(error: BaseException, package: str, *names: str) -> bool:
    """Whether `error` is of one of these classes of a package, which need not be installed, or imported, to ask."""
    classes = type(error).__mro__
    return any(each.__name__ in names and each.__module__.split(".")[0] == package for each in classes)
