"""vreason_tracking.running.own_loop: a loop of one's own has the same record as `vreason-track run`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import vreason
from vreason.benchmarks import DemoBenchmark, Sample
from vreason.errors import DataError, PluginError
from vreason.models.loading import LoadedModel, load_model
from vreason.models.spec import ModelSpec
from vreason.prompts import SHORT
from vreason.video import VideoConfig, read_video
from vreason_tracking.catalog.local_run import LocalRun, local_runs
from vreason_tracking.journal.reader import read_events
from vreason_tracking.journal.samples import SampleAssembly
from vreason_tracking.journal.verification import verify
from vreason_tracking.records.tags import EXPECTED_SAMPLES_TAG
from vreason_tracking.running.own_loop import OwnLoop, record

TOKENS = 6
METHOD = vreason.VReasonConfig(controller=vreason.ControllerConfig(k=2, lr=0.05))


@pytest.fixture(scope="module")
def loaded(random_model_folder: Path) -> LoadedModel:
    return load_model(ModelSpec(str(random_model_folder)))


@pytest.fixture(scope="module")
def samples() -> list[Sample]:
    return list(DemoBenchmark(limit=3).samples())


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The test's own folder; the journal is in it."""
    monkeypatch.chdir(tmp_path)
    return tmp_path / "vreason-journal"


@pytest.fixture
def generate(loaded: LoadedModel) -> Callable[..., Any]:
    """One call of `generate` about some samples, as a user would write it."""

    def call(run: OwnLoop, *asked: Sample) -> Any:
        turns = []
        for sample in asked:
            text = SHORT.render(sample.question, sample.options, sample.problem_type)
            chat = loaded.processor.apply_chat_template(loaded.adapter.messages(text, 1), tokenize=False, add_generation_prompt=True)
            turns.append((chat, [read_video(sample.video, VideoConfig(nframes=8))]))
        return loaded.model.generate(
            **loaded.adapter.inputs(loaded.processor, turns),
            custom_generate=vreason.decode,
            vreason=METHOD,
            observers=[run],
            sample_ids=[sample.sample_id for sample in asked],
            memory=run.memory,
            max_new_tokens=TOKENS,
        )

    return call


def facts(sample: Sample) -> dict[str, Any]:
    """What `finish_sample` is told of a question."""
    kept = {name: getattr(sample, name) for name in ("question", "answer", "options", "problem_type", "category", "benchmark", "video")}
    return kept | {"score": 1.0}


def test_everything_is_in_the_journal(here: Path, loaded: LoadedModel, samples: list[Sample], generate: Callable[..., Any]) -> None:
    """A FINISHED run whose samples have all their steps, the question, the decoded reply and a score; nothing is damaged."""
    with record("mine", method=METHOD, model=loaded.model, processor=loaded.processor, offline=True) as run:
        generate(run, *samples[:2])
        made = [run.finish_sample(sample.sample_id, **facts(sample)) for sample in samples[:2]]
    (local,) = local_runs(here)
    found = list(SampleAssembly().feed(read_events(local.folder)))
    assert ("FINISHED", "mine", True) == (local.status, local.variant, verify(local.folder).intact)
    assert made == [each.sample for each in found]
    assert [TOKENS, TOKENS] == [len(each.steps) for each in found]
    for sample, each in zip(samples, found, strict=False):
        assert sample.question == each.sample.question
        assert (1.0, TOKENS, 36) == (each.sample.score, each.sample.output_tokens, each.sample.video_tokens)
        assert loaded.processor.decode([step.token_id for step in each.steps], skip_special_tokens=True) == each.sample.output
        assert 0 < (each.sample.time_to_first_token_ms or 0) <= (each.sample.generation_ms or 0)
        assert {"rss"} == {step.memory_source for step in each.steps}


def test_an_answer_is_scored(here: Path, loaded: LoadedModel, samples: list[Sample], generate: Callable[..., Any]) -> None:
    """Without a score the profile scores the reply against the expected answer; without either there is none."""
    with record("mine", model=loaded.model, processor=loaded.processor, offline=True) as run:
        generate(run, samples[0])
        right = run.finish_sample(samples[0].sample_id, output="<answer>(B)</answer>", answer="B", options=("left", "right"))
        generate(run, samples[1])
        unscored = run.finish_sample(samples[1].sample_id, question="What is it?")
    assert ("multiple choice", "(B)", 1.0) == (right.problem_type, right.prediction, right.score)
    assert ("free-form", None, None) == (unscored.problem_type, unscored.score, unscored.error)


def test_what_nobody_finished_is_closed_without_a_score(
    here: Path, loaded: LoadedModel, samples: list[Sample], generate: Callable[..., Any]
) -> None:
    """A loop that says nothing of its samples has their steps and replies all the same."""
    with record("mine", model=loaded.model, processor=loaded.processor, offline=True) as run:
        generate(run, samples[0])
    (local,) = local_runs(here)
    (entry,) = local.samples
    assert (samples[0].sample_id, TOKENS, None, None) == (
        entry.sample.sample_id,
        entry.sample.output_tokens,
        entry.sample.score,
        entry.sample.error,
    )


def test_a_sample_that_is_not_there(here: Path, loaded: LoadedModel, samples: list[Sample], generate: Callable[..., Any]) -> None:
    """Finishing what was never generated, or a second time, is refused by name; a failure without steps can be recorded."""
    with record("mine", model=loaded.model, processor=loaded.processor, offline=True) as run:
        with pytest.raises(DataError, match=r"'nobody' was not generated: pass observers=\[run\]"):
            run.finish_sample("nobody")
        generate(run, samples[0])
        run.finish_sample(samples[0].sample_id)
        with pytest.raises(DataError, match="is finished already"):
            run.finish_sample(samples[0].sample_id)
        failed = run.finish_sample("broken", error="broken.mp4: no such file")
    assert (None, "broken.mp4: no such file", 0) == (failed.score, failed.error, failed.output_tokens)


def test_a_scorer_that_raises(here: Path, loaded: LoadedModel, samples: list[Sample], generate: Callable[..., Any]) -> None:
    """The error goes on; the run has FAILED of it, and what was answered is kept, without a score where none could be made."""

    def loop() -> None:
        with record("mine", model=loaded.model, processor=loaded.processor, scoring=f"{__name__}:broken_scorer", offline=True) as run:
            generate(run, *samples[:2])
            run.finish_sample(samples[0].sample_id, score=1.0)
            run.finish_sample(samples[1].sample_id, answer="B", options=("left", "right"))

    with pytest.raises(PluginError, match="failed on sample"):
        loop()
    (local,) = local_runs(here)
    assert ("FAILED", True) == (local.status, verify(local.folder).intact)
    assert [samples[0].sample_id] == [each.sample.sample_id for each in local.samples]


def broken_scorer(prediction: str, sample: Sample) -> float:
    raise ZeroDivisionError(prediction)


@pytest.mark.parametrize(("stop", "status"), [(ValueError("oh"), "FAILED"), (KeyboardInterrupt(), "KILLED")])
def test_an_early_end(
    here: Path, loaded: LoadedModel, samples: list[Sample], generate: Callable[..., Any], stop: BaseException, status: str
) -> None:
    """An exception goes on, the run says how it ended, and finished samples are kept."""

    def loop() -> None:
        with record("mine", model=loaded.model, processor=loaded.processor, offline=True) as run:
            generate(run, samples[0])
            run.finish_sample(samples[0].sample_id, score=1.0)
            raise stop

    with pytest.raises(type(stop)):
        loop()
    (local,) = local_runs(here)
    assert (status, 1) == (local.status, len(local.samples))


def test_delivered_and_compared(
    tracking_uri: str,
    loaded: LoadedModel,
    samples: list[Sample],
    generate: Callable[..., Any],
    program: Callable[..., Any],
    tmp_path: Path,
) -> None:
    """MLflow has the run with its settings and every point, `compare` takes two of them, and `run --resume` refuses with the reason."""
    for variant, method in (("baseline", vreason.VReasonConfig.preset("baseline")), ("mine", METHOD)):
        with record(
            "loop", variant=variant, method=method, model=loaded.model, processor=loaded.processor, uri=tracking_uri, params={"note": "x"}
        ) as run:
            for sample in samples:
                generate(run, sample)
                run.finish_sample(sample.sample_id, **facts(sample))
    runs = [LocalRun(run.folder) for run in local_runs(tmp_path / "vreason-journal")]
    assert [("FINISHED", True)] * 2 == [(run.status, run.is_delivered) for run in runs]
    from mlflow import MlflowClient

    stored = MlflowClient(tracking_uri).get_run(runs[1].marks.run_id or "")
    assert ("2", "x", "own loop") == (
        stored.data.params["method.controller.k"],
        stored.data.params["note"],
        stored.data.tags["source"],
    )
    assert (None, False) == (runs[1].expected_samples, EXPECTED_SAMPLES_TAG in stored.data.tags)
    listed = program("runs", "list", "--tracking-uri", tracking_uri)
    assert 2 == listed.out.count(" 3/? "), listed.out
    compared = program("compare", "baseline", "mine", "--tracking-uri", tracking_uri, "--no-log")
    assert 0 == compared.code, compared.err
    assert "2 runs of loop, 3 questi" in compared.out
    assert "measured at different times" in compared.out
    resumed = program("run", "--resume", "mine")
    assert (5, True) == (resumed.code, "recorded by a loop of somebody's own" in resumed.err)
