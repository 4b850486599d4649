"""vreason_tracking.settings.rules: what fields mean together."""

from __future__ import annotations

import pytest

from vreason.errors import ConfigError
from vreason_tracking.settings import parse_settings
from vreason_tracking.settings.rules import combination_issues, prompt_text
from vreason_tracking.settings.yaml_files import read_value

UNSAMPLED = "has no effect without sampling; add do_sample: true or leave it out"
ONE = "name: x\nvariants: [{name: a}]\n"


def test_fps_takes_the_place_of_nframes():
    """With fps given, the default number of frames steps back."""
    video = parse_settings(ONE + "video: {fps: 2}").video
    assert (None, 2.0) == (video.nframes, video.fps)


def test_split_belongs_to_the_demo():
    """The demo is asked in its test split by default; a file has none."""
    assert "test" == parse_settings(ONE).data.split
    assert "validation" == parse_settings(ONE + "data: {split: validation}").data.split
    assert parse_settings(ONE + "data: {source: a.jsonl, video_root: v}").data.split is None


@pytest.mark.parametrize(
    ("line", "path", "expected"),
    [
        ("generation: {temperature: 0.1}", "generation.temperature", f"0.1 {UNSAMPLED}"),
        ("generation: {top_p: 0.9}", "generation.top_p", f"0.9 {UNSAMPLED}"),
        ("generation: {do_sample: false, top_k: 5}", "generation.top_k", f"5 {UNSAMPLED}"),
        (
            "generation: {min_new_tokens: 5, max_new_tokens: 4}",
            "generation.min_new_tokens",
            "5 is above max_new_tokens, which is 4; lower the one or raise the other",
        ),
        ("data: {source: a.json, split: test}", "data.split", "'test': only the demo has splits; leave it out, a file is asked as it is"),
        ("data: {video_root: v}", "data.video_root", "'v': the demo makes its own clips; leave it out or give data.source"),
        (
            "prompt: {file: no/such.txt}",
            "prompt.file",
            "'no/such.txt': cannot be read (No such file or directory); give a text file's path, from the current folder",
        ),
    ],
)
def test_combination_is_refused(line, path, expected):
    """A combination that cannot be meant is a fault of its own, with the way out."""
    with pytest.raises(ConfigError) as caught:
        parse_settings(ONE + line)
    assert [f"{path}: {expected}"] == [str(fault) for fault in caught.value.faults]


@pytest.mark.parametrize(
    "line", ["generation: {do_sample: true, temperature: 0.1, top_p: 0.001, top_k: 3}", "video: {nframes: null, fps: 1}"]
)
def test_combination_is_accepted(line):
    """Sampling fields with sampling, and fps with nframes: null, are as they should be."""
    assert "x" == parse_settings(ONE + line).name


def test_values_of_the_wrong_type_take_part_in_no_rule():
    """A wrong type is another check's fault: the rules pass over it."""
    data = "{model: 3, data: {source: [], split: null}, video: {min_frames: x}, prompt: {file: 3}, generation: {do_sample: 1, top_p: 1}}"
    assert [] == combination_issues(read_value(data))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"no placeholder {question}", r"has no \{Question\}; write it where the question belongs"),
        (b"\xe9 {Question}", "byte 0 is not UTF-8"),
    ],
)
def test_prompt_file_that_cannot_be_used(tmp_path, content, expected):
    """A prompt file without the placeholder, or not in UTF-8, is refused by name."""
    file = tmp_path / "prompt.txt"
    file.write_bytes(content)
    with pytest.raises(ConfigError, match=rf"prompt\.file: .*prompt\.txt': {expected}"):
        prompt_text(str(file))
