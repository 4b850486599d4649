"""vreason_tracking.comparison.comparability: only like with like; what is not is named, with the values and the runs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.helpers import compared
from vreason.errors import IncomparableRunsError
from vreason_tracking.comparison.comparability import Mismatch, known_differences, missing_of, unlike
from vreason_tracking.comparison.comparison import compare
from vreason_tracking.records.sample_table import read_samples


def pair(folder, one=None, other=None, samples=None):
    """Two runs of the same questions; fields that are changed."""
    expected_samples = compared.make_samples(6, 3)
    return [
        compared.recorded(folder, "a", expected_samples, **one or {}),
        compared.recorded(folder, "b", samples or expected_samples, **other or {}),
    ]


def found(runs):
    return unlike(runs, [read_samples(run.samples) for run in runs])


def told(runs):
    return [str(each) for each in found(runs)]


def test_alike(tmp_path) -> None:
    """The same questions in the same way: nothing is said."""
    assert [] == found(pair(tmp_path))


@pytest.mark.parametrize(
    ("one", "other", "text"),
    [
        ({"tags": {"data.digest": "abc"}}, {"tags": {"data.digest": "def"}}, "data digest: abc (a); def (b)"),
        ({"params": {"prompt.template": "reasoning"}}, {}, "prompt, prompt.template: reasoning (a); short (b)"),
        ({"params": {"prompt.suffixes.OCR": " x"}}, {}, "prompt, prompt.suffixes.OCR:  x (a); not recorded (b)"),
        ({"identity": {"prompt": "f" * 16}}, {}, f"prompt (digest): {'f' * 16} (a); {'1' * 16} (b)"),
        ({"params": {"video.nframes": "16"}}, {}, "frames, video.nframes: 16 (a); 8 (b)"),
        ({"params": {"video.max_pixels": "100352"}}, {"params": {"video.max_pixels": "1"}}, "frames, video.max_pixels: 100352 (a); 1 (b)"),
        ({"identity": {"video": "f" * 16}}, {}, f"frames (digest): {'f' * 16} (a); {'2' * 16} (b)"),
        ({"params": {"generation.max_new_tokens": "1024"}}, {}, "decoding, generation.max_new_tokens: 1024 (a); 96 (b)"),
        ({"params": {"generation.repetition_penalty": "1.05"}}, {}, "decoding, generation.repetition_penalty: 1.05 (a); 1.0 (b)"),
        ({"params": {"batch_size": "4"}}, {}, "decoding, batch_size: 4 (a); 1 (b)"),
        ({"tags": {"scoring": "video-r1"}}, {}, "scoring profile: video-r1 (a); robust (b)"),
        ({"tags": {"device": "cuda:0 (NVIDIA A100)"}}, {}, "device: cuda (NVIDIA A100) (a); cuda (NVIDIA H200) (b)"),
        ({"tags": {"device": "cpu"}}, {"tags": {"device": "cpu", "host": "there"}}, "device: cpu of here (a); cpu of there (b)"),
        ({"tags": {"device": "mps"}}, {"tags": {"device": "mps", "host": "there"}}, "device: mps of here (a); mps of there (b)"),
        ({"status": "KILLED"}, {}, "partial run: KILLED, 6 of 6 samples (a)"),
        ({"status": "FAILED", "expected_samples": 9}, {}, "partial run: FAILED, 6 of 9 samples (a)"),
        ({"status": "RUNNING", "expected_samples": None}, {}, "partial run: RUNNING, 6 of ? samples (a)"),
        (
            {"status": "SILENT"},
            {"status": "KILLED", "expected_samples": 7},
            "partial run: SILENT, 6 of 6 samples (a); KILLED, 6 of 7 samples (b)",
        ),
        ({"expected_samples": 7}, {}, "partial run: FINISHED, 6 of 7 samples (a)"),
    ],
)
def test_what_is_refused(tmp_path, one, other, text) -> None:
    """Each alone is enough; the message has what, the values and the runs, and ends with what to do. Exit code 6."""
    runs = pair(tmp_path, one, other)
    assert [text] == told(runs)
    with pytest.raises(IncomparableRunsError) as refused:
        compare(runs)
    assert f"\n  {text}\n" in str(refused.value)
    assert "--force" in str(refused.value).splitlines()[-1]
    assert 6 == refused.value.exit_code


@pytest.mark.parametrize(
    "change",
    [
        {"sample_id": "q-9999"},
        {"question": "Another?"},
        {"answer": "A"},
        {"options": ("right", "left")},
        {"problem_type": "OCR"},
        {"video": "clips/other.mp4"},
    ],
)
def test_another_question(tmp_path, change) -> None:
    """As many samples, of the same ids even, but one of them asked otherwise: their digests differ."""
    expected_samples = compared.make_samples(6, 3)
    runs = pair(tmp_path, samples=[(replace(expected_samples[0][0], **change), ()), *expected_samples[1:]])
    (text,) = told(runs)
    values = next(each for each in found(runs) if each.what == "sample set").values
    assert text == f"sample set: {values['a']} (a); {values['b']} (b)"
    assert all(value.startswith("6 samples, ") for value in values.values())
    assert values["a"] != values["b"]


def test_fewer_questions(tmp_path) -> None:
    """A finished run that was asked less is whole, and another set."""
    (text,) = told(pair(tmp_path, samples=compared.make_samples(5, 3)[:4]))
    assert text.startswith("sample set: 6 samples, ")
    assert "; 4 samples, " in text


@pytest.mark.parametrize(
    ("one", "other", "told"),
    [
        ("cuda:0 (NVIDIA H200)", "cuda:1 (NVIDIA H200, NVIDIA H200)", None),
        ("cuda (NVIDIA H200, NVIDIA H200)", "cuda:0 (NVIDIA H200)", None),
        ("cuda:0", "cuda:3", None),
        ("cuda:0 (NVIDIA A100, NVIDIA H200)", "cuda:1 (NVIDIA A100, NVIDIA H200)", "cuda:0 (NVIDIA A100, NVIDIA H200) (a)"),
        ("cuda:0", "cuda:0 (NVIDIA H200)", "cuda (a); cuda (NVIDIA H200) (b)"),
    ],
)
def test_kinds_of_gpu(tmp_path, one, other, told) -> None:
    """Which of a machine's GPUs it was does not matter where they are of one kind; of several kinds it does."""
    found_ = [str(each) for each in found(pair(tmp_path, {"tags": {"device": one}}, {"tags": {"device": other}}))]
    assert [] == found_ if told is None else f"device: {told}" in found_[0]


def test_videos_elsewhere(tmp_path) -> None:
    """The same clips in another folder are the same questions."""
    moved = [(replace(sample, video=f"/mnt/data/{sample.video}"), steps) for sample, steps in compared.make_samples(6, 3)]
    assert [] == found(pair(tmp_path, samples=moved))


def test_everything_at_once(tmp_path) -> None:
    """All that differs is listed, a line each, so that nobody fixes one thing after the other."""
    one = {
        "tags": {"data.digest": "x", "scoring": "video-r1", "device": "cpu"},
        "params": {"prompt.template": "reasoning", "video.nframes": "16", "generation.max_new_tokens": "8", "batch_size": "2"},
        "status": "KILLED",
    }
    runs = pair(tmp_path, one, samples=compared.make_samples(5, 3))
    with pytest.raises(IncomparableRunsError) as refused:
        compare(runs)
    heads = [line.strip().split(":")[0] for line in str(refused.value).splitlines()[1:-1]]
    assert [
        *("partial run", "data digest", "sample set", "prompt, prompt.template", "frames, video.nframes"),
        *("decoding, generation.max_new_tokens", "decoding, batch_size", "scoring profile", "device"),
    ] == heads


def test_a_run_among_many(tmp_path) -> None:
    """Each value once, with its runs; more than six of either are not spelt out."""
    expected_samples = compared.make_samples(4, 2)
    runs = [compared.recorded(tmp_path, f"r{number}", expected_samples, params={"seed": str(number)}) for number in range(8)]
    runs.append(compared.recorded(tmp_path, "odd", expected_samples, params={"video.nframes": "9"}))
    assert ["frames, video.nframes: 8 (r0, r1, r2, r3, r4, r5 ...); 9 (odd)"] == told(runs)
    (seeds,) = [each for each in known_differences(runs) if each.what == "seed"]
    assert str(seeds).startswith("seed: 0 (r0, odd); 1 (r1); ")
    assert str(seeds).endswith("; and 2 more")


def test_how_long_one_waits(tmp_path) -> None:
    """The time that reading a clip may take is no part of what is shown: neither refused nor noted."""
    runs = pair(tmp_path, {"params": {"video.timeout": "5"}}, {"params": {"video.timeout": "60"}})
    assert ([], []) == (found(runs), known_differences(runs))


def test_where_a_prompt_lies(tmp_path) -> None:
    """The same text in another file is the same prompt; without a digest nobody knows, and the file's name counts."""
    runs = pair(tmp_path, {"params": {"prompt.file": "/home/ada/p.txt"}}, {"params": {"prompt.file": "p.txt"}})
    assert [] == found(runs)
    older = [replace(run, identity={}) for run in runs]
    assert ["prompt, prompt.file: /home/ada/p.txt (a); p.txt (b)"] == told(older)


def test_text_of_a_prompts_file(tmp_path) -> None:
    """The same name, and another text in it."""
    runs = pair(tmp_path, {"params": {"prompt.file": "p.txt"}, "identity": {"prompt": "f" * 16}}, {"params": {"prompt.file": "p.txt"}})
    assert [f"prompt (digest): {'f' * 16} (a); {'1' * 16} (b)"] == told(runs)


def test_one_that_does_not_say(tmp_path) -> None:
    """A run that did not record something cannot be taken for alike."""
    runs = pair(tmp_path)
    bare = replace(runs[1], tags={}, identity={}, params={})
    whats = [each.what for each in found([runs[0], bare])]
    assert {"data digest", "prompt, prompt.template", "frames, video.nframes", "decoding, batch_size", "scoring profile", "device"} <= {
        *whats
    }
    assert all(each.values["b"].startswith("not recorded") for each in found([runs[0], bare]) if each.what != "sample set")


@pytest.mark.parametrize(
    ("one", "text"),
    [
        ({"params": {"seed": "1"}}, "seed: 1 (a); 0 (b)"),
        ({"params": {"model.id": "other"}}, "model.id: other (a); demo (b)"),
        ({"tags": {"git.commit": "f"}}, "git.commit: f (a); 4c71d97 (b)"),
        ({"tags": {"git.dirty": "true"}}, "git.dirty: true (a); not recorded (b)"),
        ({"tags": {"version.torch": "2.9"}}, "version.torch: 2.9 (a); not recorded (b)"),
        ({"tags": {"dtype": "float16"}}, "dtype: float16 (a); not recorded (b)"),
        ({"tags": {"host": "there"}}, "host: there (a); here (b)"),
    ],
)
def test_what_is_noted(tmp_path, one, text) -> None:
    """What may differ is told and not refused."""
    runs = pair(tmp_path, one)
    assert ([], [text]) == (found(runs), [str(each) for each in known_differences(runs)])
    assert known_differences(runs) == compare(runs).differences


def test_other_weights_of_one_name(tmp_path) -> None:
    """The setting asks for the newest in both runs; the weights that were loaded are others, and that is noted."""
    params = {"model.revision": "null"}
    runs = pair(tmp_path, {"params": params, "tags": {"model.revision": "aaa"}}, {"params": params, "tags": {"model.revision": "bbb"}})
    assert ["weights: aaa (a); bbb (b)"] == [str(each) for each in known_differences(runs)]


def test_the_method_is_what_is_compared(tmp_path) -> None:
    """It is neither refused nor listed among what else differs."""
    runs = compared.trio(tmp_path)
    assert ([], []) == (found(runs), known_differences(runs))


def test_missing(tmp_path) -> None:
    """Asked and not recorded; nothing where nobody says how many were asked."""
    (run, _) = pair(tmp_path)
    table = read_samples(run.samples)
    assert [0, 3, 0, 0] == [missing_of(replace(run, expected_samples=expected_samples), table) for expected_samples in (6, 9, None, 2)]


def test_in_words() -> None:
    """Runs of one value stand together, in the order in which the values are met."""
    assert "x: 1 (a, c); 2 (b)" == str(Mismatch("x", {"a": "1", "b": "2", "c": "1"}))
