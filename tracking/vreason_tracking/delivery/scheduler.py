"""Several runs into one database or server, round and round: each gets its turn, a store that is unavailable is waited for, a run that it
refuses for good is rejected, and the others go on.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from vreason_tracking.delivery.backoff import Backoff
from vreason_tracking.delivery.call_plot import draw_together
from vreason_tracking.delivery.run_delivery import RunDelivery
from vreason_tracking.journal import LeaseTakenError, RunFolder
from vreason_tracking.stores import MlflowStore, is_misdirected, is_unavailable, reason_of

_log = logging.getLogger(__name__)

TURN = 0.5  # seconds that one run may take before the next one gets its turn
_HURRIED = 1.0  # seconds: the longest pause before a store is asked again while somebody waits for the end
_MISDIRECTED = 10.0  # seconds: the shortest one where something else answers in its place
BATCH_WAIT = 1.0  # seconds for which a run's own series waits for more points


@dataclass
class _Waiting:
    """A run on its way.

    Attributes:
        delivery: None before its first turn.
        idle_since: monotonic time at which there was nothing more to read.
        over: nothing more will be done here: delivered to its end, or rejected.
        rejected: refused for good.
        backoff, again: a run that alone fails is asked for less and less often; monotonic time before which it has no turn.
    """

    folder: RunFolder
    delivery: RunDelivery | None = None
    idle_since: float = 0.0
    over: bool = False
    rejected: bool = False
    backoff: Backoff = field(default_factory=Backoff)
    again: float = 0.0


class DeliveryScheduler:
    """Delivers runs into the stores of one address, one store an experiment.

    Args:
        open: gives the store of an experiment, the same one each time; may raise like any other call to it.
        say: told of what a user should know: state ("ready", "unavailable", "rejected"), reason, run id.

    Attributes:
        progress: counts pieces delivered.
    """

    def __init__(self, open: Callable[[str], MlflowStore], say: Callable[[str, str, str], None]) -> None:
        self.open, self._say = open, say
        self._runs: dict[str, _Waiting] = {}
        self._backoff = Backoff()
        self._again = 0.0  # monotonic time before which the store is left alone
        self._unavailable = False
        self._has_worked = False
        self.progress = 0

    def add(self, folder: RunFolder) -> None:
        """Deliver this run too; one that was rejected is tried again."""
        known = self._runs.get(folder.run_id)
        if known is None or known.rejected:
            self._runs[folder.run_id] = _Waiting(folder)

    def drop(self, folder: RunFolder) -> None:
        """Leave a run to somebody else."""
        waiting = self._runs.pop(folder.run_id, None)
        if waiting and waiting.delivery:
            waiting.delivery.close()

    def close(self) -> None:
        """Let go of all runs."""
        for waiting in self._runs.values():
            if waiting.delivery:
                waiting.delivery.close()

    def unfinished(self) -> list[RunFolder]:
        """Runs that are neither delivered to their end nor rejected."""
        return [waiting.folder for waiting in self._runs.values() if not waiting.over]

    def deliveries(self) -> Iterator[RunDelivery]:
        """The deliveries that are under way."""
        return (waiting.delivery for waiting in self._runs.values() if waiting.delivery and not waiting.over)

    def hurry(self) -> None:
        """Somebody waits for the end: a store that is unavailable is asked every second or so from now on."""
        self._backoff = Backoff(longest=_HURRIED)
        self._again = 0.0
        for waiting in self._runs.values():
            waiting.backoff, waiting.again = Backoff(longest=_HURRIED), 0.0

    def run_once(self) -> float:
        """Give every run its turn; returns the seconds for which there is nothing to do, 0 when there is more."""
        now = time.monotonic()
        if self._again > now:
            return self._again - now
        busy = False
        for waiting in [each for each in self._runs.values() if not each.over and each.again <= now]:
            try:
                busy |= self._advance(waiting)
            except LeaseTakenError:  # another process is at work on it
                continue
            except Exception as error:
                self._runs[waiting.folder.run_id] = self._runs.pop(waiting.folder.run_id)  # the others come first next time
                self.failed(error, waiting)
                if self._unavailable:
                    break
        return max(0.0, self._again - time.monotonic()) if self._unavailable else 0.0 if busy else BATCH_WAIT / 4

    def abandon(self, folder: RunFolder) -> None:
        """The run's folder is gone: what the store has of it is all that there will be, and it is closed there as FAILED."""
        waiting = self._runs.get(folder.run_id)
        if waiting is None or waiting.over:
            return
        waiting.over, delivery = True, waiting.delivery
        if delivery is None:
            return
        try:
            delivery.close_lost()
        except Exception as error:
            _log.warning("run %s, whose folder is gone, cannot be closed in the store: %s", folder.run_id, reason_of(error))
        delivery.close()

    def send_heartbeat(self) -> None:
        """A heartbeat for every run under way."""
        for delivery in list(self.deliveries()):
            try:
                if delivery.send_heartbeat():
                    self._worked(None)
            except Exception as error:
                self.failed(error, None)
                return

    def failed(self, error: Exception, waiting: _Waiting | None) -> None:
        """What is unavailable is asked again later; what refuses is not.

        Where something else answers in the place of a store that has worked, that passes as well, and takes longer.
        """
        misdirected = self._has_worked and not is_unavailable(error) and is_misdirected(error)
        if is_unavailable(error) or misdirected:
            pause = max(self._backoff.failed(), min(_MISDIRECTED, self._backoff.longest) if misdirected else 0.0)
            self._again = time.monotonic() + pause
            if waiting is not None:
                waiting.again = time.monotonic() + waiting.backoff.failed()
            level = logging.DEBUG if self._unavailable else logging.WARNING
            _log.log(
                level, "the store is unavailable (%s): asked again in %.1f s, failure %d", reason_of(error), pause, self._backoff.failures
            )
            if not self._unavailable:
                self._say("unavailable", reason_of(error), "")
            self._unavailable = True
        elif waiting is not None:
            waiting.over = waiting.rejected = True
            if waiting.delivery:
                with suppress(OSError):  # a disk without room: whoever comes next is refused again
                    waiting.delivery.log.rejected(reason_of(error))
                waiting.delivery.close()
            _log.warning("run %s: the store refuses it: %s", waiting.folder.run_id, reason_of(error))
            self._say("rejected", reason_of(error), waiting.folder.run_id)

    def _worked(self, waiting: _Waiting | None) -> None:
        """The store has answered."""
        self._has_worked = True
        self._backoff.worked()
        if waiting is not None:
            waiting.backoff.worked()
        if self._unavailable:
            self._unavailable = False
            _log.info("the store is back")
            self._say("ready", "", "")

    def _advance(self, waiting: _Waiting) -> bool:
        """A run's turn; whether there is more to do for it now."""
        delivery = waiting.delivery or self._begin(waiting)
        end = time.monotonic() + TURN
        while self._next_piece(waiting, delivery):
            self.progress += 1
            waiting.idle_since = 0.0
            if delivery.ended:
                self._finish(waiting, delivery)
                return False
            if time.monotonic() > end:
                return True
        waiting.idle_since = waiting.idle_since or time.monotonic()
        if time.monotonic() - waiting.idle_since > BATCH_WAIT and delivery.idle():
            self._worked(waiting)
        if delivery.ended:  # found to have been delivered before
            self._finish(waiting, delivery)
        return False

    def _next_piece(self, waiting: _Waiting, delivery: RunDelivery) -> bool:
        writes = delivery.writes
        try:
            return delivery.advance()
        except Exception:
            if delivery.broken:
                waiting.delivery = None
                delivery.close()
            raise
        finally:
            if delivery.writes > writes:
                self._worked(waiting)

    def _begin(self, waiting: _Waiting) -> RunDelivery:
        store = self.open(waiting.folder.manifest.experiment)
        self._has_worked = True
        delivery = RunDelivery(waiting.folder, store)
        try:
            delivery.run.require_present()
            delivery.log.freed()
        except BaseException:
            delivery.close()
            raise
        waiting.delivery = delivery
        return delivery

    def _finish(self, waiting: _Waiting, delivery: RunDelivery) -> None:
        """The run is delivered to its end; a store that is unavailable now is asked for the last plot later."""
        curves = {each.folder.run_id: each.delivery.curve for each in self._runs.values() if each.delivery}
        try:
            draw_together(waiting.folder, delivery.store, curves)
        except Exception as error:
            if is_unavailable(error):
                raise
            self._say("rejected", f"the plot of all variants: {reason_of(error)}", waiting.folder.run_id)
        waiting.over = True
        delivery.close()
