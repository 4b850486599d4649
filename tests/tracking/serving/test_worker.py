"""The thread that owns a model: any engine of the four verbs, places, ends, and what happens when it dies."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from tests.helpers.waiting import wait_until
from vreason.benchmarks import Sample
from vreason.config import VReasonConfig
from vreason.evaluation import Question
from vreason.generation import Finished, Piece, Request
from vreason_tracking.serving.failures import RequestError
from vreason_tracking.serving.jobs import Job
from vreason_tracking.serving.worker import ModelWorker


class CountingEngine:
    """Counts to a request's limit, a step a token; another engine than ours behind the same verbs.

    Attributes:
        gate: a step waits until it is set.
        fails: raised by the next step.
    """

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.fails: Exception | None = None
        self.closed = False
        self._counts: dict[str, int] = {}
        self._requests: dict[str, Request] = {}
        self._finished: list[Finished] = []

    holding = False

    @property
    def idle(self) -> bool:
        return not self._requests

    def has_room(self) -> bool:
        return len(self._requests) < 2

    def add(self, request: Request) -> None:
        self._requests[request.request_id] = request
        self._counts[request.request_id] = 0

    def step(self) -> Sequence[Piece]:
        self.gate.wait(10)
        if self.fails is not None:
            raise self.fails
        pieces = []
        for name, request in list(self._requests.items()):
            self._counts[name] += 1
            pieces.append(Piece(name, str(self._counts[name]), self._counts[name]))
            reason = request.withdrawn() or ("length" if self._counts[name] >= request.max_new_tokens else None)
            if reason:
                del self._requests[name]
                self._finished.append(Finished(name, reason, 0))
        return pieces

    def finished(self) -> Sequence[Finished]:
        found, self._finished = self._finished, []
        return found

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def engine() -> CountingEngine:
    return CountingEngine()


@pytest.fixture
def worker(engine: CountingEngine) -> Iterator[ModelWorker]:
    made = ModelWorker("counting", lambda: None, lambda loaded, coming: engine, 3, lambda job, finished: None)  # type: ignore[arg-type, return-value]
    made.start()
    assert made.ready.wait(5)
    yield made
    engine.gate.set()
    made.stop(5)


def job(name: str, tokens: int = 3, seconds: float = 30) -> Job:
    request = Request(name, "", (), VReasonConfig(), {}, tokens)
    return Job(Question(Sample(name, "", "q", "", "free-form"), ()), None, request, time.monotonic() + seconds)  # type: ignore[arg-type]


async def submitted(worker: ModelWorker, *arguments: Any) -> Job:
    worker.reserve()
    made = job(*arguments)
    worker.submit(made)
    return made


def run(act: Callable[[], Any]) -> Any:
    return asyncio.run(act())


def test_pieces_and_end(worker: ModelWorker) -> None:
    """A job's pieces come in order, its end last."""

    async def act() -> list[Any]:
        made = await submitted(worker, "a")
        return [event async for event in made.pieces()]

    *pieces, end = run(act)
    assert ["1", "2", "3"] == [piece.text for piece in pieces]
    assert ("a", "length") == (end.request_id, end.reason)


def test_more_than_the_engine_has_room_for(worker: ModelWorker) -> None:
    """They wait, and are all answered."""

    async def act() -> list[str]:
        jobs = [await submitted(worker, name) for name in "abc"]
        return [(await each.finished()).request_id for each in jobs]

    assert ["a", "b", "c"] == run(act)
    assert 0 == worker.in_flight


def test_one_too_many(worker: ModelWorker, engine: CountingEngine) -> None:
    """It is told when to ask again; after that there is room."""

    async def act() -> RequestError:
        engine.gate.clear()
        jobs = [await submitted(worker, name) for name in "abc"]
        with pytest.raises(RequestError) as caught:
            worker.reserve()
        engine.gate.set()
        for each in jobs:
            await each.finished()
        worker.reserve()
        worker.release()
        return caught.value

    error = run(act)
    assert 429 == error.status
    assert int(error.headers["Retry-After"]) >= 1


def test_withdrawn_job_ends_within_a_step(worker: ModelWorker, engine: CountingEngine) -> None:
    """Whoever leaves frees the model."""

    async def act() -> Finished:
        made = await submitted(worker, "a", 1_000_000)
        await anext(made.pieces())
        made.withdraw("cancelled")
        return await made.finished()

    assert "cancelled" == run(act).reason
    assert engine.idle


def test_time_out(worker: ModelWorker) -> None:
    """504, and the engine has stopped."""

    async def act() -> None:
        made = await submitted(worker, "a", 10_000_000, 0.2)
        await made.finished()

    with pytest.raises(RequestError) as caught:
        run(act)
    assert 504 == caught.value.status


def test_a_dead_worker(worker: ModelWorker, engine: CountingEngine) -> None:
    """Who waits is told, who comes is refused, the engine is closed, and the worker says that it is dead."""

    async def act() -> list[int]:
        engine.gate.clear()
        jobs = [await submitted(worker, name) for name in "abc"]
        engine.fails = RuntimeError("CUDA error: device lost")
        engine.gate.set()
        statuses = []
        for each in jobs:
            try:
                await each.finished()
            except RequestError as error:
                statuses.append(error.status)
        return statuses

    assert [503] * 3 == run(act)
    with pytest.raises(RequestError, match="has failed"):
        worker.reserve()
    assert not worker.alive
    assert wait_until(lambda: engine.closed, 10)  # its thread closes it behind those who wait


def test_a_model_that_cannot_be_loaded() -> None:
    """The failure is kept, and nothing is taken."""

    def load() -> Any:
        raise OSError("no weights")

    made = ModelWorker("broken", load, lambda loaded, coming: CountingEngine(), 3, lambda job, finished: None)
    with pytest.raises(RequestError, match="being loaded"):
        made.reserve()
    made.start()
    made.stop(5)
    assert "no weights" == str(made.failure)
    assert not made.ready.is_set()


def test_stop_finishes_what_runs(worker: ModelWorker, engine: CountingEngine) -> None:
    """What was taken is answered, what comes is refused."""

    async def act() -> tuple[Finished, int]:
        engine.gate.clear()
        made = await submitted(worker, "a", 50)
        stopping = threading.Thread(target=worker.stop, args=(10,))
        stopping.start()
        await asyncio.sleep(0.1)
        with pytest.raises(RequestError) as caught:
            worker.reserve()
        engine.gate.set()
        found = await made.finished()
        stopping.join()
        return found, caught.value.status

    found, status = run(act)
    assert ("length", 503) == (found.reason, status)
    assert not worker.alive


def test_a_listener_that_fails(engine: CountingEngine) -> None:
    """It costs nobody the answer."""

    def listen(job: Job, finished: Finished) -> None:
        raise ValueError("disk full")

    made = ModelWorker("counting", lambda: None, lambda loaded, coming: engine, 3, listen)  # type: ignore[arg-type, return-value]
    made.start()
    assert made.ready.wait(5)

    async def act() -> Finished:
        return await (await submitted(made, "a")).finished()

    assert "length" == run(act).reason
    made.stop(5)
