"""vreason_tracking.running.runner when samples that failed are asked again: the record, and what MLflow has, is as if they never had."""

from __future__ import annotations

import pytest
import torch
from mlflow import MlflowClient

from tests.helpers import readback, trials
from vreason.errors import TrackingUnavailableError
from vreason_tracking.delivery.checkpoint import read_delivered
from vreason_tracking.delivery.run_delivery import RunDelivery
from vreason_tracking.delivery.store_check import check_store
from vreason_tracking.journal.folder import run_folders
from vreason_tracking.journal.reader import asked_again, closed_samples, last_end, recorded_points
from vreason_tracking.journal.verification import verify
from vreason_tracking.running.runner import run_experiment
from vreason_tracking.stores import MlflowStore

SAMPLES, TOKENS = 4, 12


@pytest.fixture
def asking(experiment):
    """Settings of a run that asks four questions."""

    def make(**sections):
        data = {"source": "demo", "limit": SAMPLES}
        generation = {"max_new_tokens": TOKENS, "min_new_tokens": TOKENS}
        return experiment(data=data, generation=generation, **({"tracking": {"mode": "offline"}} | sections))

    return make


@pytest.fixture
def failing(monkeypatch, samples):
    """Let the questions of these numbers run out of memory."""
    from transformers import Qwen2_5_VLForConditionalGeneration

    import vreason.models.torchvision_shim  # noqa: F401  (before transformers)

    real = Qwen2_5_VLForConditionalGeneration.generate

    def make(*numbers: int) -> None:
        names = {samples[number].sample_id for number in numbers}

        def scarce(model, **inputs):
            if names.intersection(inputs["sample_ids"]):
                raise torch.OutOfMemoryError("CUDA out of memory.")
            return real(model, **inputs)

        monkeypatch.setattr(Qwen2_5_VLForConditionalGeneration, "generate", scarce)

    return make


@pytest.fixture
def undisturbed(asking):
    (result,) = run_experiment(asking())
    return sorted(readback.outcome(result.folder), key=lambda sample: sample[1]["sample_id"])


def without_numbers(folder):
    return [sample[1:] for sample in sorted(readback.outcome(folder), key=lambda sample: sample[1]["sample_id"])]


def failed(folder) -> list[str]:
    return [entry.sample.sample_id for entry in closed_samples(folder) if entry.sample.error]


def test_they_stay_so_unless_asked(asking, failing) -> None:
    """Continued without a word of it, what failed is kept, and a note says how it is asked again."""
    failing(1, 2, 3)
    (first,) = run_experiment(asking())
    failing()
    watcher = trials.Watcher()
    (kept,) = run_experiment(asking(), [watcher], "auto")
    assert (True, failed(first.folder)) == (kept.kept, failed(kept.folder))
    names = ", ".join(failed(first.folder)[:3])
    assert [f"v-reason: {len(failed(first.folder))} sample(s) failed before ({names}) and stay so; --retry-failed asks them again"] == [
        notice for notice in watcher.notices if "failed before" in notice
    ]


def test_they_are_asked_again(asking, failing, undisturbed) -> None:
    """Only they; then everything is as in a run in which nothing failed, and the journal is whole."""
    failing(1, 3)
    (first,) = run_experiment(asking())
    before = failed(first.folder)
    failing()
    watcher = trials.Watcher()
    (result,) = run_experiment(asking(), [watcher], first.folder.run_id, retry_failed=True)
    assert before
    assert before == [sample.sample_id for sample in watcher.samples]
    assert any(f"{len(before)} sample(s) failed before" in notice and "are asked again" in notice for notice in watcher.notices)
    assert ([], dict.fromkeys(before, 1)) == (failed(result.folder), dict(asked_again(result.folder)))
    assert [sample[1:] for sample in undisturbed] == without_numbers(result.folder)
    assert (SAMPLES, 0, SAMPLES) == (result.summary.answered, result.summary.failed, len(closed_samples(result.folder)))
    assert () == verify(result.folder).damages


def test_they_fail_again(asking, failing) -> None:
    """As often as one likes; the last time counts."""
    failing(1)
    (first,) = run_experiment(asking())
    before = failed(first.folder)
    for _ in range(2):
        failing(1)
        run_experiment(asking(), (), "auto", retry_failed=True)
        assert (before, SAMPLES) == (failed(first.folder), len(closed_samples(first.folder)))
    failing()
    run_experiment(asking(), (), "auto", retry_failed=True)
    assert ([], 3) == (failed(first.folder), asked_again(first.folder)[before[0]])


def test_interrupted_meanwhile(asking, failing, undisturbed) -> None:
    """What was not answered yet is not done, whether it is asked again with or without the option."""
    failing(0, 2)
    (first,) = run_experiment(asking())
    before = failed(first.folder)
    failing()
    with pytest.raises(KeyboardInterrupt):
        run_experiment(asking(), [trials.Stopping("sample", 1)], "auto", retry_failed=True)
    assert ("KILLED", SAMPLES - 1) == (last_end(first.folder).status, len(closed_samples(first.folder)))
    watcher = trials.Watcher()
    (result,) = run_experiment(asking(), [watcher], "auto")
    assert before[1:] == [sample.sample_id for sample in watcher.samples]
    assert [sample[1:] for sample in undisturbed] == without_numbers(result.folder)


def test_in_mlflow(asking, failing, tracking_uri) -> None:
    """The store is made to equal the record: point for point, one run a sample, and nothing of the failure is left to be seen."""
    failing(1, 3)
    (first,) = run_experiment(asking())
    assert [] == readback.carry(tracking_uri, first.folder)
    assert read_delivered(first.folder.delivery_log).points == recorded_points(first.folder)
    failing()
    (result,) = run_experiment(asking(), (), "auto", retry_failed=True)
    assert [] == readback.carry(tracking_uri, first.folder)
    state = read_delivered(first.folder.delivery_log)
    assert (result.recorded, state.points) == (state.points, recorded_points(first.folder))
    store = MlflowStore(tracking_uri, "vreason")
    assert [] == check_store(first.folder, store).differences
    nested = readback.nested(MlflowClient(tracking_uri), state.run_id)
    assert ({"FINISHED"}, SAMPLES) == ({run.info.status for run in nested.values()}, len(nested))
    assert [] == readback.carry(tracking_uri, first.folder)  # once more changes nothing
    assert [] == check_store(first.folder, store).differences


def test_in_mlflow_of_a_run_that_was_killed(asking, failing, tracking_uri) -> None:
    """Its series go on from where they were; those of what is asked again are replaced all the same."""
    failing(0)
    with pytest.raises(KeyboardInterrupt):
        run_experiment(asking(), [trials.Stopping("sample", 2)])
    failing()
    (folder,) = run_folders(asking().tracking.journal_folder())
    assert [] == readback.carry(tracking_uri, folder)
    run_experiment(asking(), (), "auto", retry_failed=True)
    assert [] == readback.carry(tracking_uri, folder)
    assert [] == check_store(folder, MlflowStore(tracking_uri, "vreason")).differences


def test_while_it_is_delivered(asking, failing, tracking_uri) -> None:
    """A delivery that began before the samples were asked again, once or twice, cannot end it; the one that takes its place does."""
    failing(1)
    (first,) = run_experiment(asking())
    store = MlflowStore(tracking_uri, "vreason")
    for numbers in ((1,), ()):
        delivery = RunDelivery(first.folder, store)
        delivery.advance()  # the run is there, and nothing of it was read
        failing(*numbers)
        run_experiment(asking(), (), "auto", retry_failed=True)
        with pytest.raises(TrackingUnavailableError, match="it is delivered anew"):
            readback.go_on(delivery)
        assert delivery.broken
        delivery.close()
    assert [] == readback.carry(tracking_uri, first.folder)
    assert [] == check_store(first.folder, store).differences
