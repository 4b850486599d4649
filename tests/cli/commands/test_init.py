"""vreason_cli.commands.init: write a configuration to start from."""

from __future__ import annotations

import subprocess
import sys

import pytest
import yaml
from click.testing import CliRunner

from vreason.config import PRESETS
from vreason.errors import ConfigError
from vreason_cli.commands.init import init_command, render
from vreason_tracking.settings import load_settings, parse_settings


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Calls the command in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(init_command, arguments)


def test_writes_a_demo_run_by_default(run, tmp_path):
    """Without arguments vreason.yaml is written: a valid run of the demo with the paper's three variants."""
    result = run()
    settings = load_settings(tmp_path / "vreason.yaml")
    assert (0, "wrote vreason.yaml; start it with: vreason-track run --config vreason.yaml\n") == (result.exit_code, result.output)
    assert ("demo", "demo", "test", 48, 8, 96) == (
        settings.model.id,
        settings.data.source,
        settings.data.split,
        settings.data.limit,
        settings.video.nframes,
        settings.generation.max_new_tokens,
    )
    assert PRESETS == {variant.name: variant.method for variant in settings.variants}


def test_model_and_data_are_filled_in(run, tmp_path):
    """--model and --data land in the file, and what hangs on them changes with them."""
    assert 0 == run("mine.yaml", "--model", "Qwen/Qwen2.5-VL-7B-Instruct", "--data", "data/mmvu.jsonl").exit_code
    settings = load_settings(tmp_path / "mine.yaml")
    assert ("Qwen/Qwen2.5-VL-7B-Instruct", "data/mmvu.jsonl") == (settings.model.id, settings.data.source)
    assert (None, None, 16, 1024, "reasoning") == (
        settings.data.split,
        settings.data.limit,
        settings.video.nframes,
        settings.generation.max_new_tokens,
        settings.prompt.template,
    )


def test_refuses_to_overwrite(run, tmp_path):
    """A file that is there is left as it is, with exit code 2 and the way out."""
    (tmp_path / "vreason.yaml").write_text("mine")
    result = run()
    assert 2 == result.exit_code
    assert "vreason.yaml exists already; give another name, or --force to overwrite it" in " ".join(result.output.split())
    assert "mine" == (tmp_path / "vreason.yaml").read_text()


def test_force_overwrites(run, tmp_path):
    """--force writes over the file."""
    (tmp_path / "vreason.yaml").write_text("mine")
    assert 0 == run("--force").exit_code
    assert "demo" == load_settings(tmp_path / "vreason.yaml").name


def test_folder_that_does_not_exist(run):
    """A file in a missing folder is refused with exit code 2, not a traceback."""
    result = run("no/such/run.yaml")
    assert 2 == result.exit_code
    assert "cannot be written (No such file or directory)" in " ".join(result.output.split())


@pytest.mark.parametrize("word", ["a: b", "C:\\models\\x", "{x}", 'a "b"', "# x", "a'b", "*x", "null", "é"])
def test_any_model_and_path_can_be_written(word):
    """Names with signs that mean something to YAML or to a template come back as they were given."""
    settings = parse_settings(render("run.yaml", word, word))
    assert (word, word) == (settings.model.id, settings.data.source)


def test_blank_model_is_refused(run, tmp_path):
    """A blank model is a fault of the configuration, and nothing is written."""
    result = run("--model", " ")
    assert isinstance(result.exception, ConfigError)
    assert "model.id: ' ' is not a Hub id, a folder, or demo" in str(result.exception)
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize(("model", "data"), [("demo", "demo"), ("a/b", "demo"), ("demo", "x.jsonl"), ("a/b", "x.jsonl")])
def test_commented_lines_are_right_too(model, data):
    """Each value that stands there as a comment loads as well when its sign is taken away."""
    text = render("run.yaml", model, data)
    loaded = 0
    for line in text.splitlines():
        bare = line.lstrip()
        if not line.startswith(" ") or not bare.startswith("# ") or "revision" in bare or "prompt.txt" in bare:
            continue
        changed = text.replace(line, line.replace("# ", "", 1))
        if "fps" in line:
            changed = "\n".join(other for other in changed.splitlines() if "nframes:" not in other)
        if "temperature" in line or "top_p" in line:
            changed = changed.replace("do_sample: false", "do_sample: true")
        assert yaml.safe_load(changed) != yaml.safe_load(text)
        assert parse_settings(changed).variants
        loaded += 1
    assert 8 <= loaded


def test_import_needs_no_heavy_library():
    """The command's module loads neither torch, MLflow nor pydantic: the help stays quick."""
    code = "import sys, vreason_cli.commands.init; print(sorted({'torch', 'mlflow', 'pydantic', 'transformers'} & set(sys.modules)))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "[]" == out.stdout.strip()
