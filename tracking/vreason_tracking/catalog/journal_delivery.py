"""Delivering what waits in a journal, in this process: run by run, each to where it was recorded for, or to one place that is named.

Runs that another process delivers are left to it. A run that is under way is delivered as far as it is there.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from vreason.errors import TrackingError
from vreason_tracking.catalog.destinations import destination
from vreason_tracking.catalog.local_run import LocalRun
from vreason_tracking.delivery import DeliveryScheduler, read_delivered
from vreason_tracking.journal import Lease, LeaseTakenError, RunFolder, close_dead_run
from vreason_tracking.stores import MlflowStore, portable_uri

WAIT = 30.0  # seconds for which a store that is unavailable is asked again
_QUIET = 2.0  # seconds without anything to do after which a run that has not ended is left; longer than its points wait to be sent together
_POLL = 0.1


@dataclass
class DeliveryOutcome:
    """What came of delivering to one address.

    Attributes:
        uri: the address, without a password.
        refused: run id to why the store does not take it.
        left: run id to why it was left: another process delivers it, or it has not ended.
        unavailable: why the store could not be reached any more; None when it could.
    """

    uri: str
    refused: dict[str, str] = field(default_factory=dict)
    left: dict[str, str] = field(default_factory=dict)
    unavailable: str | None = None


def forget(folder: RunFolder) -> None:
    """Move the marks aside, so that everything is delivered anew. What the store has already is found there, and not doubled.

    Raises:
        LeaseTakenError: another process delivers the run.
        TrackingError: the folder cannot be written.
    """
    try:
        with Lease(folder.delivery_lease):
            if folder.delivery_log.exists():
                number = 1
                while (aside := folder.delivery_log.with_name(f"delivery.{number}.log")).exists():
                    number += 1
                folder.delivery_log.rename(aside)
    except OSError as error:
        raise TrackingError(f"{error.filename or folder.path}: cannot be written ({error.strerror}); check the permissions") from error


class JournalDelivery:
    """Delivers runs to one address. Close it, whatever happened.

    Args:
        uri: where to, password and all.
        runs: the runs.
        notice: told in words of what a user should know meanwhile.
        wait: seconds for which a store that is unavailable is asked again.

    Attributes:
        result: what came of it, once `advance` has come to its end.
    """

    def __init__(self, uri: str, runs: Sequence[LocalRun], notice: Callable[[str], None], wait: float = WAIT) -> None:
        self._folders = {run.run_id: run.folder for run in runs}
        self._notice, self._wait = notice, wait
        self.result = DeliveryOutcome(portable_uri(uri))
        self._unavailable_since: float | None = None
        self._scheduler = DeliveryScheduler(cache(lambda experiment: MlflowStore(uri, experiment, patient=False)), self._said)

    def advance(self) -> Iterator[int]:
        """Deliver; yields, again and again, the number of points of these runs that are there."""
        for folder in self._folders.values():
            self._scheduler.add(folder)
        quiet_since: float | None = None
        while self._scheduler.unfinished():
            before = self._scheduler.progress
            pause = self._scheduler.run_once()
            yield self._points()
            now = time.monotonic()
            if self._unavailable_since is not None and now - self._unavailable_since > self._wait:
                return
            if self._unavailable_since is not None or self._scheduler.progress > before:
                quiet_since = None
            else:
                quiet_since = quiet_since or now
                self._leave(now - quiet_since > _QUIET)
            time.sleep(min(pause, _POLL))

    def close(self) -> None:
        """Let go of all runs."""
        self._scheduler.close()

    def _points(self) -> int:
        return sum(read_delivered(folder.delivery_log).points for folder in self._folders.values())

    def _leave(self, all_quiet: bool) -> None:
        """Leave runs that another process delivers; and, after a while without anything to do, those that have no end."""
        begun = {delivery.folder.run_id for delivery in self._scheduler.deliveries()}
        for folder in self._scheduler.unfinished():
            run = LocalRun(folder)
            if folder.run_id not in begun:
                self.result.left[folder.run_id] = f"{run.deliverer or 'another process'} delivers it"
            elif all_quiet and run.holder:
                self.result.left[folder.run_id] = f"{run.holder} is still at work on it"
            elif all_quiet:
                self.result.refused[folder.run_id] = "its journal breaks off: `vreason-track journal verify` names what is missing"
            else:
                continue
            self._scheduler.drop(folder)

    def _said(self, state: str, reason: str, run_id: str) -> None:
        if state == "rejected" and run_id:
            self.result.refused[run_id] = reason
        elif state == "rejected":
            self._notice(reason)
        elif state == "unavailable":
            self._unavailable_since, self.result.unavailable = time.monotonic(), reason
            self._notice(f"{self.result.uri} is unavailable ({reason}); trying again for {self._wait:.0f} s")
        else:
            self._unavailable_since, self.result.unavailable = None, None
            self._notice(f"{self.result.uri} is back")


@dataclass(frozen=True)
class DeliveryPlan:
    """What is to be delivered: runs by address, what stands in the way of others, and what a user has to know beside."""

    groups: Mapping[str, Sequence[LocalRun]]
    failures: Sequence[str]
    notes: Sequence[str] = ()


def consign(folders: Sequence[RunFolder], uri: str | None, environment: Mapping[str, str], *, again: bool) -> DeliveryPlan:
    """Close runs whose process is gone, so that MLflow is told of their end, and find out what is to go where.

    Args:
        folders: the runs.
        uri: where to; None takes what was recorded.
        environment: may name the address of a run whose own holds a password.
        again: also what was delivered; the marks of each are forgotten.
    """
    groups: dict[str, list[LocalRun]] = {}
    failures: list[str] = []
    notes: list[str] = []
    for folder in folders:
        try:
            close_dead_run(folder)
            run = LocalRun(folder)
            if run.fault:
                raise TrackingError(f"run {run.run_id}: {run.fault}")
            if run.is_delivered and not again:
                continue
            place = destination(run, uri, environment)
            if again:
                forget(folder)
            groups.setdefault(place.uri, []).append(run)
            notes += [place.note] if place.note and place.note not in notes else []
        except LeaseTakenError as error:
            failures.append(f"run {folder.run_id}: {error.holder} delivers it; what it has delivered cannot be forgotten now")
        except (TrackingError, OSError) as error:
            failures.append(str(error))
    return DeliveryPlan(groups, failures, notes)
