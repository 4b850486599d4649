"""vreason_tracking.settings.rules: what fields mean together."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from vreason.errors import ConfigError
from vreason.plugins import BENCHMARKS, LISTENERS
from vreason_tracking.settings import parse_settings
from vreason_tracking.settings.rules import combination_issues, prompt_text
from vreason_tracking.settings.yaml_files import read_value

UNSAMPLED = "has no effect without sampling; add do_sample: true or leave it out"
UNSPLIT = "only benchmarks have splits; leave it out, a file is asked as it is"
PROFILES = "robust, video-r1, nor a function written module:function"
INSTALL = "install it, or start from the folder that holds it"
ONE = "name: x\nvariants: [{name: a}]\n"


def faults(lines):
    """The faults of a configuration with these lines, by path."""
    with pytest.raises(ConfigError) as caught:
        parse_settings(ONE + lines)
    return {fault.path: fault.message for fault in caught.value.issues}


def test_fps_takes_the_place_of_nframes():
    """With fps given, the default number of frames steps back."""
    video = parse_settings(ONE + "video: {fps: 2}").video
    assert (None, 2.0) == (video.nframes, video.fps)


def test_split_belongs_to_a_benchmark(site_packages):
    """The demo is asked in its test split by default; a file has none; what an installed benchmark makes of one is its own matter."""
    assert "test" == parse_settings(ONE).data.split
    assert "validation" == parse_settings(ONE + "data: {split: validation}").data.split
    assert parse_settings(ONE + "data: {source: a.jsonl, video_root: v}").data.split is None
    site_packages.install("vreason-toy", {BENCHMARKS: {"toy": "toy_bench:Toy"}}, toy_bench="raise RuntimeError")
    assert "tets" == parse_settings(ONE + "data: {source: toy, split: tets, video_root: v}").data.split
    assert parse_settings(ONE + "data: {source: toy}").data.split is None


def test_a_benchmark_of_two_packages_is_one_fault_of_the_file(site_packages):
    """It is reported with the others, with a split and without one."""
    for name in ("one", "two"):
        site_packages.install(name, {BENCHMARKS: {"toy": f"{name}:Toy"}})
    for split in ("", ", split: test"):
        assert {
            "seed": "-1 is not a whole number of at least 0 and at most 4294967295",
            "data.source": "plug-in 'toy' (vreason.benchmarks) is offered by one 1.0 and two 1.0; remove all but one of these packages",
        } == faults(f"seed: -1\ndata: {{source: toy{split}}}")


def test_listeners_may_be_installed_or_the_user_s_own(site_packages):
    """By the name of an entry point, and as module:Class of the current folder; neither is imported by reading a configuration."""
    site_packages.install("vreason-chat", {LISTENERS: {"chat": "chat_pkg:Chat"}}, chat_pkg="raise RuntimeError")
    site_packages.work_in(my_listeners="raise RuntimeError")
    run = parse_settings(ONE + "listeners: [chat, my_listeners:Mine]")
    assert ("chat", "my_listeners:Mine") == run.listeners
    assert not {"chat_pkg", "my_listeners"} & set(sys.modules)
    offered = "is no listener of an installed package (there are chat); or write module:Class"
    assert {"listeners.1": f"'chats' {offered}", "listeners.2": f"'json' {offered}"} == faults("listeners: [chat, chats, json]")


def test_a_function_that_scores_is_not_imported_by_reading_a_configuration(site_packages):
    """That its module is there is enough; what it holds is found before a model is loaded."""
    site_packages.work_in(my_scoring="raise RuntimeError")
    assert "my_scoring:exact" == parse_settings(ONE + "data: {scoring: my_scoring:exact}").data.scoring
    assert "my_scoring" not in sys.modules


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
        ("data: {source: a.json, split: test}", "data.split", f"'test': {UNSPLIT}"),
        (
            "data: {source: mine, split: test}",
            "data.split",
            f"'test': {UNSPLIT}, or install the package that offers the benchmark 'mine'",
        ),
        ("data: {split: tets}", "data.split", "'tets' is not one of test, validation; did you mean test?"),
        ("data: {scoring: robus}", "data.scoring", f"'robus' is not one of {PROFILES}; did you mean robust?"),
        ("data: {scoring: exact}", "data.scoring", f"'exact' is not one of {PROFILES}"),
        ("data: {scoring: 'robust:'}", "data.scoring", f"'robust:' is not one of {PROFILES}"),
        ("data: {scoring: 'absent_module:score'}", "data.scoring", f"there is no module 'absent_module'; {INSTALL}"),
        ("listeners: [json:JSONDecoder, absent_module:Hears]", "listeners.1", f"there is no module 'absent_module'; {INSTALL}"),
        (
            "listeners: [slack]",
            "listeners.0",
            "'slack' is no listener of an installed package (none is installed); or write module:Class",
        ),
        ("data: {video_root: v}", "data.video_root", "'v': the demo makes its own clips; leave it out or give data.source"),
        (
            "prompt: {file: no/such.txt}",
            "prompt.file",
            f"'no/such.txt': no such file ({Path('no/such.txt').absolute()}); give a text file's path, from the config's folder",
        ),
    ],
)
def test_combination_is_refused(line, path, expected):
    """A combination that cannot be meant is a fault of its own, with the way out."""
    assert {path: expected} == faults(line)


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
    assert [] == combination_issues(read_value("{data: {source: 3, split: [], scoring: 3}, listeners: [3, null, []]}"))
    assert [] == combination_issues(read_value("{data: {source: [], split: test, scoring: [robust]}, listeners: json}"))


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
