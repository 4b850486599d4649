"""A real store whose calls fail when a test says so, as a network and a kernel do.

before   it fails and has not taken effect
after    it took effect, and the answer was lost
late     it fails, and takes effect when nobody waits for it any more: just before the next call of the same name
killed   it took effect, and then this process is killed
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from functools import partial
from typing import Any, Literal

from mlflow.exceptions import MlflowException
from requests.exceptions import ConnectionError

from vreason_tracking.stores.mlflow_store import MlflowStore

Moment = Literal["before", "after", "late", "killed"]


class Away(MlflowException):
    """The store did not answer, as MLflow's REST client tells it; whether it heard, nobody knows."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.__cause__ = ConnectionError(message)


class FaultyClient:
    """MLflow's client, with a fault.

    Args:
        client: the real one.
        fails: told the number of a call, from 1, and its name; returns when it fails, or None. May raise an error of its own kind.

    Attributes:
        calls: names of all calls so far.
    """

    def __init__(self, client: Any, fails: Callable[[int, str], Moment | None]) -> None:
        self._client, self._fails = client, fails
        self.calls: list[str] = []
        self._late: dict[str, Callable[[], Any]] = {}

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._client, name)
        if not callable(real):
            return real

        def call(*arguments: Any, **keywords: Any) -> Any:
            self.calls.append(name)
            moment = self._fails(len(self.calls), name)
            self._late.pop(name, lambda: None)()
            if moment == "late":
                self._late[name] = partial(real, *arguments, **keywords)
            if moment in ("before", "late"):
                raise Away(f"{name}: no answer")
            answer = real(*arguments, **keywords)
            if moment == "killed":
                os.kill(os.getpid(), signal.SIGKILL)
            if moment == "after":
                raise Away(f"{name}: the answer was lost")
            return answer

        return call


def faulty(store: MlflowStore, fails: Callable[[int, str], Moment | None] = lambda number, name: None) -> FaultyClient:
    """Give a store a faulty client; returns it."""
    store.client = FaultyClient(store.client, fails)
    return store.client


def at(number: int, moment: Moment) -> Callable[[int, str], Moment | None]:
    """The call of this number fails, and no other."""
    return lambda count, name: moment if count == number else None
