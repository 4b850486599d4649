"""vreason_tracking.delivery.run_delivery: what is in MLflow after a delivery is what is in the journal. Read back through MLflow's own API,
or straight from its database.
"""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from statistics import fmean

import pytest

from tests.helpers import readback, records
from tests.helpers.readback import CREATED_MS, LENGTHS, nested, series
from vreason.clock import unix_ms
from vreason.events import SampleRecord, StepRecord
from vreason_tracking.delivery.run_delivery import RunDelivery
from vreason_tracking.journal.codec import SampleEntry
from vreason_tracking.journal.lease import LeaseTakenError
from vreason_tracking.journal.reader import read_events, recorded_points
from vreason_tracking.records.arrow_types import arrow_schema


class DeliveryState:
    """A recorded run, delivered, and how to read it."""

    def __init__(self, store, folder) -> None:
        self.store, self.folder, self.client = store, folder, store.client
        self.marks = readback.deliver(folder, store)
        self.run_id = self.marks.run_id
        self.database = Path(store.uri.removeprefix("sqlite:///"))

    def run(self):
        return self.client.get_run(self.run_id)

    def points(self) -> dict:
        return readback.sample_points_in(self.database, self.store.experiment_id)

    def files(self) -> set[str]:
        return {file.path for file in self.client.list_artifacts(self.run_id)}

    def summary(self) -> dict[str, float]:
        return {name: value for name, value in self.run().data.metrics.items() if not name.startswith(("live/", "curve/", "host/", "gpu/"))}


@pytest.fixture
def delivered(store, tmp_path):
    """Delivers a run that `readback.recorded` makes."""
    return lambda *arguments, **changes: DeliveryState(store, readback.recorded(tmp_path / "journal", *arguments, **changes))


@pytest.fixture
def custom(store, tmp_path):
    """Delivers a run of these samples, each a record and its steps."""

    def make(*pairs, status="FINISHED", error=None, notes=()):
        recorder = readback.recorder_of(tmp_path / "journal")
        for sample, steps in pairs:
            recorder.on_steps(steps)
            recorder.on_sample(sample)
        recorder.finish(status, error, notes)
        return DeliveryState(store, recorder.folder)

    return make


def test_every_point_is_there(delivered) -> None:
    """Value, step and own timestamp of every step of every sample are those of the journal, and there is no other."""
    made = delivered()
    assert readback.journal_points(made.folder) == made.points()
    assert 3 == len(made.points())


def test_a_nested_run_a_sample(delivered) -> None:
    """Each is finished, has the sample's name and times, and its place in the order."""
    made = delivered()
    for number, (name, length) in enumerate(LENGTHS.items(), 1):
        run = nested(made.client, made.run_id)[name]
        start = records.START_MS + 1_000 * (number - 1)
        expected = (name, "FINISHED", start - 20, start + records.STEP_MS * (length - 1))
        assert expected == (run.info.run_name, run.info.status, run.info.start_time, run.info.end_time)
        assert (f"{number:07d}", "sample") == (run.data.tags["vreason.number"], run.data.tags["vreason.kind"])


def test_the_variants_run(delivered) -> None:
    """Name, status, parameters and provenance; it begins when the journal was made and ends when the session ended."""
    made = delivered(params={f"p{number}": number for number in range(230)})
    run = made.run()
    assert ("v-reason", "FINISHED", CREATED_MS) == (run.info.run_name, run.info.status, run.info.start_time)
    (ended,) = [event.ended_ms for event in read_events(made.folder) if hasattr(event, "ended_ms")]
    assert ended == run.info.end_time
    assert {f"p{number}": str(number) for number in range(230)} == run.data.params
    expected = {"device": "cpu", "host": "here", "vreason.kind": "variant", "vreason.run_id": made.folder.run_id}
    expected |= {"mlflow.runColor": readback.COLOUR, "vreason.samples": "3", "memory_source": "rss"}
    assert expected.items() <= run.data.tags.items()
    assert set() == {"error", "notes", "record.incomplete", "mlflow.parentRunId"} & set(run.data.tags)


def test_summary(delivered) -> None:
    """Every summary metric equals what its definition gives for the rows of the table, at the number of samples."""
    made = delivered()
    expected = records.figures(readback.rows(made.client, made.run_id, "samples.parquet"))
    assert pytest.approx(expected) == made.summary()
    assert [(3, made.run().info.end_time, pytest.approx((1.0 + 0.0 + 0.4) / 3))] == series(made.client, made.run_id, "accuracy")


def test_curves(delivered) -> None:
    """The mean over the samples that reached a token, token by token."""
    made = delivered()
    replies = [records.steps(name, length) for name, length in LENGTHS.items()]
    for curve, field in (("curve/entropy", "entropy"), ("curve/ema", "ema")):
        expected = [fmean(getattr(reply[t], field) for reply in replies if len(reply) > t) for t in range(max(LENGTHS.values()))]
        assert [(t, pytest.approx(value)) for t, value in enumerate(expected)] == [
            (step, value) for step, _, value in series(made.client, made.run_id, curve)
        ]


def test_live_series(delivered) -> None:
    """After each sample: the figures so far, at the number of samples done and the time at which it ended."""
    made = delivered()
    ends = [records.START_MS + 1_000 * number + records.STEP_MS * (length - 1) for number, length in enumerate(LENGTHS.values())]
    tokens, scores = [*LENGTHS.values()], [1.0, 0.0, 0.4]
    for name, values in (("live/accuracy", scores), ("live/output_tokens", tokens)):
        expected = [(n, ends[n - 1], pytest.approx(fmean(values[:n]))) for n in (1, 2, 3)]
        assert expected == series(made.client, made.run_id, name)
    assert [(n, ends[n - 1], 0.0) for n in (1, 2, 3)] == series(made.client, made.run_id, "live/failed")


def test_device_series(delivered) -> None:
    """Each device's windows over the seconds of the run."""
    made = delivered()
    window = records.device("gpu.0")
    second = (window.started_ms - CREATED_MS) // 1000
    assert [(second, window.timestamp_ms, 5_004.0)] == series(made.client, made.run_id, "gpu/0/process_bytes")
    assert [(second, window.timestamp_ms, 300_004.0)] == series(made.client, made.run_id, "host/rss_bytes")


def test_artifacts(delivered) -> None:
    """The configuration as it was given, both tables row for row, the summary, and the plot."""
    made = delivered()
    assert {"config.yaml", "samples.parquet", "steps.parquet", "summary_table.json", "entropy.png", "entropy.svg"} == made.files()
    assert readback.CONFIG == Path(made.client.download_artifacts(made.run_id, "config.yaml")).read_text(encoding="utf-8")
    events = list(read_events(made.folder))
    for kind, file, found in (
        (StepRecord, "steps.parquet", [event for event in events if isinstance(event, StepRecord)]),
        (SampleRecord, "samples.parquet", [event.sample for event in events if isinstance(event, SampleEntry)]),
    ):
        rows = readback.rows(made.client, made.run_id, file)
        as_read = [{name: _listed(getattr(event, name)) for name in arrow_schema(kind).names} for event in found]
        assert as_read == rows


def _listed(value):
    return list(value) if isinstance(value, tuple) else value


def test_the_marks_say_all(delivered) -> None:
    """Run, experiment, every sample's nested run, and as many points as were recorded."""
    made = delivered()
    assert {name: run.info.run_id for name, run in nested(made.client, made.run_id).items()} == made.marks.samples
    assert (made.store.experiment_id, recorded_points(made.folder), 2) == (made.marks.experiment_id, made.marks.points, made.marks.devices)
    assert (1, "FINISHED") == (made.marks.session, made.marks.status)


def test_the_marks_say_where(delivered, store) -> None:
    """The address is that of the store which has it, also where the run was begun with another in mind."""
    assert store.uri == delivered(tracking_uri="http://elsewhere:5000").marks.uri


@pytest.mark.parametrize("status", ["KILLED", "FAILED"])
def test_a_partial_run_has_no_accuracy(store, tmp_path, status) -> None:
    """Neither summary nor curves, which would stand beside those of whole runs; live series, tables and the reason are there."""
    recorder = readback.recorder_of(tmp_path / "journal")
    readback.answer(recorder, {"s-1": 6})
    recorder.on_steps(records.steps("s-2", 4))
    recorder.finish(status, "the lights went out", ("listener X failed 2 time(s)",))
    made = DeliveryState(store, recorder.folder)
    run = made.run()
    assert (status, {}) == (run.info.status, made.summary())
    assert [] == [name for name in run.data.metrics if name.startswith("curve/")]
    expected = {"error": "the lights went out", "notes": "listener X failed 2 time(s)", "vreason.samples": "1"}
    assert expected.items() <= run.data.tags.items()
    assert [1] == [step for step, _, _ in series(made.client, made.run_id, "live/accuracy")]
    assert ["s-1"] == [row["sample_id"] for row in readback.rows(made.client, made.run_id, "samples.parquet")]
    assert 6 == len(readback.rows(made.client, made.run_id, "steps.parquet"))
    assert {"s-1"} == set(nested(made.client, made.run_id))


def test_no_sample_at_all(custom) -> None:
    """A run that ended before its first answer is a run without points; its tables are empty, and no plot is drawn of nothing."""
    made = custom(status="FINISHED")
    assert ("FINISHED", {}, {}) == (made.run().info.status, nested(made.client, made.run_id), made.points())
    assert {"config.yaml", "samples.parquet", "steps.parquet", "summary_table.json"} == made.files()
    assert [] == readback.rows(made.client, made.run_id, "samples.parquet")
    assert (0.0, 0.0) == (made.summary()["samples/answered"], made.summary()["samples/failed"])
    assert "accuracy" not in made.summary()


def test_all_samples_failed(custom) -> None:
    """Each is there with its reason, the figures say how many, and there is no accuracy."""
    made = custom(*((records.failed(f"s-{number}"), []) for number in range(3)))
    runs = nested(made.client, made.run_id)
    assert {"FAILED"} == {run.info.status for run in runs.values()}
    assert {"clips/s-9.mp4: is not a video"} == {run.data.tags["error"] for run in runs.values()}
    assert (3.0, 0.0, None) == (made.summary()["samples/failed"], made.summary()["samples/answered"], made.summary().get("accuracy"))
    assert [1.0, 2.0, 3.0] == [value for _, _, value in series(made.client, made.run_id, "live/failed")]


@pytest.mark.usefixtures("quick_pictures")
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_values_that_are_no_numbers(custom, value) -> None:
    """NaN and the infinities arrive as MLflow writes them (0 with a flag; the greatest float), once, and everything else beside them."""
    reply = records.steps("s-1", 4)
    reply[2] = replace(reply[2], entropy=value, ema=value)
    made = custom((records.sample("s-1", reply), reply))
    run_id = nested(made.client, made.run_id)["s-1"].info.run_id
    points = {step: found for step, _, found in series(made.client, run_id, "entropy")}
    expected = math.copysign(1.7976931348623157e308, value) if math.isinf(value) else value
    assert points[2] == pytest.approx(expected, nan_ok=True)
    assert {step.token_index: step.entropy for step in reply if step.token_index != 2} == {step: points[step] for step in (0, 1, 3)}
    before = readback.content(made.database, made.store.experiment_id)
    made.folder.delivery_log.unlink()
    readback.deliver(made.folder, made.store)
    assert before == readback.content(made.database, made.store.experiment_id)


def test_a_long_reply(delivered) -> None:
    """Of 400 tokens, some 3,000 points, none is missing: more than MLflow takes in a call."""
    made = delivered({"long": 400})
    assert 3_000 < len(made.points()["long"])
    assert readback.journal_points(made.folder) == made.points()


STRANGE = ["it's", "a'b' AND 1=1 --", 'a "b" c', "größe/日本/🎈", "C:\\videos\\a", "%_*`", " padded ", "line\nbreak", "x" * 260]


@pytest.mark.usefixtures("quick_pictures")
@pytest.mark.parametrize("name", STRANGE)
def test_any_sample_id(delivered, name) -> None:
    """Whatever a sample is called, it arrives once, with its points, and is found again by a delivery that knows nothing."""
    made = delivered({name: 3, "other": 2})
    assert 2 == len(made.points())
    before = readback.content(made.database, made.store.experiment_id)
    made.folder.delivery_log.unlink()
    readback.deliver(made.folder, made.store)
    assert before == readback.content(made.database, made.store.experiment_id)


def test_text_that_no_encoding_knows(delivered) -> None:
    """Half of a pair of surrogates, which a data file in JSON may hold, is replaced; the sample and its run arrive all the same."""
    made = delivered({"half \ud83d": 3, "other": 2})
    assert ("FINISHED", 2) == (made.run().info.status, len(made.points()))
    assert ["half \ufffd", "other"] == [row["sample_id"] for row in readback.rows(made.client, made.run_id, "samples.parquet")]


def test_a_damaged_sample_is_not_made_up(store, tmp_path) -> None:
    """A sample of which a step is damaged in the journal is not delivered; the run says which."""
    folder = readback.recorded(tmp_path / "journal")
    path = next(path for _, path in folder.fragments() if b'["step","s-2",3' in path.read_bytes())
    path.write_bytes(path.read_bytes().replace(b'["step","s-2",3', b'["step","s-2",4', 1))
    made = DeliveryState(store, folder)
    assert {"s-1", "s-3"} == set(made.points())
    assert "1 sample(s) damaged or missing in the journal: s-2" == made.run().data.tags["record.incomplete"]
    assert "2" == made.run().data.tags["vreason.samples"]


def test_beside_a_run_that_goes_on(store, client, tmp_path) -> None:
    """What is finished arrives while the run goes on, and the run says RUNNING; what is not finished does not arrive."""
    recorder = readback.recorder_of(tmp_path / "journal")
    readback.answer(recorder, {"s-1": 4})
    recorder.on_steps(records.steps("s-2", 3))
    recorder._writer.close()
    delivery = RunDelivery(recorder.folder, store)
    readback.go_on(delivery)
    run_id = delivery.log.delivered.run_id
    assert ({"s-1"}, "RUNNING", False) == (set(nested(client, run_id)), client.get_run(run_id).info.status, delivery.ended)
    assert [1] == [step for step, _, _ in series(client, run_id, "live/accuracy")]
    delivery.close()


def test_a_heartbeat(store, client, tmp_path) -> None:
    """A run that goes on says when it was last alive; one that somebody took for dead is set right."""
    recorder = readback.recorder_of(tmp_path / "journal")
    readback.answer(recorder, {"s-1": 4})
    recorder._writer.close()
    delivery = RunDelivery(recorder.folder, store)
    delivery.send_heartbeat()  # before there is a run: nothing to say it of
    readback.go_on(delivery)
    run_id = delivery.log.delivered.run_id
    store.log(run_id, tags={"error": "no heartbeat for 9 min"})
    store.end_run(run_id, "KILLED", 1)
    before = unix_ms()
    delivery.send_heartbeat()
    run = client.get_run(run_id)
    assert before <= int(run.data.tags["vreason.heartbeat"]) <= unix_ms()
    assert ("RUNNING", False) == (run.info.status, "error" in run.data.tags)
    delivery.close()


def test_one_process_delivers_a_run(store, tmp_path) -> None:
    """Who comes second is told so; when the first lets go, it is free."""
    folder = readback.recorded(tmp_path / "journal")
    first = RunDelivery(folder, store)
    with pytest.raises(LeaseTakenError, match=f"{folder.run_id} is in use by process"):
        RunDelivery(folder, store)
    first.close()
    assert "FINISHED" == readback.deliver(folder, store).status


def test_nothing_is_left_behind(store, tmp_path, monkeypatch) -> None:
    """Tables and plots are made in a temporary folder, which goes with the delivery."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    readback.deliver(readback.recorded(tmp_path / "journal"), store)
    assert [] == list((tmp_path / "temporary").iterdir())
