"""A loaded bundle's answers: the run's own, token by token; one bad record is its own affair."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.helpers.bundle_world import BundleWorld
from tests.helpers.model_server import record
from vreason.benchmarks import DemoBenchmark, Sample
from vreason.errors import ConfigError, UnsupportedModelError, VReasonError
from vreason.evaluation import Evaluator
from vreason_tracking.bundles import Bundle, Predictor, VideoAccess
from vreason_tracking.bundles.example import data_uri
from vreason_tracking.bundles.source_run import read_source

LINES = ("id", "answer", "output", "tokens", "stopped", "error")


@pytest.fixture(scope="module")
def bundle(bundles: BundleWorld) -> Bundle:
    assert bundles.registered is not None
    return bundles.registered.bundle


@pytest.fixture(scope="module")
def predictor(bundle: Bundle) -> Predictor:
    return Predictor.of(bundle, VideoAccess(roots=None))


@pytest.fixture(scope="module")
def asked() -> list[Sample]:
    return list(DemoBenchmark(limit=6).samples())


def test_answers_equal_the_run(bundles: BundleWorld, predictor: Predictor, asked: list[Sample]) -> None:
    """Every sample of the registered run comes out as it did there: text, and token by token."""
    found = bundles.catalog.find("v-reason")
    index = bundles.catalog.read()
    run = next(each for each in index.runs if each.journal_id == found.journal_id)
    assert index.store is not None
    answers = predictor.predict([record(sample) for sample in asked], {"trace": "full"})
    with read_source(run, index.store) as source:
        recorded = {sample.sample_id: (sample.output, source.token_ids(sample.sample_id)) for sample in source.samples}
    assert 6 == len(recorded)
    assert recorded == {each["id"]: (each["output"], tuple(each["trace"]["steps"]["token_id"])) for each in answers}


def test_sampled_answers_equal_a_run(bundle: Bundle, predictor: Predictor, asked: list[Sample]) -> None:
    """Also where tokens are drawn: a sample's seed comes of its id, whatever was asked before."""
    params = {"temperature": 1.5, "seed": 11}
    drawn = bundle.evaluation_config()
    generation = {**drawn.generation, "do_sample": True, "temperature": 1.5}
    config = type(drawn)(drawn.method, drawn.prompt, drawn.video, generation, drawn.scoring, seed=11)
    expected = {each.sample_id: each.output for each in Evaluator(predictor.loaded, config).run(asked)}
    answers = predictor.predict([record(sample) for sample in reversed(asked)], params)
    assert expected == {each["id"]: each["output"] for each in answers}
    assert {("temperature", "seed")} == {tuple(each["departures"]) for each in answers}


def test_bad_records_have_errors_of_their_own(predictor: Predictor, asked: list[Sample], tmp_path: Path) -> None:
    """A missing file, one that is no video, no question and no record: each has its reason, and the good one its answer."""
    (tmp_path / "text.mp4").write_text("no video")
    bad = [record(asked[0], video=str(tmp_path / "gone.mp4")), record(asked[0], video=str(tmp_path / "text.mp4")), {"video": "x"}, 7]
    *failed, good = predictor.predict([*bad, record(asked[0])])
    assert [None] * 4 == [each["answer"] for each in failed]
    words = ["no such file", "text.mp4", "records.2.question: is missing", "is not a record"]
    assert all(word in each["error"] for word, each in zip(words, failed, strict=True))
    assert (None, asked[0].answer) == (good["error"], good["answer"])


def test_data_uri(predictor: Predictor, asked: list[Sample]) -> None:
    """A clip that is sent whole is answered as the same clip by its path."""
    by_path, by_data = predictor.predict([record(asked[0]), record(asked[0], video=data_uri(Path(asked[0].video)))])
    assert [by_path[name] for name in LINES] == [by_data[name] for name in LINES]


def test_stream_is_the_answer(predictor: Predictor, asked: list[Sample]) -> None:
    """Pieces joined are the reply; a reader that leaves frees the model."""
    (whole,) = predictor.predict([record(asked[0])])
    pieces = list(predictor.predict_stream(record(asked[0])))
    assert whole["output"] == "".join(pieces)
    assert len(pieces) > 5
    left = predictor.predict_stream(record(asked[0]))
    next(left)
    left.close()
    assert whole["output"] == predictor.predict([record(asked[0])])[0]["output"]


def test_threads(predictor: Predictor, asked: list[Sample]) -> None:
    """Four threads at once get what one gets."""
    expected = [each["output"] for each in predictor.predict([record(sample) for sample in asked[:4]])]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda sample: predictor.predict([record(sample)])[0]["output"], asked[:4]))
    assert expected == found


def test_trace(predictor: Predictor, asked: list[Sample]) -> None:
    """None, a summary, or one value a token."""
    none, summary, full = (predictor.predict([record(asked[0])], {"trace": trace})[0] for trace in ("none", "summary", "full"))
    assert none["trace"] is None
    assert summary["trace"]["updates"] == full["trace"]["updates"] == sum(full["trace"]["steps"]["updated"]) > 0
    assert {full["tokens"]} == {len(column) for column in full["trace"]["steps"].values()}
    assert "steps" not in summary["trace"]


def test_limits_and_stop(predictor: Predictor, asked: list[Sample]) -> None:
    """A shorter reply is said to be truncated; one that a text has stopped ends before it."""
    (short,) = predictor.predict([record(asked[0])], {"max_new_tokens": 3})
    assert (True, "length", 3) == (short["truncated"], short["stopped"], short["tokens"])
    (stopped,) = predictor.predict([record(asked[0])], {"stop": ["</think>"]})
    assert ("stop", False) == (stopped["stopped"], stopped["truncated"])
    assert "</think>" not in stopped["output"]


def test_wrong_parameters_are_the_calls(predictor: Predictor, asked: list[Sample]) -> None:
    """They would be wrong for every record."""
    with pytest.raises(ConfigError, match=r"params\.controller\.k"):
        predictor.predict([record(asked[0])], {"controller.k": 1000})


def test_stream_tells_what_is_wrong(predictor: Predictor, asked: list[Sample]) -> None:
    """There is no entry for an error in a stream: it is raised."""
    with pytest.raises(VReasonError, match="no such file"):
        list(predictor.predict_stream(record(asked[0], video="/nowhere/gone.mp4")))


def test_other_weights_are_refused(bundle: Bundle) -> None:
    """A file that is not the one that was registered keeps the bundle from loading."""
    files = {**bundle.model.files, "model.safetensors": "0" * 64}
    other = bundle.model_copy(update={"model": bundle.model.model_copy(update={"files": files})})
    with pytest.raises(UnsupportedModelError, match=r"model\.safetensors is not the file that was registered"):
        Predictor.of(other, VideoAccess(roots=None))


def test_paths_are_refused_where_others_call(bundle: Bundle, predictor: Predictor, asked: list[Sample]) -> None:
    """Without roots no path is read, whether it is there or not."""
    served = Predictor(bundle, predictor.loaded, VideoAccess(), threading.Lock())
    there, gone = served.predict([record(asked[0]), record(asked[0], video="/nowhere.mp4")])
    assert "paths are not taken here" in there["error"]
    assert there["error"].split(": ", 1)[1] == gone["error"].split(": ", 1)[1]
