"""vreason_cli.logs: what `vreason-track -v` shows and `--log-file` keeps."""

from __future__ import annotations

import re

import pytest

from tests.helpers import trials

ONE = [{"name": "v-reason", "preset": "v-reason"}]


@pytest.fixture
def config(tmp_path, random_model_folder, tracking_uri):
    """Writes a config of one variant, with sections to replace, and returns its path."""

    def write(uri=tracking_uri, **sections):
        path = tmp_path / "trial.yaml"
        path.write_text(trials.trial(random_model_folder, uri, variants=ONE, **sections), encoding="utf-8")
        return path

    return write


def levels_of(text):
    return set(re.findall(r"^\d\d:\d\d:\d\d (\w+) vreason", text, re.MULTILINE))


def test_silent_by_default(program, config):
    """Nothing but what libraries print reaches the error stream in a whole offline run."""
    outcome = program("run", "--config", config(), "--limit", 1, "--offline")
    assert 0 == outcome.code
    assert [] == [line for line in outcome.err.splitlines() if "vreason" in line]


def test_silent_about_a_failure(program, config, tmp_path):
    """A sample that failed is told on the standard output as ever, and nothing is logged."""
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    (tmp_path / "data.jsonl").write_text('{"id": "broken", "video": "broken.mp4", "question": "q", "answer": "red"}')
    outcome = program("run", "--config", config(data={"source": "data.jsonl"}), "--offline")
    assert (4, set()) == (outcome.code, levels_of(outcome.err))
    assert "broken failed" in outcome.out


def test_once_shows_what_happens(program, config):
    """-v: the settings with the changes, the model and how long it took, the run; on the error stream, from info on."""
    outcome = program("-v", "run", "--config", config(), "--limit", 1, "--set", "seed=5", "--offline")
    assert (0, {"INFO"}) == (outcome.code, levels_of(outcome.err))
    assert "INFO vreason_tracking.settings.loading: settings trial from " in outcome.err
    assert "limit 1, overrides: seed=5 tracking.mode=offline" in outcome.err
    assert re.search(r"INFO vreason\.models\.loading: model \S+ loaded in \d+\.\d s: revision sha256:\w+, float32 on cpu", outcome.err)
    assert re.search(r"INFO vreason_tracking\.running\.stage: run \S+ \(v-reason\) ended: FINISHED, \d+ points recorded", outcome.err)
    assert "INFO vreason" not in outcome.out


def test_twice_shows_the_details(program, config):
    """-vv: also each clip, each sample, and each fragment of the journal."""
    outcome = program("-vv", "run", "--config", config(), "--limit", 1, "--offline")
    assert {"DEBUG", "INFO"} == levels_of(outcome.err)
    assert re.search(r"DEBUG vreason\.video\.decoder_process: \S+\.mp4: decord decoded 8 frame\(s\) in \d", outcome.err)
    assert "DEBUG vreason.evaluation.evaluator: sample demo-test-000-direction finished: score " in outcome.err
    assert re.search(r"DEBUG vreason_tracking\.journal\.writer: \S+\.journal closed: \d+ record\(s\)", outcome.err)


def test_the_decoding_loop_says_nothing(program, config):
    """Twice as many tokens, as many lines of the method: none is logged per token."""
    lines = []
    for tokens in (10, 20):
        generation = {"max_new_tokens": tokens, "min_new_tokens": tokens}
        outcome = program("-vv", "run", "--config", config(generation=generation), "--limit", 1, "--offline")
        lines.append(len(re.findall(r"(DEBUG|INFO) vreason\.(generation|method|evaluation)", outcome.err)))
    assert [1, 1] == lines


def test_by_the_environment(program, config, monkeypatch):
    """VREASON_VERBOSE=1 is -v."""
    monkeypatch.setenv("VREASON_VERBOSE", "1")
    assert "INFO vreason_tracking.settings.loading" in program("run", "--config", config(), "--dry-run").err


def test_the_next_command_is_silent_again(program, config):
    """What one command showed does not go on in the same process."""
    path = config()
    assert "INFO" in program("-v", "run", "--config", path, "--dry-run").err
    assert "" == program("run", "--config", path, "--dry-run").err


@pytest.mark.slow
def test_the_log_file_has_both_processes(program, config, tmp_path):
    """--log-file: lines of the run and of the process that delivers, at debug level; nothing on the error stream."""
    outcome = program("--log-file", tmp_path / "run.log", "run", "--config", config(), "--limit", 1)
    assert (0, set()) == (outcome.code, levels_of(outcome.err))
    text = (tmp_path / "run.log").read_text()
    found = re.findall(r"^\S+ (\w+) (\d+) ([\w.]+): (.*)$", text, re.MULTILINE)
    assert len(text.splitlines()) == len(found)
    by_logger = {logger: (process, level) for level, process, logger, _ in found}
    (run, _), (worker, level) = by_logger["vreason.evaluation.evaluator"], by_logger["vreason_tracking.delivery.run_delivery"]
    assert run != worker
    assert by_logger["vreason_tracking.stores.mlflow_store"] == (worker, "INFO")
    assert level == "INFO"
    messages = [message for _, _, _, message in found]
    assert any(re.fullmatch(r"run \S+: sample demo-test-000-direction sent, \d+ points", message) for message in messages)
    assert any(re.fullmatch(r"run \S+ delivered to its end: FINISHED, 1 sample\(s\)", message) for message in messages)


@pytest.mark.slow
@pytest.mark.parametrize("address", ["http://me:s3cret@127.0.0.1:1", "postgresql+psycopg://me:s3cret@127.0.0.1:1/db"])
def test_no_password_in_the_log(program, config, tmp_path, address):
    """Both processes tell of a store that is unavailable, its address given on the command line: the password is three stars everywhere."""
    outcome = program("-vv", "--log-file", "run.log", "run", "--config", config(), "--limit", 1, "--set", f"tracking.uri={address}")
    assert 0 == outcome.code
    text = (tmp_path / "run.log").read_text()
    assert "WARNING" in text
    assert "the store is unavailable" in text
    assert "me:***@127.0.0.1:1" in text
    assert "s3cret" not in text + outcome.err + outcome.out


def test_an_error_is_kept_with_its_traceback(program, tmp_path):
    """Short on the error stream, whole in the file."""
    outcome = program("--log-file", tmp_path / "run.log", "run", "--config", tmp_path / "none.yaml")
    assert (2, False) == (outcome.code, "Traceback" in outcome.err)
    text = (tmp_path / "run.log").read_text()
    assert "DEBUG" in text
    assert "ended by ConfigError\nTraceback (most recent call last):" in text


@pytest.mark.parametrize(("place", "reason"), [("nowhere/run.log", "No such file or directory"), (".", "is a directory")])
def test_a_file_that_cannot_be_written(program, config, tmp_path, place, reason):
    """Exit code 2 before anything is done, with the file, why, and the option."""
    outcome = program("--log-file", tmp_path / place, "run", "--config", config(), "--dry-run")
    assert (2, "") == (outcome.code, outcome.out)
    assert [] == [part for part in (str(tmp_path / place), reason, "--log-file") if part not in outcome.err]


def test_options_stand_before_the_command(program, config):
    """After it they are unknown: `-v` of a command would be another option."""
    outcome = program("run", "-v", "--config", config(), "--dry-run")
    assert 2 == outcome.code
    assert "No such option" in outcome.err


def test_a_version_needs_no_log(program, tmp_path, monkeypatch):
    """--version and --help write no file."""
    monkeypatch.chdir(tmp_path)
    assert (0, 0) == (program("--log-file", "run.log", "--version").code, program("--log-file", "run.log", "--help").code)
    assert not (tmp_path / "run.log").exists()
