"""vreason_tracking.runs: an experiment from settings to record, with a real model of random weights. Read back through MLflow's own API."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from collections import defaultdict
from contextlib import closing
from importlib import metadata
from pathlib import Path
from statistics import fmean

import pyarrow.parquet as pq
import pytest
from mlflow import MlflowClient

from tests.doubles import clips, records, trials
from vreason.benchmarks import data_digest
from vreason.errors import DataError, UnsupportedGenerationError, UnsupportedModelError
from vreason_tracking.metrics import STEP_METRICS
from vreason_tracking.runs import evaluation_config, load_samples, run_experiment, variant_params
from vreason_tracking.settings import parse_settings

STEP_NAMES = {metric.name for metric in STEP_METRICS}
CONTROLLER = {"loss", "delta_v_norm", "grad_norm", "value_cosine"}
TWO = [{"name": name, "preset": name} for name in ("baseline", "v-reason")]
ONE = TWO[1:]


class Watcher:
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.loaded, self.variants, self.samples, self.results, self.steps = [], [], [], [], 0

    def on_loaded(self, model, device, samples):
        self.loaded.append((model, device, samples))

    def on_variant(self, name, run_id):
        self.variants.append((name, run_id))

    def on_steps(self, steps):
        self.steps += len(steps)

    def on_sample(self, sample):
        self.samples.append(sample)

    def on_result(self, result):
        self.results.append(result)


class Recorded:
    """A finished experiment: its settings, what its watcher saw, and how to read it."""

    def __init__(self, settings, watcher) -> None:
        self.settings, self.watcher = settings, watcher
        self.client = MlflowClient(settings.tracking.uri)
        self.runs = {result.name: result.run_id for result in watcher.results}

    def rows(self, variant, file):
        return pq.read_table(self.client.download_artifacts(self.runs[variant], file)).to_pylist()

    def run(self, variant):
        return self.client.get_run(self.runs[variant])

    def nested(self, variant):
        run = self.run(variant)
        found = self.client.search_runs([run.info.experiment_id], f"tags.`mlflow.parentRunId` = '{run.info.run_id}'")
        return {each.data.tags["vreason.sample_id"]: each for each in found}


@pytest.fixture(scope="module")
def recorded(random_model_folder, mlflow_template, tmp_path_factory):
    """The paper's three variants over three demo questions, run in a checkout with a change that is not committed."""
    folder = tmp_path_factory.mktemp("recorded")
    name = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "init", "--quiet", folder], check=True)
    subprocess.run(["git", "-C", folder, *name, "commit", "--quiet", "--allow-empty", "-m", "one"], check=True)
    (folder / "changed").touch()
    settings = parse_settings(trials.trial(random_model_folder, trials.copy_store(mlflow_template, folder), seed=7))
    watcher = Watcher()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        run_experiment(settings, watcher)
    return Recorded(settings, watcher)


@pytest.fixture
def experiment(random_model_folder, tracking_uri):
    """Settings of a small experiment in a database of the test's own, with sections to replace."""

    def make(model=random_model_folder, variants=ONE, **sections):
        return parse_settings(trials.trial(model, tracking_uri, variants=variants, **sections))

    return make


def test_one_run_a_variant(recorded) -> None:
    """Each variant is one finished run of its name without a parent, and there are no other variants' runs."""
    (experiment,) = {recorded.run(name).info.experiment_id for name in trials.VARIANTS}
    found = recorded.client.search_runs([experiment], "tags.`vreason.kind` = 'variant'")
    assert {(name, "FINISHED") for name in trials.VARIANTS} == {(run.info.run_name, run.info.status) for run in found}
    assert [] == [run for run in found if "mlflow.parentRunId" in run.data.tags]


def test_what_a_watcher_is_told(recorded) -> None:
    """The model with its type and device, the number of questions, every variant, step and sample, and every result."""
    seen = recorded.watcher
    ((model, device, samples),) = seen.loaded
    assert (recorded.settings.model.id in model, "float32" in model, device, samples) == (True, True, "cpu", 3)
    assert [(name, recorded.runs[name]) for name in trials.VARIANTS] == seen.variants
    assert (9, 9 * trials.TOKENS) == (len(seen.samples), seen.steps)
    assert [(name, "FINISHED", 3) for name in trials.VARIANTS] == [(r.name, r.status, r.summary.answered) for r in seen.results]
    assert [()] * 3 == [result.notes for result in seen.results]


@pytest.mark.parametrize("variant", trials.VARIANTS)
def test_parameters(recorded, variant) -> None:
    """Every resolved setting is a parameter of the run, and the method's are those of this variant alone."""
    settings = recorded.settings
    shared = {name: str(value) for name, value in settings.flattened().items() if not name.startswith("variants.")}
    (own,) = [each for each in settings.resolved_variants() if each.name == variant]
    method = {f"method.{name}": str(value) for name, value in own.flattened().items()}
    assert {**shared, **method, "variant": variant} == recorded.run(variant).data.params


def test_parameters_by_name(recorded) -> None:
    """A reader finds the settings under the paths of the config file."""
    params = recorded.run("v-reason-lite").data.params
    expected = {
        "method.controller.k": "4",
        "method.controller.lr": "0.0003",
        "method.pruning.ratio": "0.5",
        "data.limit": "3",
        "generation.max_new_tokens": "10",
        "video.nframes": "8",
        "seed": "7",
        "batch_size": "1",
    }
    assert expected.items() <= params.items()
    assert "null" == recorded.run("baseline").data.params["method.controller"]


def test_tags(recorded) -> None:
    """Commit, dirty flag, versions, device, data digest, weights and seed say what the run was made with."""
    tags = recorded.run("v-reason").data.tags
    folder = Path(recorded.settings.tracking.uri.removeprefix("sqlite:///")).parent
    commit = subprocess.run(["git", "-C", folder, "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
    assert (commit, "true") == (tags["git.commit"], tags["git.dirty"])
    packages = ("vreason-track", "torch", "transformers", "mlflow", "decord", "numpy")
    assert [metadata.version(name) for name in packages] == [tags[f"version.{name}"] for name in packages]
    assert tags["device"].startswith("cpu")
    assert data_digest(load_samples(recorded.settings)) == tags["data.digest"]
    assert tags["model.revision"].startswith("sha256:")
    assert ("float32", "7", "trial") == (tags["dtype"], tags["seed"], tags["config.name"])


def test_data_digest_follows_the_data(recorded) -> None:
    """Another choice of questions has another digest."""
    fewer = parse_settings(trials.trial("x", data={"source": "demo", "limit": 2}))
    assert data_digest(load_samples(fewer)) != data_digest(load_samples(recorded.settings))


@pytest.mark.parametrize("variant", trials.VARIANTS)
def test_summary_metrics(recorded, variant) -> None:
    """Every summary metric equals what its definition gives for the rows of samples.parquet."""
    metrics = recorded.run(variant).data.metrics
    expected = records.figures(recorded.rows(variant, "samples.parquet"))
    assert expected == pytest.approx({name: value for name, value in metrics.items() if not name.startswith(("live.", "curve."))})


@pytest.mark.parametrize("variant", trials.VARIANTS)
def test_curve(recorded, variant) -> None:
    """curve.entropy is the mean over the samples' steps, token by token."""
    by_token = defaultdict(list)
    for row in recorded.rows(variant, "steps.parquet"):
        by_token[row["token_index"]].append(row["entropy"])
    points = recorded.client.get_metric_history(recorded.runs[variant], "curve.entropy")
    assert [pytest.approx(fmean(values)) for _, values in sorted(by_token.items())] == [
        point.value for point in sorted(points, key=lambda point: point.step)
    ]


@pytest.mark.parametrize("variant", trials.VARIANTS)
def test_steps_in_mlflow_are_those_of_the_table(recorded, variant) -> None:
    """A nested run a sample; each step's values there, under its index and its own time, are those of steps.parquet."""
    table = recorded.rows(variant, "steps.parquet")
    nested = recorded.nested(variant)
    assert 3 == len(nested)
    own = STEP_NAMES - CONTROLLER if variant == "baseline" else STEP_NAMES
    for sample_id, run in nested.items():
        rows = [row for row in table if row["sample_id"] == sample_id]
        assert [*range(trials.TOKENS)] == [row["token_index"] for row in rows]
        assert own == set(run.data.metrics) & STEP_NAMES
        for name in own - {"step_ms"}:
            expected = [(row["token_index"], row["timestamp_ms"], pytest.approx(row[name])) for row in rows if row[name] is not None]
            points = recorded.client.get_metric_history(run.info.run_id, name)
            assert expected == sorted((point.step, point.timestamp, point.value) for point in points), name


def test_updates_come_every_k_tokens(recorded) -> None:
    """The loss is recorded at the updates and nowhere else: tokens 4 and 8 of ten."""
    run = recorded.nested("v-reason").popitem()[1]
    assert [4, 8] == sorted(point.step for point in recorded.client.get_metric_history(run.info.run_id, "loss"))


def test_lite_drops_half_of_the_video(recorded) -> None:
    """The record shows how many video tokens a reply was based on."""
    kept = {
        variant: {(row["video_tokens"], row["kept_video_tokens"]) for row in recorded.rows(variant, "samples.parquet")}
        for variant in ("v-reason", "v-reason-lite")
    }
    assert {"v-reason": {(36, 36)}, "v-reason-lite": {(36, 18)}} == kept


def test_sample_tags(recorded) -> None:
    """Question, answer, prediction and correctness of each sample are those of its row."""
    nested = recorded.nested("v-reason")
    for row in recorded.rows("v-reason", "samples.parquet"):
        tags = nested[row["sample_id"]].data.tags
        assert (row["question"], row["answer"], row["prediction"]) == (tags["question"], tags["answer"], tags.get("prediction"))
        assert str(row["score"] >= 1.0).lower() == tags["correct"]


def test_the_config_loads_back(recorded) -> None:
    """config.yaml is the configuration that was run, whole, but for where it was recorded."""
    text = Path(recorded.client.download_artifacts(recorded.runs["v-reason"], "config.yaml")).read_text(encoding="utf-8")
    elsewhere = {"tracking": recorded.settings.tracking}
    assert recorded.settings == parse_settings(text).model_copy(update=elsewhere)


def test_artifacts(recorded) -> None:
    """The same five files at every variant."""
    files = [{file.path for file in recorded.client.list_artifacts(recorded.runs[name])} for name in trials.VARIANTS]
    assert [{"config.yaml", "samples.parquet", "steps.parquet", "entropy.png", "entropy.svg"}] * 3 == files


def test_no_sample_id_in_a_metrics_name(recorded) -> None:
    """Metric names do not grow with the data set."""
    ids = [*recorded.nested("v-reason")]
    names = set(recorded.run("v-reason").data.metrics).union(*(run.data.metrics for run in recorded.nested("v-reason").values()))
    assert [] == [name for name in names for sample_id in ids if sample_id in name]


def test_memory_is_recorded(recorded) -> None:
    """Every step has the memory in use, and the run says whose memory that is."""
    rows = recorded.rows("v-reason", "steps.parquet")
    assert 10 * 2**20 < min(row["device_memory_bytes"] for row in rows)
    assert {"rss"} == {row["memory_source"] for row in rows}
    assert "rss" == recorded.run("v-reason").data.tags["memory_source"]


def test_variant_params_are_text_or_numbers(recorded) -> None:
    """MLflow gets no nested value to print in a way of its own."""
    variant = recorded.settings.resolved_variants()[2]
    assert {str, int, float, bool} >= {type(value) for value in variant_params(recorded.settings, variant).values()}


def test_the_methods_side_of_the_settings() -> None:
    """Video, prompt, generation, scoring, batch and seed arrive as written; what is not given is left to the model."""
    text = trials.trial("x", seed=3, batch_size=2, data={"source": "demo", "scoring": "video-r1"}, generation={"max_new_tokens": 5})
    settings = parse_settings(text)
    variant = settings.resolved_variants()[1]
    made = evaluation_config(settings, variant)
    assert (variant.method, 8, "video-r1", 2, 3) == (made.method, made.video.nframes, made.scoring, made.batch_size, made.seed)
    assert settings.prompt_template() == made.prompt
    assert (5, False, None) == (made.generation["max_new_tokens"], made.generation["do_sample"], made.generation["temperature"])
    assert "min_new_tokens" not in made.generation


def test_sampling_settings_are_kept() -> None:
    """With sampling, a temperature given goes through and one not given stays the model's own."""
    settings = parse_settings(trials.trial("x", generation={"do_sample": True, "temperature": 0.5}))
    generation = evaluation_config(settings, settings.resolved_variants()[0]).generation
    assert (True, 0.5) == (generation["do_sample"], generation["temperature"])
    assert "top_p" not in generation


def test_samples_of_a_file(tmp_path) -> None:
    """A data file's questions are cut to the limit, and its videos looked for where video_root says."""
    (tmp_path / "data.jsonl").write_text("".join(f'{{"video": "{n}.mp4", "question": "q{n}", "answer": "a"}}\n' for n in range(4)))
    data = {"source": str(tmp_path / "data.jsonl"), "limit": 2, "video_root": "/videos"}
    found = load_samples(parse_settings(trials.trial("x", data=data)))
    assert [("q0", "/videos/0.mp4"), ("q1", "/videos/1.mp4")] == [(sample.question, sample.video) for sample in found]


def test_a_missing_data_file() -> None:
    """It is named."""
    with pytest.raises(DataError, match=r"none\.jsonl"):
        load_samples(parse_settings(trials.trial("x", data={"source": "none.jsonl"})))


def test_a_model_that_is_not_there(experiment, tracking_uri) -> None:
    """Without a model no run is opened."""
    with pytest.raises(UnsupportedModelError, match="nowhere/at-all"):
        run_experiment(experiment(model="./nowhere/at-all"), Watcher())
    assert [] == all_runs(tracking_uri)


def all_runs(uri):
    client = MlflowClient(uri)
    return client.search_runs([experiment.experiment_id for experiment in client.search_experiments()])


def variants_of(uri):
    return {run.info.run_name: run for run in all_runs(uri) if run.data.tags["vreason.kind"] == "variant"}


def test_a_broken_video_is_its_samples_error(experiment, tracking_uri, tmp_path) -> None:
    """The sample has failed and names its file, the others are answered, the run is finished."""
    clips.write_clip(tmp_path / "good.mp4", 16, size=(84, 84))
    (tmp_path / "broken.mp4").write_bytes(b"no video at all" * 100)
    names = ("broken", "good", "gone")
    rows = [f'{{"id": "{name}", "video": "{name}.mp4", "question": "Which colour?", "answer": "red"}}' for name in names]
    (tmp_path / "data.jsonl").write_text("\n".join(rows))
    watcher = Watcher()
    (result,) = run_experiment(experiment(data={"source": str(tmp_path / "data.jsonl")}), watcher)
    assert ("FINISHED", 1, 2) == (result.status, result.summary.answered, result.summary.failed)
    assert ["broken", "good", "gone"] == [sample.sample_id for sample in watcher.samples]
    nested = {run.info.run_name: run for run in all_runs(tracking_uri) if run.data.tags["vreason.kind"] == "sample"}
    assert {"broken": "FAILED", "good": "FINISHED", "gone": "FAILED"} == {name: run.info.status for name, run in nested.items()}
    assert "broken.mp4" in nested["broken"].data.tags["error"]
    assert "gone.mp4" in nested["gone"].data.tags["error"]


def test_an_error_in_the_middle(experiment, tracking_uri, random_model_folder, tmp_path) -> None:
    """A model that asks for beam search is refused when it is to answer: the run has failed and says why."""
    model = shutil.copytree(random_model_folder, tmp_path / "beams")
    text = (model / "generation_config.json").read_text()
    (model / "generation_config.json").write_text(text.replace("{", '{"num_beams": 4,', 1))
    watcher = Watcher()
    with pytest.raises(UnsupportedGenerationError):
        run_experiment(experiment(model=model, variants=TWO), watcher)
    found = variants_of(tracking_uri)
    assert {"baseline"} == set(found)
    assert "FAILED" == found["baseline"].info.status
    assert "num_beams=4" in found["baseline"].data.tags["error"]
    assert [("baseline", "FAILED")] == [(result.name, result.status) for result in watcher.results]


class Interrupting(Watcher):
    """Presses Ctrl-C at a moment of choice."""

    def __init__(self, moment) -> None:
        super().__init__()
        self.moment = moment

    def on_variant(self, name, run_id):
        super().on_variant(name, run_id)
        if self.moment == "variant":
            raise KeyboardInterrupt

    def on_sample(self, sample):
        super().on_sample(sample)
        if self.moment == len(self.samples):
            raise KeyboardInterrupt


def test_an_interrupt_keeps_what_is_done(experiment, tracking_uri) -> None:
    """Ctrl-C after the second sample: the run is killed, both samples are in MLflow and in the tables, no further variant begins."""
    watcher = Interrupting(2)
    with pytest.raises(KeyboardInterrupt):
        run_experiment(experiment(variants=TWO), watcher)
    found = variants_of(tracking_uri)
    assert {"baseline": "KILLED"} == {name: run.info.status for name, run in found.items()}
    done = {sample.sample_id for sample in watcher.samples}
    assert done == {run.info.run_name for run in all_runs(tracking_uri)} - {"baseline"}
    path = MlflowClient(tracking_uri).download_artifacts(found["baseline"].info.run_id, "samples.parquet")
    assert done == set(pq.read_table(path)["sample_id"].to_pylist())
    assert ["KILLED"] == [result.status for result in watcher.results]


def test_an_interrupt_as_a_variant_begins(experiment, tracking_uri) -> None:
    """Ctrl-C at any moment after a run was opened closes it: nothing claims to be running still."""
    with pytest.raises(KeyboardInterrupt):
        run_experiment(experiment(), Interrupting("variant"))
    assert {"v-reason": "KILLED"} == {name: run.info.status for name, run in variants_of(tracking_uri).items()}


class Failing(Watcher):
    """A listener that breaks at every sample."""

    def on_sample(self, sample):
        raise ValueError("no paper in the printer")


def test_a_failing_listener(experiment, tracking_uri) -> None:
    """It stops nothing and does not hide: the notes name it and how often it failed; the record is whole."""
    with pytest.warns(RuntimeWarning, match="observer Failing failed"):
        (result,) = run_experiment(experiment(), Failing())
    assert ("FINISHED", 3, 3) == (result.status, result.summary.answered, len(all_runs(tracking_uri)) - 1)
    (note,) = result.notes
    assert "Failing" in note
    assert "3 time(s)" in note


def test_samples_that_the_store_refuses(experiment, tracking_uri, tmp_path) -> None:
    """They are in the notes with their number and the reason; the run goes on."""
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as connection, connection:
        condition = "NEW.key = 'vreason.kind' AND NEW.value = 'sample'"
        connection.execute(f"CREATE TRIGGER block BEFORE INSERT ON tags WHEN {condition} BEGIN SELECT RAISE(ABORT, 'disk is full'); END")
    (result,) = run_experiment(experiment(), Watcher())
    (note,) = result.notes
    assert note.startswith("3 sample(s) not written")
    assert "disk is full" in note
    path = MlflowClient(tracking_uri).download_artifacts(result.run_id, "samples.parquet")
    assert 3 == pq.read_table(path).num_rows


def test_the_same_run_twice(experiment, tracking_uri) -> None:
    """Same seed, same configuration, same versions: the same tokens and entropies, with sampling as well."""
    sampling = {"max_new_tokens": 6, "do_sample": True, "temperature": 1.5}
    tables = []
    for _ in range(2):
        (result,) = run_experiment(experiment(generation=sampling), Watcher())
        path = MlflowClient(tracking_uri).download_artifacts(result.run_id, "steps.parquet")
        tables.append([(row["token_id"], row["entropy"]) for row in pq.read_table(path).to_pylist()])
    assert 18 == len(tables[0])
    assert tables[0] == tables[1]
