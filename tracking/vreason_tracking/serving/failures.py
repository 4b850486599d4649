"""Why a request is not answered: an HTTP status and a sentence, in the form that the client's interface has for it."""

from __future__ import annotations

from typing import Any

from vreason.errors import ConfigError, VideoUnavailableError, VReasonError

_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    404: "not_found_error",
    408: "timeout_error",
    413: "invalid_request_error",
}
_TYPES |= {415: "invalid_request_error", 429: "rate_limit_error", 503: "service_unavailable_error", 504: "timeout_error"}


class RequestError(Exception):
    """A request that is not answered.

    Args:
        status: HTTP's.
        message: what is wrong, and what to do.
        param: the field that is wrong; None where it is none.
        retry_after: seconds after which to ask again; None where that would not help.
    """

    def __init__(self, status: int, message: str, param: str | None = None, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.param, self.retry_after = status, message, param, retry_after

    @property
    def headers(self) -> dict[str, str]:
        """What else the answer says."""
        headers = {} if self.retry_after is None else {"Retry-After": str(max(1, round(self.retry_after)))}
        return {**headers, **({"WWW-Authenticate": "Bearer"} if self.status == 401 else {})}

    def openai(self) -> dict[str, Any]:
        """As OpenAI's interface tells errors."""
        kind = _TYPES.get(self.status, "server_error")
        return {"error": {"message": self.message, "type": kind, "param": self.param, "code": self.status}}

    def mlflow(self) -> dict[str, Any]:
        """As MLflow's interface tells errors."""
        code = "BAD_REQUEST" if self.status < 500 else "INTERNAL_ERROR"
        return {"error_code": code, "message": self.message}


def request_error(error: VReasonError) -> RequestError:
    """What a failure of ours is to a client: the request's fault, or the server's."""
    if isinstance(error, ConfigError):
        first = error.issues[0].path if error.issues else None
        return RequestError(400, "; ".join(map(str, error.issues)), first)
    if isinstance(error, VideoUnavailableError):
        return RequestError(503, str(error), "video", retry_after=5)
    return RequestError(400, str(error))
