"""The one thread that owns a model: it takes jobs, steps the engine, and hands over what comes of them.

Everything that touches the model happens here, in a loop of the engine's four verbs; another engine can take the place of the first without
a change to the server.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable

from vreason.generation import Engine, Finished
from vreason.models import LoadedModel
from vreason_tracking.serving.failures import RequestError
from vreason_tracking.serving.jobs import Job

_log = logging.getLogger(__name__)

_IDLE = 0.5  # seconds after which an idle worker looks around; a job wakes it at once
_PAUSE = 0.001  # while the engine holds a batch open
Listener = Callable[[Job, Finished], None]
MakeEngine = Callable[[LoadedModel, Callable[[], int]], Engine]


class ModelWorker:
    """A model's thread and the jobs that wait for it.

    Args:
        name: of the model, for the log.
        load: loads it, in the worker's thread.
        make_engine: of the model, and of how many requests are about to come.
        queue: jobs at a time, those in preparation among them.
        on_finished: told of every end, in the worker's thread.

    Attributes:
        loaded: the model; None until it is loaded.
        failure: why the worker has ended; None while it lives.
        ready: set once the model is loaded.
    """

    def __init__(self, name: str, load: Callable[[], LoadedModel], make_engine: MakeEngine, queue: int, on_finished: Listener) -> None:
        self.name = name
        self.loaded: LoadedModel | None = None
        self.failure: BaseException | None = None
        self.ready = threading.Event()
        self._load, self._make_engine, self._queue, self._on_finished = load, make_engine, queue, on_finished
        self._condition = threading.Condition()
        self._waiting: deque[Job] = deque()
        self._running: dict[str, Job] = {}
        self._reserved = 0  # places of requests that are being prepared
        self._stopping = False
        self._seconds = 1.0  # a job's, lately
        self._thread = threading.Thread(target=self._run, name=f"model {name}", daemon=True)

    def start(self) -> None:
        """Begin to load."""
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether it works, or loads."""
        return self._thread.is_alive() and self.failure is None

    @property
    def in_flight(self) -> int:
        """Jobs that are prepared, wait or run."""
        return self._reserved + len(self._waiting) + len(self._running)

    @property
    def waiting(self) -> int:
        """Jobs that wait for the model."""
        return len(self._waiting)

    def reserve(self) -> None:
        """Take a place for a request that is about to be prepared; `submit` or `release` gives it back.

        Raises:
            RequestError: there is none, or the worker does not work.
        """
        self._require_alive()
        with self._condition:
            if self._stopping:
                raise RequestError(503, "the server is shutting down; ask another one, or later", retry_after=5)
            if self.in_flight >= self._queue:
                wait = self._seconds * max(1, self.in_flight)
                raise RequestError(
                    429, f"{self.in_flight} requests are waiting, which is all that is taken; ask again later", retry_after=wait
                )
            self._reserved += 1

    def release(self) -> None:
        """Give a place back."""
        with self._condition:
            self._reserved -= 1
            self._condition.notify()

    def submit(self, job: Job) -> None:
        """Hand over a job whose place is reserved.

        Raises:
            RequestError: the worker does not work any more.
        """
        with self._condition:
            self._reserved -= 1
            self._waiting.append(job)
            self._condition.notify()
        self._require_alive()

    def _require_alive(self) -> None:
        if self.failure is not None:
            raise RequestError(503, "the model has failed; the server has to be started again", retry_after=30)
        if not self.ready.is_set():
            raise RequestError(503, "the model is being loaded; ask again in a moment", retry_after=5)

    def stop(self, seconds: float) -> None:
        """Finish what is there within a time, take no more, and end."""
        with self._condition:
            self._stopping = True
            self._condition.notify()
        self._thread.join(seconds)
        with self._condition:
            for job in (*self._waiting, *self._running.values()):
                job.withdraw("shutdown")
        self._thread.join(5.0)

    def _run(self) -> None:
        engine: Engine | None = None
        try:
            self.loaded = self._load()
            engine = self._make_engine(self.loaded, lambda: self._reserved)
            self.ready.set()
            while self._work(engine):
                pass
        except BaseException as error:  # whatever it is, nobody answers any more
            self.failure = error
            _log.exception("model %s: its worker has ended", self.name)
        finally:
            self._abandon(engine)

    def _work(self, engine: Engine) -> bool:
        """One turn; False at the end."""
        with self._condition:
            while self._waiting and engine.has_room():
                job = self._waiting.popleft()
                self._running[job.request.request_id] = job
                engine.add(job.request)
            if engine.idle:
                if self._stopping and not self._waiting and not self._reserved:
                    return False
                self._condition.wait(_IDLE)
                return True
        pieces = engine.step()
        for piece in pieces:
            self._running[piece.request_id].tell(piece)
        ended = engine.finished()
        for finished in ended:
            self._end(finished)
        if not pieces and not ended:
            self._rest(engine)
        return True

    def _rest(self, engine: Engine) -> None:
        """Let a batch that is held open wait for those who come."""
        if engine.holding:
            with self._condition:
                if not self._waiting:
                    self._condition.wait(_PAUSE)

    def _end(self, finished: Finished) -> None:
        job = self._running.pop(finished.request_id)
        took = max(0.0, time.time() - finished.started_ms / 1000)
        self._seconds += 0.2 * (took / max(1, finished.batch) - self._seconds)
        try:
            self._on_finished(job, finished)
        except Exception:
            _log.exception("request %s: what listens to answers has failed", finished.request_id)
        job.tell(finished)

    def _abandon(self, engine: Engine | None) -> None:
        """Tell everybody who still waits, and put the model back."""
        with self._condition:
            left = [*self._waiting, *self._running.values()]
            self._waiting.clear()
            self._running.clear()
            self.failure = self.failure or RuntimeError("stopped")
        for job in left:
            job.tell(RequestError(503, "the model has failed or was stopped; ask another server, or later", retry_after=30))
        if engine is not None:
            try:
                engine.close()
            except Exception:
                _log.exception("model %s: its engine could not be closed", self.name)
