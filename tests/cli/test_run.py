"""vreason_cli.run: `vreason-track run` from its arguments to its exit code and what it prints."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys

import pytest
from mlflow import MlflowClient

from tests.doubles import clips, trials
from vreason_cli.run import next_steps
from vreason_tracking.settings import load_settings, parse_settings

IMPORTS = """
import sys
from vreason_cli.main import main
try:
    main()
finally:
    print(*sorted({name.split(".")[0] for name in sys.modules}), file=sys.stderr)
"""
ONE = [{"name": "v-reason", "preset": "v-reason"}]


@pytest.fixture
def config(tmp_path, random_model_folder, tracking_uri):
    """Writes a config, with sections to replace, and returns its path."""

    def write(model=random_model_folder, uri=tracking_uri, **sections):
        path = tmp_path / "trial.yaml"
        path.write_text(trials.trial(model, uri, **sections), encoding="utf-8")
        return path

    return write


def runs_of(uri):
    client = MlflowClient(uri)
    return client.search_runs([experiment.experiment_id for experiment in client.search_experiments()])


def variants_of(uri):
    return [run for run in runs_of(uri) if run.data.tags["vreason.kind"] == "variant"]


def test_dry_run_prints_the_resolved_config(program, config) -> None:
    """What it prints loads back to the same settings, every field written out; the exit code is 0."""
    path = config()
    outcome = program("run", "--config", path, "--dry-run")
    assert (0, "") == (outcome.code, outcome.err)
    assert load_settings(path) == parse_settings(outcome.out)
    assert "ema_init: zero" in outcome.out
    assert "3 variant(s)" in outcome.out


def test_dry_run_loads_nothing(config, tmp_path) -> None:
    """Neither torch nor mlflow is imported, no database is made, and the model need not be there."""
    path = config(model="nowhere/at-all", uri="sqlite:///fresh.db")
    before = {file.name for file in tmp_path.iterdir()}
    command = [sys.executable, "-c", IMPORTS, "run", "--config", str(path), "--dry-run"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert 0 == done.returncode, done.stderr
    assert set() == {"torch", "transformers", "mlflow"} & set(done.stderr.split())
    assert before == {file.name for file in tmp_path.iterdir()}


def test_changes_of_the_config(program, config) -> None:
    """--set, --limit and --variant are laid over the file, --set more than once."""
    path = config()
    options = ["--set", "variants.1.controller.k=2", "--set", "seed=5", "--limit", 2, "--variant", "v-reason"]
    settings = parse_settings(program("run", "--config", path, "--dry-run", *options).out)
    assert (["v-reason"], 2, 5, 2) == (
        [variant.name for variant in settings.resolved_variants()],
        settings.resolved_variants()[0].method.controller.k,
        settings.seed,
        settings.data.limit,
    )


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("VREASON_RUN_LIMIT", "8", "limit: 8"),
        ("VREASON_RUN_OVERRIDES", "seed=11", "seed: 11"),
        ("VREASON_RUN_VARIANTS", "baseline", "1 variant(s)"),
        ("VREASON_RUN_DRY_RUN", "1", "3 variant(s)"),
    ],
)
def test_options_by_the_environment(program, config, monkeypatch, name, value, expected) -> None:
    """Every option can be given by an environment variable named after the command and the option."""
    path = config(model="nowhere/at-all")
    monkeypatch.setenv(name, value)
    dry = [] if name.endswith("DRY_RUN") else ["--dry-run"]
    assert expected in program("run", "--config", path, *dry).out


def test_the_command_line_wins_over_the_environment(program, config, monkeypatch) -> None:
    """An option that is typed counts more than one of the environment."""
    monkeypatch.setenv("VREASON_RUN_LIMIT", "8")
    assert "limit: 2" in program("run", "--config", config(), "--dry-run", "--limit", 2).out


@pytest.mark.parametrize("limit", ["0", "-1", "many"])
def test_a_limit_that_is_none(program, config, limit) -> None:
    """Refused before anything is read."""
    outcome = program("run", "--config", config(), f"--limit={limit}", "--dry-run")
    assert (2, "") == (outcome.code, outcome.out)
    assert "--limit" in outcome.err


def test_a_wrong_config_names_every_fault(program, config, tracking_uri) -> None:
    """Exit code 2, all faults at once with their paths, no traceback, and nothing recorded."""
    path = config(seed=-1, generation={"max_new_tokens": "many"}, nonsense={"a": 1})
    outcome = program("run", "--config", path, "--set", "data.limit=0")
    assert (2, "") == (outcome.code, outcome.out)
    assert [] == [fault for fault in ("seed", "generation.max_new_tokens", "nonsense", "data.limit") if f"{fault}: " not in outcome.err]
    assert "trial.yaml: 4 fault(s)" in outcome.err
    assert "Traceback" not in outcome.err
    assert [] == runs_of(tracking_uri)


def test_an_unknown_variant(program, config) -> None:
    """Exit code 2, and the variants that there are."""
    outcome = program("run", "--config", config(), "--variant", "v-raisin")
    assert 2 == outcome.code
    assert "v-raisin" in outcome.err
    assert "baseline, v-reason, v-reason-lite" in outcome.err


def test_a_missing_model(program, config) -> None:
    """Exit code 3, the id and what to check, no traceback."""
    outcome = program("run", "--config", config(model="./nowhere"))
    assert 3 == outcome.code
    assert "error: model './nowhere' cannot be loaded" in outcome.err
    assert "Traceback" not in outcome.err


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, "no such file"),
        ("{not json\n", "line 1"),
        ("", "holds no samples"),
        ('{"video": "a.mp4"}\n{"question": "q"}\n', "question is missing"),
        ("[1, 2]", "row 2"),
        ("\udcff", "UTF-8"),
    ],
)
def test_a_wrong_data_file(program, config, tmp_path, tracking_uri, text, expected) -> None:
    """Exit code 4, the file and what is wrong with it, no traceback, and nothing recorded."""
    if text is not None:
        (tmp_path / "data.jsonl").write_bytes(text.encode("utf-8", "surrogateescape"))
    outcome = program("run", "--config", config(data={"source": "data.jsonl"}))
    assert 4 == outcome.code
    assert "data.jsonl" in outcome.err
    assert expected in outcome.err
    assert "Traceback" not in outcome.err
    assert [] == runs_of(tracking_uri)


@pytest.mark.parametrize(
    "uri",
    [
        "http://me:s3cret@127.0.0.1:1",
        "postgresql+psycopg://me:s3cret@127.0.0.1:1/db",
        "http://me:s3cret@localhost:50O0",
        "gopher://me:s3cret@localhost",
        "sqlite:///text.db",
        "sqlite:////dev/null/mlflow.db",
    ],
)
def test_a_tracking_address_that_cannot_be_used(program, config, tmp_path, monkeypatch, uri) -> None:
    """Exit code 5, no traceback, and no password in what is printed."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    (tmp_path / "text.db").write_text("dear diary, " * 100)
    outcome = program("run", "--config", config(uri=uri))
    assert 5 == outcome.code
    assert outcome.err.startswith("error: ")
    assert "Traceback" not in outcome.err
    assert "s3cret" not in outcome.err + outcome.out


def test_a_whole_run(program, config, tracking_uri) -> None:
    """Exit code 0; the table has a line a variant, the runs are named, and each printed id is a run in MLflow."""
    outcome = program("run", "--config", config(), "--limit", 2)
    assert 0 == outcome.code, outcome.err
    assert "Traceback" not in outcome.err
    found = {run.info.run_name: run.info.run_id for run in variants_of(tracking_uri)}
    assert set(trials.VARIANTS) == set(found)
    assert [] == [run_id for run_id in found.values() if run_id not in outcome.out]
    lines = outcome.out.splitlines()
    table = lines[next(number for number, line in enumerate(lines) if "differences are to baseline" in line) :]
    assert [1, 1, 1] == [sum(line.split()[:2] == [name, "2"] for line in table) for name in trials.VARIANTS]
    assert f"mlflow ui --backend-store-uri {tracking_uri}" in outcome.out


def test_what_to_type_next_works(program, config, tracking_uri, tmp_path) -> None:
    """The command that is printed to see a sample shows this run's samples, wherever the config recorded them."""
    elsewhere = tracking_uri.replace("mlflow.db", "elsewhere.db")
    os.rename(tmp_path / "mlflow.db", tmp_path / "elsewhere.db")
    path = config(uri=None, variants=ONE, tracking={"uri": elsewhere, "experiment": "nights"})
    outcome = program("run", "--config", path, "--limit", 1)
    (line,) = [line for line in outcome.out.splitlines() if "vreason-track sample" in line]
    command = shlex.split(line[line.index("vreason-track") :].split("   ")[0])
    assert 0 == program(*command[1:]).code


@pytest.mark.parametrize(
    "uri", ["http://me:s3cret@127.0.0.1:5000", "https://me:s3cret@tracking.example", "postgresql+psycopg://me:s3cret@db/mlflow"]
)
def test_what_to_type_next_holds_no_password(uri) -> None:
    """What is printed may end up in a log: a tracking address is shown without its password, on a server as on a database."""
    lines = next_steps(parse_settings(trials.trial("x", uri)), [trials.result("v-reason")], "s-1")
    assert "s3cret" not in "\n".join(lines)


def test_only_one_variant(program, config, tracking_uri) -> None:
    """--variant leaves the others out of the record."""
    assert 0 == program("run", "--config", config(), "--variant", "baseline", "--limit", 1).code
    assert ["baseline"] == [run.info.run_name for run in variants_of(tracking_uri)]


def test_a_broken_video(program, config, tmp_path, tracking_uri) -> None:
    """It is told as that sample's failure, the run goes on, and the exit code is 0."""
    clips.write_clip(tmp_path / "good.mp4", 16, size=(84, 84))
    (tmp_path / "broken.mp4").write_bytes(b"no video at all" * 100)
    rows = [f'{{"id": "{name}", "video": "{name}.mp4", "question": "Which colour?", "answer": "red"}}' for name in ("broken", "good")]
    (tmp_path / "data.jsonl").write_text("\n".join(rows))
    outcome = program("run", "--config", config(variants=ONE, data={"source": "data.jsonl"}))
    assert 0 == outcome.code, outcome.err
    assert [line for line in outcome.out.splitlines() if "broken failed" in line and "broken.mp4" in line]
    assert "1 (+1 failed)" in outcome.out
    nested = [run for run in runs_of(tracking_uri) if run.data.tags["vreason.kind"] == "sample"]
    assert {"broken": "FAILED", "good": "FINISHED"} == {run.info.run_name: run.info.status for run in nested}


def test_signatures_come_with_their_mend(program, config) -> None:
    """Replies that were cut off are told after the table, with what to change."""
    outcome = program("run", "--config", config(variants=ONE), "--limit", 1)
    assert "v-reason: truncated: 1 sample(s); raise generation.max_new_tokens" in outcome.out


def test_a_model_refused_in_the_middle(program, config, random_model_folder, tmp_path, tracking_uri) -> None:
    """Beam search cannot be steered: exit code 3 without a traceback, the variant told as FAILED."""
    import shutil

    model = shutil.copytree(random_model_folder, tmp_path / "beams")
    text = (model / "generation_config.json").read_text()
    (model / "generation_config.json").write_text(text.replace("{", '{"num_beams": 4,', 1))
    outcome = program("run", "--config", config(model=model, variants=ONE))
    assert 3 == outcome.code
    assert "num_beams=4" in outcome.err
    assert "Traceback" not in outcome.err
    assert "v-reason (FAILED)" in outcome.out
    assert ["FAILED"] == [run.info.status for run in variants_of(tracking_uri)]
