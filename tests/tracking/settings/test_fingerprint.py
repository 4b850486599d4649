"""vreason_tracking.settings.fingerprint: what a result depends on, part by part."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers import old_records, trials
from vreason_tracking.settings import load_settings, parse_settings
from vreason_tracking.settings.fingerprint import PARTS, WHOLE, differing_parts, fingerprint_of


def identity(variant=0, revision="sha256:1", dtype="float32", digest="d1", **sections) -> dict[str, str]:
    """The identity of one variant of a trial; `sections` replace whole sections."""
    settings = parse_settings(trials.trial(**({"model": "some/model"} | sections)))
    return fingerprint_of(settings, settings.resolved_variants()[variant], revision, dtype, digest)


def test_its_form() -> None:
    """A digest of 16 hexadecimal digits a part, and one for the whole."""
    made = identity()
    assert {WHOLE, *PARTS} == set(made)
    assert {16} == {len(digest) for digest in made.values()}
    assert [int(digest, 16) for digest in made.values()]


NAMED = [{"name": "v-reason", "preset": "v-reason"}]
RENAMED = [{"name": "something else", "preset": "v-reason"}]
SAME = {
    "the run's name": ({}, {"name": "another"}),
    "the variant's name": ({"variants": NAMED}, {"variants": RENAMED}),
    "where it is recorded": ({}, {"tracking": {"uri": "http://h", "experiment": "e", "journal": "j", "mode": "offline"}}),
    "the device asked for": ({}, {"model": {"id": "some/model", "device": "cuda:1"}}),
    "the model's name, with the same weights": ({}, {"model": {"id": "/mnt/a/copy"}}),
    "how long a video may take": ({}, {"video": {"nframes": 8, "timeout": 1.0}}),
    "where the data lie": ({"data": {"source": "a.jsonl"}}, {"data": {"source": "b/a.jsonl", "video_root": "/videos"}}),
    "the type asked for, with the same one loaded": ({}, {"model": {"id": "some/model", "dtype": "float32"}}),
    "in which order variants answer": ({}, {"schedule": "sequential"}),
    "who is told of it": ({}, {"listeners": ["json:JSONDecoder"]}),
    "a preset, or its fields written out": ({"variants": NAMED}, {"variants": [NAMED[0] | {"controller": {"k": 4}}]}),
}


@pytest.mark.parametrize("what", SAME)
def test_what_does_not_count(what) -> None:
    """Two runs that differ in this alone are one and the same question to one and the same model."""
    one, other = SAME[what]
    assert identity(**one) == identity(**other)


DIFFERENT = {
    "model": [{"revision": "sha256:2"}, {"dtype": "bfloat16"}, {"model": {"id": "some/model", "attention": "eager"}}],
    "method": [{"variant": 1}, {"variants": [{"name": "baseline", "preset": "v-reason"}]}],
    "decoding": [
        {"seed": 1},
        {"batch_size": 2},
        {"generation": {"max_new_tokens": 11, "min_new_tokens": 10}},
        {"generation": {"max_new_tokens": 10, "min_new_tokens": 10, "do_sample": True, "temperature": 0.5}},
        {"generation": {"max_new_tokens": 10, "min_new_tokens": 10, "repetition_penalty": 1.1}},
    ],
    "prompt": [{"prompt": {"template": "reasoning"}}, {"prompt": {"template": "short", "suffixes": {"OCR": "Read."}}}],
    "video": [{"video": {"nframes": 9}}, {"video": {"nframes": 8, "max_pixels": 50_000}}, {"video": {"nframes": None, "fps": 1.0}}],
    "data": [{"digest": "d2"}, {"data": {"scoring": "video-r1"}}, {"data": {"scoring": "json:loads"}}],
}


@pytest.mark.parametrize(("part", "change"), [(part, change) for part, changes in DIFFERENT.items() for change in changes])
def test_what_counts(part, change) -> None:
    """Each change is a change of exactly its part, and of the whole."""
    changed = identity(**change)
    assert [part] == differing_parts(identity(), changed)
    assert identity()[WHOLE] != changed[WHOLE]


METHODS = [
    {"controller": {"k": 5}},
    {"controller": {"objective": "json:loads"}},
    {"controller": {"lr": 0.1}},
    {"pruning": {"ratio": 0.25}},
    {"controller": None},
]


@pytest.mark.parametrize("changes", METHODS)
def test_every_field_of_the_method(changes) -> None:
    """The method is one part, whichever of its fields differs."""
    assert ["method"] == differing_parts(identity(variants=NAMED), identity(variants=[NAMED[0] | changes]))


def test_the_text_of_a_prompt_file(tmp_path) -> None:
    """What counts is what is asked: a file with the same text elsewhere is the same, a changed one is another."""
    one, two = tmp_path / "one.txt", tmp_path / "two.txt"
    for file in (one, two):
        file.write_text("Think. {Question}")
    before = identity(prompt={"file": str(one)})
    assert before == identity(prompt={"file": str(two)})
    one.write_text("Think hard. {Question}")
    assert ["prompt"] == differing_parts(before, identity(prompt={"file": str(one)}))


def test_several_parts_at_once() -> None:
    """All of them are named, in their order."""
    assert ["model", "decoding", "data"] == differing_parts(identity(), identity(revision="r", seed=3, digest="d2"))


FROZEN = {
    "run": "eb66617f09652c1d",
    "model": "ca3335682c11c1bd",
    "method": "b05dfc731f9d7256",
    "decoding": "307e9bd74a00f4a6",
    "prompt": "67e780f7f54041fd",
    "video": "84c64ea79e8b6153",
    "data": "9d098b6718b31bc0",
}


def test_the_same_next_year() -> None:
    """It depends on nothing but what it is made of. A version that changes these digests cannot continue what an earlier one began."""
    assert FROZEN == identity(variants=NAMED)


QUICKSTART = {
    "baseline": {"run": "8ff522ac428f0bce", "method": "af70c864f3ef2677"},
    "v-reason": {"run": "1da59d2efa2f4ce9", "method": "6224a708b90e6e1d"},
    "v-reason-lite": {"run": "66b3c063bca7a0f0", "method": "c9a9c97c458aebda"},
}
SHARED = {
    "model": "71976c9a182e40b0",
    "decoding": "49210994a2929f65",
    "prompt": "67e780f7f54041fd",
    "video": "84c64ea79e8b6153",
    "data": "9d098b6718b31bc0",
}


def test_the_quick_start_is_what_the_first_version_made_of_it() -> None:
    """The digests of configs/quickstart.yaml, as the first version made them of a revision "rev" in float32 and questions "d1"."""
    run = load_settings(Path(__file__).parents[3] / "configs" / "quickstart.yaml")
    made = {variant.name: fingerprint_of(run, variant, "rev", "float32", "d1") for variant in run.variants}
    assert {name: SHARED | own for name, own in QUICKSTART.items()} == made


def test_runs_of_earlier_records_keep_their_identity() -> None:
    """The configuration stored with a run of the first version has the identity that was recorded: such a run can be continued."""
    for manifest in old_records.manifests():
        run, tags = parse_settings(manifest["config"]), manifest["tags"]
        (variant,) = (variant for variant in run.variants if variant.name == manifest["variant"])
        made = fingerprint_of(run, variant, tags["model.revision"], tags["dtype"], tags["data.digest"])
        assert manifest["identity"] == made


@pytest.mark.parametrize("video", [{"fps": 2}, {"nframes": None, "fps": 2.0}])
def test_one_number_has_one_digest(video) -> None:
    """Whole or not, and with the frames' number set to null or left out, two frames a second are the same."""
    assert "f0a6e6d2a99e4d93" == identity(video=video)["video"]
