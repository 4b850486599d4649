"""The engine over the decoding loop: the same tokens as a run's, rows that end by themselves, failures that stay with their request."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.helpers.evaluations import CONFIG, SAMPLING, Events, run
from vreason.benchmarks import Sample
from vreason.config import PRESETS
from vreason.evaluation import EvaluationConfig, Question, answer_of, request_of
from vreason.generation import BatchEngine, Finished, Piece, Request
from vreason.models import LoadedModel
from vreason.video import read_video


class Answers:
    """Works an engine until it is idle; keeps what it tells."""

    def __init__(self, engine: BatchEngine) -> None:
        self.engine = engine
        self.pieces: list[Piece] = []
        self.finished: dict[str, Finished] = {}
        self.order: list[str] = []

    def work(self, most: int = 10_000) -> Answers:
        """Steps, until nothing is left to do."""
        for _ in range(most):
            if self.engine.idle:
                break
            self.pieces += self.engine.step()
            for each in self.engine.finished():
                self.finished[each.request_id] = each
                self.order.append(each.request_id)
        return self

    def text(self, request_id: str) -> str:
        """The pieces of a request, joined."""
        return "".join(piece.text for piece in self.pieces if piece.request_id == request_id)


def question(sample: Sample) -> Question:
    return Question(sample, (read_video(sample.video, CONFIG.video),))


def requests(loaded: LoadedModel, samples: list[Sample], config: EvaluationConfig = CONFIG, **more: Any) -> list[Request]:
    return [request_of(question(sample), sample.sample_id, loaded, config, **more) for sample in samples]


def answered(loaded: LoadedModel, asked: list[Request], **options: Any) -> Answers:
    engine = BatchEngine(loaded, **options)
    for each in asked:
        engine.add(each)
    return Answers(engine).work()


def tokens(finished: Finished) -> list[int]:
    return [step.token_id for step in finished.steps]


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("generation", [CONFIG.generation, SAMPLING], ids=["greedy", "sampling"])
def test_tokens_equal_a_run(loaded: LoadedModel, samples: list[Sample], preset: str, generation: dict[str, Any]) -> None:
    """A sample asked alone gets its run's tokens, entropies and controller steps, for every method, greedy and sampling."""
    config = replace(CONFIG, method=PRESETS[preset], generation=generation)
    events = Events()
    records = run(loaded, samples[:3], [events], method=PRESETS[preset], generation=generation)
    found = answered(loaded, requests(loaded, samples[:3], config), batch_size=1)
    for record in records:
        finished = found.finished[record.sample_id]
        expected = events.steps[record.sample_id]
        assert [step.token_id for step in expected] == tokens(finished)
        assert [(step.entropy, step.alpha, step.delta_v_norm) for step in expected] == [
            (step.entropy, step.alpha, step.delta_v_norm) for step in finished.steps
        ]
        assert record.output == finished.text
        answer = answer_of(question(samples[0]), finished, loaded, config)
        assert (record.output, record.stopped, record.output_tokens) == (answer.output, answer.stopped, answer.output_tokens)
        assert answer.score is None


def test_batch_equals_run_of_the_same_batch(loaded: LoadedModel, samples: list[Sample]) -> None:
    """Requests side by side get the tokens of a run with that batch size."""
    records = run(loaded, samples[:3], batch_size=3)
    found = answered(loaded, requests(loaded, samples[:3]), batch_size=3)
    assert {record.sample_id: record.output for record in records} == {name: each.text for name, each in found.finished.items()}
    assert {3} == {each.batch for each in found.finished.values()}


def test_streamed_text_is_the_reply(loaded: LoadedModel, samples: list[Sample]) -> None:
    """Pieces come one by one, joined they are the reply, and only of those that asked for them."""
    asked = requests(loaded, samples[:3])
    found = answered(loaded, [replace(asked[0], streamed=True), *asked[1:]])
    name = asked[0].request_id
    assert found.finished[name].text == found.text(name)
    assert {name} == {piece.request_id for piece in found.pieces}


def test_own_limit_of_each(loaded: LoadedModel, samples: list[Sample]) -> None:
    """Rows of one batch end at their own limits, and are told as soon as they have ended."""
    asked = [replace(each, max_new_tokens=limit) for each, limit in zip(requests(loaded, samples[:3]), (5, 1, 3), strict=True)]
    found = answered(loaded, asked)
    assert [5, 1, 3] == [len(found.finished[each.request_id].steps) for each in asked]
    assert [asked[1].request_id, asked[2].request_id, asked[0].request_id] == found.order
    assert {"length"} == {each.reason for each in found.finished.values()}


def test_withdrawn_request_stops_within_a_token(loaded: LoadedModel, samples: list[Sample]) -> None:
    """One row is withdrawn after its second token: it ends there, its neighbour goes on to its limit."""
    gone: list[str] = []
    asked = requests(loaded, samples[:2])
    asked[0] = replace(asked[0], withdrawn=lambda: "cancelled" if gone else None)
    engine = BatchEngine(loaded)
    for each in asked:
        engine.add(each)
    found = Answers(engine).work(2)
    gone.append("now")
    found.work()
    first, second = (found.finished[each.request_id] for each in asked)
    assert ("cancelled", 3) == (first.reason, len(first.steps))
    assert ("length", CONFIG.generation["max_new_tokens"]) == (second.reason, len(second.steps))


def test_withdrawn_before_it_began_costs_nothing(loaded: LoadedModel, samples: list[Sample]) -> None:
    """A request that nobody wants any more is not decoded."""
    (asked,) = requests(loaded, samples[:1], withdrawn=lambda: "timeout")
    finished = answered(loaded, [asked]).finished[asked.request_id]
    assert ("timeout", (), None) == (finished.reason, finished.steps, finished.prefill)


def test_stop_text(loaded: LoadedModel, samples: list[Sample]) -> None:
    """A reply ends before the stop text, and its record says so."""
    whole = answered(loaded, requests(loaded, samples[:1])).finished[samples[0].sample_id]
    middle = whole.text[len(whole.text) // 2 :][:2]
    (asked,) = requests(loaded, samples[:1], stop=(middle,))
    finished = answered(loaded, [asked]).finished[asked.request_id]
    assert ("stop", whole.text[: whole.text.index(middle)]) == (finished.reason, finished.text)
    record = answer_of(question(samples[0]), finished, loaded, CONFIG)
    assert ("stop", finished.text) == (record.stopped, record.output)


def test_unlike_requests_are_not_batched(loaded: LoadedModel, samples: list[Sample]) -> None:
    """Another method is another batch; both are answered as if alone."""
    plain = requests(loaded, samples[:2])
    asked = [plain[0], replace(plain[1], method=PRESETS["baseline"])]
    found = answered(loaded, asked)
    assert {1} == {each.batch for each in found.finished.values()}
    assert [asked[0].request_id, asked[1].request_id] == found.order


def test_waits_for_those_who_come(loaded: LoadedModel, samples: list[Sample]) -> None:
    """While others are about to come a batch is held open, for its time and no longer; when nobody comes it is not."""
    asked = requests(loaded, samples[:2])
    coming = [1]
    engine = BatchEngine(loaded, batch_wait=60.0, coming=lambda: coming[0])
    engine.add(asked[0])
    assert not engine.step()
    assert not engine.idle
    engine.add(asked[1])
    coming[0] = 0
    assert {2} == {each.batch for each in Answers(engine).work().finished.values()}
    late = BatchEngine(loaded, batch_wait=0.0, coming=lambda: 1)
    late.add(asked[0])
    assert {1} == {each.batch for each in Answers(late).work().finished.values()}


def test_room(loaded: LoadedModel, samples: list[Sample]) -> None:
    """There is room for one batch beside the one that runs."""
    engine = BatchEngine(loaded, batch_size=1)
    asked = requests(loaded, samples[:2])
    engine.add(asked[0])
    assert not engine.has_room()
    engine.step()
    assert engine.has_room()


@pytest.fixture
def failing(loaded: LoadedModel) -> Iterator[Callable[[Exception, Callable[[Any], bool]], None]]:
    """Has the model's forward pass fail for inputs of a kind."""
    hooks = []

    def install(error: Exception, fails: Callable[[Any], bool]) -> None:
        def fail(_: Any, __: Any, named: dict[str, Any]) -> None:
            if fails(named.get("input_ids")):
                raise error

        hooks.append(loaded.model.register_forward_pre_hook(fail, with_kwargs=True))

    yield install
    for hook in hooks:
        hook.remove()


def test_lack_of_memory_is_tried_one_by_one(loaded: LoadedModel, samples: list[Sample], failing: Any) -> None:
    """What does not fit together is answered alone."""
    failing(torch.OutOfMemoryError("out of memory"), lambda ids: len(ids) > 1)
    found = answered(loaded, requests(loaded, samples[:3]))
    assert {"length"} == {each.reason for each in found.finished.values()}
    assert {1} == {each.batch for each in found.finished.values()}


def test_failure_stays_with_its_request(loaded: LoadedModel, samples: list[Sample], failing: Any) -> None:
    """A request that fails has the reason; the next one is answered by the same engine."""
    calls: list[int] = []
    failing(RuntimeError("shape mismatch"), lambda _: not calls and not calls.append(1))
    engine = BatchEngine(loaded, batch_size=1)
    for each in requests(loaded, samples[:2]):
        engine.add(each)
    found = Answers(engine).work().finished
    first, second = (found[sample.sample_id] for sample in samples[:2])
    assert ("error", True) == (first.reason, "shape mismatch" in str(first.error))
    assert ("length", None) == (second.reason, second.error)


def test_failed_device_ends_the_engine(loaded: LoadedModel, samples: list[Sample], failing: Any) -> None:
    """After the device has failed nothing can be computed: the request is told, and the failure goes on to whoever steps."""
    failing(RuntimeError("CUDA error: an illegal memory access was encountered"), lambda _: True)
    engine = BatchEngine(loaded)
    engine.add(requests(loaded, samples[:1])[0])
    with pytest.raises(RuntimeError, match="illegal memory access"):
        engine.step()
    (finished,) = engine.finished()
    assert "error" == finished.reason


def test_leaves_no_trace_on_the_model(loaded: LoadedModel, samples: list[Sample]) -> None:
    """After a batch that ended early the model has no hooks, and autograd is as it was."""
    (asked,) = requests(loaded, samples[:1], withdrawn=iter([None, None, "cancelled", "cancelled"]).__next__)
    layer = loaded.adapter.decoder_layers(loaded.model)[-1]
    before = len(layer._forward_pre_hooks)
    with torch.enable_grad():
        answered(loaded, [asked])
        assert torch.is_grad_enabled()
    assert before == len(layer._forward_pre_hooks)


def test_question_without_a_video(loaded: LoadedModel, tmp_path: Path) -> None:
    """A question in words alone is answered; there is nothing to steer."""
    sample = Sample("words", "", "How many?", "", "free-form")
    (asked,) = [request_of(Question(sample, ()), "words", loaded, CONFIG)]
    finished = answered(loaded, [asked]).finished["words"]
    record = answer_of(Question(sample, ()), finished, loaded, CONFIG)
    assert (None, 0, 0) == (record.error, record.video_tokens, record.frames)
    assert record.output_tokens > 0
