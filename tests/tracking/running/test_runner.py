"""vreason_tracking.running.runner: an experiment from settings to record, with a real model of random weights and a real process that
delivers. Read back through MLflow's own API.
"""

from __future__ import annotations

import subprocess
from collections import defaultdict
from importlib import metadata
from pathlib import Path
from statistics import fmean

import pyarrow.parquet as pq
import pytest
from mlflow import MlflowClient

from tests.helpers import readback, records, trials
from vreason.benchmarks import data_digest
from vreason.listeners import RunStarted, VariantFinished
from vreason_tracking.journal.folder import run_folders
from vreason_tracking.records.metrics import STEP_METRICS
from vreason_tracking.running.inputs import load_samples
from vreason_tracking.running.runner import Experiment, run_experiment
from vreason_tracking.settings import parse_settings

STEP_NAMES = {metric.name for metric in STEP_METRICS}
CONTROLLER = {"loss", "delta_v_norm", "grad_norm", "value_cosine"}


class Recorded:
    """A finished experiment: its settings, what its watcher saw, what became of it, and how to read it."""

    def __init__(self, settings, watcher, results) -> None:
        self.settings, self.watcher, self.results = settings, watcher, results
        self.client = MlflowClient(settings.tracking.uri)
        self.runs = {result.name: result.run_id for result in results}

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
    watcher = trials.Watcher()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        experiment = Experiment(settings, [watcher])
        assert experiment.run() is experiment.results
    return Recorded(settings, watcher, experiment.results)


def test_one_run_a_variant(recorded) -> None:
    """Each variant is one finished run of its name without a parent, and there are no other variants' runs."""
    (experiment,) = {recorded.run(name).info.experiment_id for name in trials.VARIANTS}
    found = recorded.client.search_runs([experiment], "tags.`vreason.kind` = 'variant'")
    assert {(name, "FINISHED") for name in trials.VARIANTS} == {(run.info.run_name, run.info.status) for run in found}
    assert [] == [run for run in found if "mlflow.parentRunId" in run.data.tags]


def test_what_a_listener_is_told(recorded) -> None:
    """The model with its type and device, the number of questions, every variant with its run, every step, sample and end."""
    seen = recorded.watcher
    (run,) = seen.of("on_run_started")
    model = f"{recorded.settings.model.id} (float32)"
    assert RunStarted("trial", model, "cpu", 3, trials.VARIANTS, "interleaved") == run
    assert [(name, result.folder.run_id, 0) for name, result in zip(trials.VARIANTS, recorded.results, strict=True)] == seen.variants
    assert (9, 9 * trials.TOKENS, 9, []) == (len(seen.samples), seen.steps, len(seen.of("on_prefill")), seen.notices)
    accuracies = [result.summary.accuracy for result in recorded.results]
    assert [
        VariantFinished(name, result.folder.run_id, "FINISHED", 3, 0, accuracy)
        for name, result, accuracy in zip(trials.VARIANTS, recorded.results, accuracies, strict=True)
    ] == seen.of("on_variant_finished", "on_variant_failed")


def test_the_order_of_what_is_told(recorded) -> None:
    """First the run, then every variant's beginning, then the answers in turns, and at last every variant's end."""
    methods = [method for method, _ in recorded.watcher.told]
    answers = {"on_turn", "on_prefill", "on_steps", "on_sample"}
    assert ["on_run_started", *["on_variant_started"] * 3, "on_turn", "on_prefill", "on_steps"] == methods[:7]
    assert ["on_sample", *["on_variant_finished"] * 3] == methods[-4:]
    assert answers == set(methods[4:-3])


def test_results(recorded) -> None:
    """In the order of the config: what became of each, over all of its samples."""
    expected = [(name, "FINISHED", 3, (), False, None, None) for name in trials.VARIANTS]
    assert expected == [
        (each.name, each.status, each.summary.answered, each.notes, each.kept, each.rejected, each.error) for each in recorded.results
    ]


def test_everything_is_delivered(recorded) -> None:
    """When the call ends, as many points are in MLflow as in the journal, and they are the same ones."""
    for result in recorded.results:
        assert 0 < result.recorded == result.delivered
        database = Path(recorded.settings.tracking.uri.removeprefix("sqlite:///"))
        there = readback.content(database, result.experiment_id)
        (run,) = there[result.name]
        own = [point for point in run["points"] if point[0].startswith(("host/", "gpu/"))]
        nested = {name: each["points"] for name, several in there.items() for each in several if each["parent"] == result.name}
        assert readback.journal_points(result.folder) == {name: sorted(point[:4] for point in points) for name, points in nested.items()}
        assert result.recorded == len(own) + sum(map(len, nested.values()))


def test_the_journal_of_a_call(recorded) -> None:
    """A run a variant, in order, of one call, each with all that was known before its first record."""
    folders = [result.folder for result in recorded.results]
    root = Path(recorded.settings.tracking.uri.removeprefix("sqlite:///")).parent / "vreason-journal"
    assert {folder.path for folder in folders} == {folder.path for folder in run_folders(root)}
    manifests = [folder.manifest for folder in folders]
    assert [(name, place, 3) for place, name in enumerate(trials.VARIANTS)] == [
        (each.variant, each.call_position, each.call_variants) for each in manifests
    ]
    assert (1, 3, 3) == tuple(len({getattr(each, name) for each in manifests}) for name in ("call_id", "run_id", "colour"))
    assert {("trial", "vreason", "online", recorded.settings.tracking.uri)} == {
        (each.config_name, each.experiment, each.mode, each.tracking_uri) for each in manifests
    }
    assert {tuple(sample.sample_id for sample in load_samples(recorded.settings))} == {each.sample_ids for each in manifests}


def test_identity(recorded) -> None:
    """What the result depends on stands in the tags, so that runs can be found by it; two variants differ in the method alone."""
    tags = [recorded.run(name).data.tags for name in trials.VARIANTS[:2]]
    parts = ("run", "model", "method", "decoding", "prompt", "video", "data")
    assert ["run", "method"] == [part for part in parts if tags[0][f"identity.{part}"] != tags[1][f"identity.{part}"]]
    assert 1 == len({each["vreason.call"] for each in tags})


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
    assert "interleaved" == tags["schedule"]


@pytest.mark.parametrize("variant", trials.VARIANTS)
def test_summary_metrics(recorded, variant) -> None:
    """Every summary metric equals what its definition gives for the rows of samples.parquet."""
    metrics = recorded.run(variant).data.metrics
    expected = records.figures(recorded.rows(variant, "samples.parquet"))
    assert expected == pytest.approx({name: value for name, value in metrics.items() if not name.startswith(("live/", "curve/", "host/"))})


@pytest.mark.parametrize("variant", trials.VARIANTS)
def test_curve(recorded, variant) -> None:
    """curve/entropy is the mean over the samples' steps, token by token."""
    by_token = defaultdict(list)
    for row in recorded.rows(variant, "steps.parquet"):
        by_token[row["token_index"]].append(row["entropy"])
    points = recorded.client.get_metric_history(recorded.runs[variant], "curve/entropy")
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
    """The same files at every variant: its own configuration, tables, summary and plot, and a plot of all variants together."""
    files = [{file.path for file in recorded.client.list_artifacts(recorded.runs[name])} for name in trials.VARIANTS]
    plots = {f"{name}.{ending}" for name in ("entropy", "entropy_of_all_variants") for ending in ("png", "svg")}
    assert [{"config.yaml", "samples.parquet", "steps.parquet", "summary_table.json", *plots}] * 3 == files


def test_the_plot_of_all_variants(recorded) -> None:
    """It draws each variant's curve under its name."""
    svg = Path(recorded.client.download_artifacts(recorded.runs["baseline"], "entropy_of_all_variants.svg")).read_text()
    assert [] == [name for name in trials.VARIANTS if f"<!-- {name}: mean EMA" not in svg]


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


def test_devices_are_recorded(recorded) -> None:
    """The host's memory, window by window, over the seconds of the run."""
    points = recorded.client.get_metric_history(recorded.runs["v-reason"], "host/rss_bytes")
    assert points
    assert min(point.value for point in points) > 10 * 2**20
    assert 0 <= min(point.step for point in points) < 60


def test_the_same_run_twice(experiment) -> None:
    """Same seed, same configuration, same versions: the same tokens and entropies, with sampling as well."""
    sampling = {"max_new_tokens": 6, "do_sample": True, "temperature": 1.5}
    tables = []
    for _ in range(2):
        (result,) = run_experiment(experiment(generation=sampling, tracking={"mode": "offline"}))
        steps = [step for finished in readback.finished_samples(result.folder) for step in finished.steps]
        tables.append([(step.token_id, step.entropy) for step in steps])
    assert 18 == len(tables[0])
    assert tables[0] == tables[1]
