"""vreason_tracking.settings.config_paths: a config's inputs start from the config's folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from vreason_tracking.settings import load_settings

VARIANTS = "name: a\nvariants: [{name: v-reason, preset: v-reason}]\n"


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Writes a config in a folder below the current one; its path from there."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "trials").mkdir()
    (tmp_path / "trials" / "prompt.txt").write_text("{Question}")

    def write(text: str) -> Path:
        (tmp_path / "trials" / "a.yaml").write_text(VARIANTS + text)
        return Path("trials/a.yaml")

    return write


def test_from_another_folder(config, tmp_path) -> None:
    """Data, videos, prompt and a model's folder, whether the config is named by a relative or an absolute path."""
    (tmp_path / "trials" / "weights").mkdir()
    path = config("data: {source: data.jsonl, video_root: ../clips}\nprompt: {file: prompt.txt}\nmodel: {id: weights}")
    settings = load_settings(path)
    assert ("trials/data.jsonl", "clips") == (settings.data.source, settings.data.video_root)
    assert ("trials/prompt.txt", "trials/weights") == (settings.prompt.file, settings.model.id)
    assert f"{tmp_path}/trials/data.jsonl" == load_settings(tmp_path / path).data.source
    assert "{Question}" == settings.prompt_template().text


def test_from_its_own_folder(config, tmp_path, monkeypatch) -> None:
    """They stay as they are written."""
    config("data: {source: data.jsonl}")
    monkeypatch.chdir(tmp_path / "trials")
    assert {"data.jsonl"} == {load_settings(path).data.source for path in ("a.yaml", "./a.yaml", tmp_path / "trials" / "a.yaml")}


@pytest.mark.parametrize(
    ("text", "source", "model"),
    [
        ("data: {source: demo}", "demo", "demo"),
        ("data: {source: /data/a.jsonl}\nmodel: {id: /weights/a}", "/data/a.jsonl", "/weights/a"),
        ("data: {source: a.jsonl}\nmodel: {id: Qwen/Qwen2.5-VL-7B-Instruct}", "trials/a.jsonl", "Qwen/Qwen2.5-VL-7B-Instruct"),
        ("data: {source: a.jsonl}\nmodel: {id: ./gone}", "trials/a.jsonl", "trials/gone"),
        ("data: {source: ~/a.jsonl}\nmodel: {id: $HOME/a}", "~/a.jsonl", "$HOME/a"),
    ],
)
def test_what_is_no_relative_path(config, text, source, model) -> None:
    """Names, absolute paths, and what only a shell would replace."""
    settings = load_settings(config(text))
    assert (source, model) == (settings.data.source, settings.model.id)


def test_the_command_lines_own(config) -> None:
    """A path that is typed starts from where it is typed; so does what a run writes."""
    settings = load_settings(config("data: {source: data.jsonl}\ntracking: {journal: records}"), ["data.source=other.jsonl"])
    assert ("other.jsonl", "records") == (settings.data.source, settings.tracking.journal)
