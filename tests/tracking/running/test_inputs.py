"""vreason_tracking.running.inputs: what settings ask for, in the words of those who do it."""

from __future__ import annotations

import platform
import subprocess
from importlib import metadata
from types import SimpleNamespace

import pytest

from tests.helpers import trials
from vreason.benchmarks import data_digest
from vreason.errors import DataError, PluginError
from vreason_tracking.running.inputs import (
    config_text,
    evaluation_config,
    load_samples,
    plugin_names,
    require_plugins,
    run_tags,
    variant_params,
)
from vreason_tracking.settings import parse_settings

QWEN = SimpleNamespace(config=SimpleNamespace(model_type="qwen2_5_vl"))
PASSWORD = {"uri": "http://me:s3cret@h:5000", "experiment": "nights", "journal": "/somewhere", "mode": "offline"}


def settings(**sections):
    return parse_settings(trials.trial(**({"model": "some/model"} | sections)))


def test_samples_of_the_demo() -> None:
    """As many as the limit says, the same ones each time."""
    names = [sample.sample_id for sample in load_samples(settings())]
    assert 3 == len(names)
    assert names == [sample.sample_id for sample in load_samples(settings())]


def test_samples_of_a_file(tmp_path) -> None:
    """A data file's questions are cut to the limit, and its videos looked for where video_root says."""
    (tmp_path / "data.jsonl").write_text("".join(f'{{"video": "{n}.mp4", "question": "q{n}", "answer": "a"}}\n' for n in range(4)))
    found = load_samples(settings(data={"source": str(tmp_path / "data.jsonl"), "limit": 2, "video_root": "/videos"}))
    assert [("q0", "/videos/0.mp4"), ("q1", "/videos/1.mp4")] == [(sample.question, sample.video) for sample in found]


def test_a_missing_data_file() -> None:
    """It is named."""
    with pytest.raises(DataError, match=r"none\.jsonl"):
        load_samples(settings(data={"source": "none.jsonl"}))


def test_the_digest_follows_the_limit() -> None:
    """Another choice of questions has another digest."""
    fewer = settings(data={"source": "demo", "limit": 2})
    assert data_digest(load_samples(fewer)) != data_digest(load_samples(settings()))


@pytest.mark.parametrize("place", range(3))
def test_parameters(place) -> None:
    """Every resolved setting, flattened, and of the variants this one alone; no nested value for MLflow to print in a way of its own."""
    now = settings()
    variant = now.resolved_variants()[place]
    found = variant_params(now, variant)
    shared = {name: value for name, value in now.flattened().items() if not name.startswith("variants.")}
    own = {f"method.{name}": value for name, value in variant.flattened().items()}
    assert {**shared, **own, "variant": trials.VARIANTS[place]} == found
    assert {str, int, float, bool} >= {type(value) for value in found.values()}


def test_parameters_hold_no_password() -> None:
    """Nor does the configuration that is kept with the run."""
    now = settings(tracking=PASSWORD)
    text = str(variant_params(now, now.resolved_variants()[0])) + config_text(now)
    assert "s3cret" not in text


def test_the_config_loads_back() -> None:
    """It is the configuration that was run, whole, but for where it was recorded; the experiment it belongs to is part of it."""
    now = settings(tracking=PASSWORD, seed=5)
    again = parse_settings(config_text(now))
    assert now.model_copy(update={"tracking": again.tracking}) == again
    assert ("nights", None, "online", None) == (again.tracking.experiment, again.tracking.uri, again.tracking.mode, again.tracking.journal)


def test_the_methods_side_of_the_settings() -> None:
    """Video, prompt, generation, scoring, batch and seed arrive as written; what is not given is left to the model."""
    now = settings(seed=3, batch_size=2, data={"source": "demo", "scoring": "video-r1"}, generation={"max_new_tokens": 5})
    variant = now.resolved_variants()[1]
    made = evaluation_config(now, variant)
    assert (variant.method, 8, "video-r1", 2, 3) == (made.method, made.video.nframes, made.scoring, made.batch_size, made.seed)
    assert now.prompt_template() == made.prompt
    assert (5, False, None) == (made.generation["max_new_tokens"], made.generation["do_sample"], made.generation["temperature"])
    assert "min_new_tokens" not in made.generation


def test_sampling_settings_are_kept() -> None:
    """With sampling, a temperature given goes through and one not given stays the model's own."""
    now = settings(generation={"do_sample": True, "temperature": 0.5})
    generation = evaluation_config(now, now.resolved_variants()[0]).generation
    assert (True, 0.5) == (generation["do_sample"], generation["temperature"])
    assert "top_p" not in generation


def test_tags(tmp_path, monkeypatch) -> None:
    """Commit and dirty flag of the folder that one is in, versions, machine, device, type, weights, data and seed."""
    name = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    subprocess.run(["git", "-C", tmp_path, *name, "commit", "--quiet", "--allow-empty", "-m", "one"], check=True)
    commit = subprocess.run(["git", "-C", tmp_path, "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
    monkeypatch.chdir(tmp_path)
    loaded = SimpleNamespace(device="cuda:0", dtype="bfloat16", revision="sha256:1", model=QWEN)
    tags = run_tags(settings(seed=7), loaded, SimpleNamespace(device_names=lambda: ["H200", "H100"]), "00ff")
    expected = {
        "git.commit": commit,
        "git.dirty": "false",
        "host": platform.node(),
        "config.name": "trial",
        "data.digest": "00ff",
        "device": "cuda:0 (H200, H100)",
        "dtype": "bfloat16",
        "model.revision": "sha256:1",
        "scoring": "robust",
        "seed": "7",
        "schedule": "interleaved",
        **{f"version.{package}": metadata.version(package) for package in ("torch", "transformers", "mlflow", "decord", "numpy")},
    }
    assert expected.items() <= tags.items()
    assert "plugins" not in tags
    on_cpu = SimpleNamespace(device="cpu", dtype="float32", revision="r", model=QWEN)
    assert "cpu" == run_tags(settings(), on_cpu, SimpleNamespace(device_names=list), "d")["device"]


def test_a_change_that_is_not_committed(tmp_path, monkeypatch) -> None:
    """It is said that the commit is not the whole truth."""
    name = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    subprocess.run(["git", "-C", tmp_path, *name, "commit", "--quiet", "--allow-empty", "-m", "one"], check=True)
    (tmp_path / "changed").touch()
    monkeypatch.chdir(tmp_path)
    loaded = SimpleNamespace(device="cpu", dtype="float32", revision="r", model=QWEN)
    assert "true" == run_tags(settings(), loaded, SimpleNamespace(device_names=list), "d")["git.dirty"]


@pytest.mark.parametrize("schedule", ["interleaved", "sequential"])
def test_how_it_was_measured(schedule) -> None:
    """Every run says whether its variants answered in turn."""
    loaded = SimpleNamespace(device="cpu", dtype="float32", revision="r", model=QWEN)
    assert schedule == run_tags(settings(schedule=schedule), loaded, SimpleNamespace(device_names=list), "d")["schedule"]


@pytest.fixture
def offered(site_packages):
    """What an installed package offers: a model family, a benchmark, two objectives and a listener."""
    offers = {
        "vreason.models": {"llava": "nowhere:Llava"},
        "vreason.benchmarks": {"clips": "nowhere:Clips"},
        "vreason.objectives": {"calm": "tests.helpers.objectives:breaks_on_demand", "unused": "nowhere:unused"},
        "vreason.listeners": {"loud": "nowhere:Loud"},
    }
    site_packages.install("vreason-odds", offers, "0.3")
    return "vreason-odds 0.3"


CALM = [{"name": "baseline", "preset": "baseline"}, {"name": "calm", "controller": {"objective": "calm"}}]


def test_plug_ins_that_are_used(offered) -> None:
    """Family, benchmark, objectives and listeners, each once with its package and version; nothing is loaded, and nothing else is named."""
    now = settings(
        variants=[*CALM, {"name": "calm k=8", "controller": {"objective": "calm", "k": 8}}], listeners=["loud"], data={"source": "clips"}
    )
    assert [f"{name} = {offered}" for name in ("llava", "clips", "calm", "loud")] == plugin_names(now, "llava")
    assert [f"calm = {offered}"] == plugin_names(settings(variants=CALM), "qwen2_5_vl")
    assert [] == plugin_names(settings(), "qwen2_5_vl")
    loaded = SimpleNamespace(device="cpu", dtype="float32", revision="r", model=QWEN)
    tags = run_tags(settings(variants=CALM), loaded, SimpleNamespace(device_names=list), "d")
    assert f"calm = {offered}" == tags["plugins"]


def test_required_plug_ins(offered) -> None:
    """What can be loaded is; a scorer or an objective that cannot be is named before anything is begun."""
    require_plugins(settings())
    require_plugins(settings(variants=CALM, data={"source": "demo", "scoring": "tests.tracking.running.test_inputs:exact"}))
    with pytest.raises(PluginError, match=r"'unused' \(vreason.objectives, nowhere:unused\) of vreason-odds .* cannot be loaded"):
        require_plugins(settings(variants=[{"name": "odd", "controller": {"objective": "unused"}}]))
    with pytest.raises(PluginError, match="has no 'nothing'"):
        require_plugins(settings(data={"source": "demo", "scoring": "tests.tracking.running.test_inputs:nothing"}))


def exact(prediction: str, sample) -> float:
    """A scorer of one's own."""
    return float(prediction == sample.answer)
