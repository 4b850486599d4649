"""vreason_cli.commands.run: `vreason-track run` from its arguments to its exit code and what it prints."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil

import pytest
from mlflow import MlflowClient

from tests.helpers import clips, trials
from vreason.errors import TrackingError
from vreason_cli.commands.run import delivery_line, next_steps, require_delivered
from vreason_tracking.journal.folder import run_folders
from vreason_tracking.journal.reader import last_end
from vreason_tracking.settings import load_settings, parse_settings

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


def journals(folder):
    return list(run_folders(folder / "vreason-journal"))


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


def test_dry_run_loads_and_makes_nothing(program, config, tmp_path, random_model_folder) -> None:
    """No weights are read, no database, journal or folder is made."""
    shutil.copytree(random_model_folder, tmp_path / "model")
    (tmp_path / "model" / "model.safetensors").write_bytes(b"no weights")
    path = config(model=tmp_path / "model", uri="sqlite:///fresh.db")
    before = sorted(tmp_path.rglob("*"))
    assert 0 == program("run", "--config", path, "--dry-run").code
    assert before == sorted(tmp_path.rglob("*"))


def test_dry_run_says_what_is_missing(program, config, tmp_path) -> None:
    """All of it at once, each with its place and what to do; the exit code is that with which the run would end, and the plan is shown."""
    rows = [{"video": name, "question": "Where?", "answer": "left"} for name in ("whole.mp4", "gone.mp4", "text.mp4")]
    clips.write_clip(tmp_path / "whole.mp4")
    (tmp_path / "text.mp4").write_text("no video")
    (tmp_path / "data.json").write_text(json.dumps(rows))
    path = config(data={"source": "data.json"}, model=f"{tmp_path}/nowhere", uri=f"sqlite:///{tmp_path}")
    outcome = program("run", "--config", path, "--dry-run", "--journal", tmp_path / "text.mp4")
    assert 4 == outcome.code
    assert load_settings(path, ["tracking.journal=" + json.dumps(str(tmp_path / "text.mp4"))]) == parse_settings(outcome.out)
    assert outcome.err.startswith("error: a run cannot be made yet: 4 of 7 checks failed\n  videos: 2 of 3 cannot be opened\n")
    for text in (
        f"    gone.mp4: no such file ({tmp_path / 'gone.mp4'}), its folder is there",
        "    text.mp4: is text, not a video",
        f"  model: model.id '{tmp_path}/nowhere': no such folder",
        f"  journal: {tmp_path / 'text.mp4'} is a file, and a folder is needed; move it away",
        f"  store, database: {tmp_path} is a folder; name a file in it",
    ):
        assert text in outcome.err
    assert "Traceback" not in outcome.err


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
    assert "trial.yaml: 4 issue(s)" in outcome.err
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
    assert "error: model.id './nowhere': no such folder" in outcome.err
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
        (tmp_path / "data.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    outcome = program("run", "--config", config(data={"source": "data.json"}))
    assert 4 == outcome.code
    assert "data.json" in outcome.err
    assert expected in outcome.err
    assert "Traceback" not in outcome.err
    assert [] == runs_of(tracking_uri)


@pytest.mark.slow
@pytest.mark.parametrize(
    "uri", ["http://me:s3cret@localhost:50O0", "gopher://me:s3cret@localhost", "sqlite:///text.db", "sqlite:////dev/null/mlflow.db"]
)
def test_a_tracking_address_that_cannot_be_used(program, config, tmp_path, uri) -> None:
    """Exit code 5 before any question is asked, no traceback, and no password in what is printed or kept."""
    (tmp_path / "text.db").write_text("dear diary, " * 100)
    outcome = program("run", "--config", config(uri=uri))
    assert 5 == outcome.code
    assert "error: " in outcome.err
    assert "Traceback" not in outcome.err
    assert "s3cret" not in outcome.err + outcome.out
    assert [] == list((tmp_path / "vreason-journal").glob("*"))


@pytest.mark.slow
@pytest.mark.parametrize("uri", ["http://me:s3cret@127.0.0.1:1", "postgresql+psycopg://me:s3cret@127.0.0.1:1/db"])
def test_a_store_that_is_away(program, config, tmp_path, uri) -> None:
    """It stops nothing: exit code 0, everything recorded, and the end says what waits and how to bring it; no password anywhere."""
    outcome = program("run", "--config", config(uri=uri, variants=ONE), "--limit", 1)
    assert 0 == outcome.code, outcome.err
    assert re.search(r"^[1-9]\d* points recorded, 0 delivered to .*, [1-9]\d* waiting$", outcome.out, re.MULTILINE)
    assert "  deliver          vreason-track journal deliver" in outcome.out
    assert "the tracking store is unavailable" in outcome.out
    assert "s3cret" not in outcome.err + outcome.out
    assert [] == [path for path in (tmp_path / "vreason-journal").rglob("*") if path.is_file() and b"s3cret" in path.read_bytes()]


@pytest.mark.slow
def test_a_whole_run(program, config, tracking_uri) -> None:
    """Exit code 0; the table has a line a variant, runs of journal and MLflow are named, and all points are delivered."""
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
    names = [run.data.tags["vreason.run_id"] for run in variants_of(tracking_uri)]
    assert [] == [name for name in names if name not in outcome.out]
    told = re.search(r"^([\d,]+) points recorded, ([\d,]+) delivered to .*, 0 waiting$", outcome.out, re.MULTILINE)
    assert told[1] == told[2]


@pytest.mark.slow
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
@pytest.mark.parametrize("delivered", [10, 0])
def test_what_to_type_next_holds_no_password(uri, delivered) -> None:
    """What is printed may end up in a log: a tracking address is shown without its password, on a server as on a database."""
    lines = next_steps(parse_settings(trials.trial("x", uri)), [trials.result("v-reason", delivered=delivered)], {"v-reason": "s-1"})
    assert "s3cret" not in "\n".join(lines)


def test_the_sample_to_look_at_is_the_variants_own() -> None:
    """The command names a sample that the named run has answered, not the one that came last of all."""
    results = [trials.result("baseline"), trials.result("v-reason")]
    (line,) = [
        line
        for line in next_steps(parse_settings(trials.trial("x")), results, {"v-reason": "s-2", "baseline": "s-9"})
        if "vreason-track sample" in line
    ]
    assert line.split(" --")[0].endswith(f"{results[-1].run_id[:12]} s-2")
    (bare,) = [
        line for line in next_steps(parse_settings(trials.trial("x")), results, {"baseline": "s-9"}) if "vreason-track sample" in line
    ]
    assert "s-9" not in bare


def test_what_waits_is_told_with_its_command() -> None:
    """How many points wait, and the command that brings them, with the places that the config names; nothing of it when nothing waits."""
    named = {"uri": "sqlite:///my runs.db", "journal": "/big disk/journal", "experiment": "nights"}
    settings = parse_settings(trials.trial("x", tracking=named))
    waiting = trials.result("v-reason", recorded=1_234, delivered=34, experiment_id=None)
    first, second = next_steps(settings, [waiting], {})
    assert "1,234 points recorded, 34 delivered to sqlite:///my runs.db (experiment 'nights'), 1,200 waiting" == first
    assert "  deliver          vreason-track journal deliver --journal '/big disk/journal' --tracking-uri 'sqlite:///my runs.db'" == second
    assert [] == [line for line in next_steps(settings, [trials.result("v-reason")], {}) if "journal deliver" in line]


def test_a_refusal_is_told_with_its_reason() -> None:
    """Beside the points that wait: which variant, and why."""
    settings = parse_settings(trials.trial("x"))
    line = delivery_line([trials.result("v-reason", delivered=0, rejected="the run was deleted")], "sqlite:///mlflow.db", settings.name)
    assert "v-reason: the store refuses it: the run was deleted" == line.splitlines()[1].strip()


@pytest.mark.parametrize("field", ["rejected", "excluded"])
def test_a_refusal_is_an_exit_code(field) -> None:
    """What runs the command learns that the record in the store is not whole: code 5, with variant and reason."""
    require_delivered([trials.result("baseline"), trials.result("v-reason", delivered=0)])
    with pytest.raises(TrackingError, match=r"refused a part of the record\nv-reason: 1 value is not taken\n.*deliver --repair") as raised:
        require_delivered([trials.result("baseline"), trials.result("v-reason", **{field: "1 value is not taken"})])
    assert 5 == raised.value.exit_code


def test_points_of_all_variants_are_added_up() -> None:
    """One line for the whole call."""
    results = [trials.result("baseline"), trials.result("v-reason", recorded=100, delivered=90)]
    assert delivery_line(results, "u", "e").startswith("110 points recorded, 100 delivered to u (experiment 'e'), 10 waiting")


def test_only_one_variant(program, config, tmp_path) -> None:
    """--variant leaves the others out of the record."""
    assert 0 == program("run", "--config", config(), "--offline", "--variant", "baseline", "--limit", 1).code
    assert ["baseline"] == [folder.manifest.variant for folder in journals(tmp_path)]


def test_a_broken_video(program, config, tmp_path) -> None:
    """It is told as that sample's failure, the run goes on, and the exit code is 0."""
    clips.write_clip(tmp_path / "good.mp4", 16, size=(84, 84))
    (tmp_path / "broken.mp4").write_bytes(b"no video at all" * 100)
    rows = [f'{{"id": "{name}", "video": "{name}.mp4", "question": "Which colour?", "answer": "red"}}' for name in ("broken", "good")]
    (tmp_path / "data.json").write_text("\n".join(rows))
    outcome = program("run", "--config", config(variants=ONE, data={"source": "data.json"}), "--offline")
    assert 0 == outcome.code, outcome.err
    assert [line for line in outcome.out.splitlines() if "broken failed" in line and "broken.mp4" in line]
    assert "1 (+1 failed)" in outcome.out


def test_signatures_come_with_their_mend(program, config) -> None:
    """Replies that were cut off are told after the table, with what to change."""
    outcome = program("run", "--config", config(variants=ONE), "--limit", 1, "--offline")
    assert "v-reason: truncated: 1 sample(s); raise generation.max_new_tokens" in outcome.out


def test_a_model_refused_in_the_middle(program, config, random_model_folder, tmp_path) -> None:
    """Beam search cannot be steered: exit code 3 without a traceback, the variant told as FAILED."""
    model = shutil.copytree(random_model_folder, tmp_path / "beams")
    text = (model / "generation_config.json").read_text()
    (model / "generation_config.json").write_text(text.replace("{", '{"num_beams": 4,', 1))
    outcome = program("run", "--config", config(model=model, variants=ONE), "--offline")
    assert 3 == outcome.code
    assert "num_beams=4" in outcome.err
    assert "Traceback" not in outcome.err
    assert "v-reason (FAILED)" in outcome.out
    assert ["FAILED"] == [last_end(folder).status for folder in journals(tmp_path)]
