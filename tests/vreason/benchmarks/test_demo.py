"""The embedded benchmark: enough questions, all kinds, fixed, on files that show what the world says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from vreason.benchmarks import DemoBenchmark, Sample
from vreason.benchmarks.demo import CLIPS
from vreason.demo.batches import draw
from vreason.demo.questions import KINDS
from vreason.demo.seeds import rng_for
from vreason.demo.world import COLOURS, SHOWN, DemoClip, Shape, render
from vreason.errors import DataError
from vreason.prompts import LETTERS

SPLITS = ("test", "validation")
QUESTION_KINDS = {"direction", "order", "counting", "distance", "position"}


@pytest.fixture(scope="module")
def splits(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Sequence[Sample], dict[str, DemoClip]]]:
    """Both splits: their samples, and the clip behind each file; pixels are written in `test_clips.py`, not here."""
    found = {}
    folder = tmp_path_factory.mktemp("cache")
    for split in SPLITS:
        clips: dict[str, DemoClip] = {}

        def keep(clip: DemoClip, path: Path, clips: dict[str, DemoClip] = clips) -> Path:
            clips[str(path)] = clip
            return path

        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("VREASON_CACHE", str(folder))
            patch.setattr("vreason.benchmarks.demo.write_clip", keep)
            found[split] = (DemoBenchmark(split).samples(), clips)
    return found


def counts(sample: Sample, clip: DemoClip) -> list[Shape]:
    """The shapes that a question names, in its order."""
    return sorted((shape for shape in clip.shapes if shape.name in sample.question), key=lambda shape: sample.question.index(shape.name))


@pytest.mark.parametrize("split", SPLITS)
def test_size_and_kinds(splits: dict[str, tuple[Sequence[Sample], dict[str, DemoClip]]], split: str) -> None:
    """At least 400 questions on at least 100 clips, four problem types, five kinds, evenly where every clip allows them; unique ids."""
    samples, clips = splits[split]
    assert len(samples) >= 400
    assert CLIPS == len(clips) == len({sample.video for sample in samples})
    assert CLIPS >= 100
    assert {"multiple choice", "numerical", "regression", "free-form"} == {sample.problem_type for sample in samples}
    assert len(samples) == len({sample.sample_id for sample in samples})
    assert {"demo"} == {sample.benchmark for sample in samples}
    counts = Counter(sample.category for sample in samples)
    assert QUESTION_KINDS == set(counts)
    always = [counts[kind] for kind in ("direction", "counting", "distance", "position")]
    assert 2 >= max(always) - min(always)
    assert max(always) >= counts["order"] >= 20


def right_answer(sample: Sample, clip: DemoClip) -> str:
    """The answer in words, from nothing but where the shapes are at the shown frames."""
    ways = {shape.name: shape.places(np.array(SHOWN)) for shape in clip.shapes}
    named = [ways[shape.name] for shape in counts(sample, clip)]
    if sample.category == "counting":
        return str(len(ways))
    if sample.category == "order":
        first = {name.split()[0]: int(np.flatnonzero(~np.isnan(way[:, 0]))[0]) for name, way in ways.items()}
        assert 3 == len(set(first.values()))
        rank = next(rank for rank, word in enumerate(("first", "second", "last")) if word in sample.question)
        return sorted(first, key=first.__getitem__)[rank]
    way = named[0][~np.isnan(named[0][:, 0])]
    moved = way[-1] - way[0]
    if sample.category == "distance":
        return str(round(float(np.abs(moved).sum())))
    if sample.category == "direction":
        words = ("left", "right") if abs(moved[0]) > abs(moved[1]) else ("up", "down")
        return words[int(moved.sum() > 0)]
    x, y = way[-1]
    return f"{('top', 'middle', 'bottom')[int(y > 3.5) + int(y > 6.5)]} {('left', 'center', 'right')[int(x > 3.5) + int(x > 6.5)]}"


@pytest.mark.parametrize("split", SPLITS)
def test_answers_follow_from_the_clip(splits: dict[str, tuple[Sequence[Sample], dict[str, DemoClip]]], split: str) -> None:
    """Every answer, worked out anew from the shapes' places, is the one expected; options differ from each other."""
    samples, clips = splits[split]
    for sample in samples:
        expected = right_answer(sample, clips[sample.video])
        given = sample.options[LETTERS.index(sample.answer)] if sample.options else sample.answer
        assert expected == given, (sample, clips[sample.video])
        assert len(sample.options) == len(set(sample.options))


@pytest.mark.parametrize("split", SPLITS)
def test_what_is_asked_can_be_seen(splits: dict[str, tuple[Sequence[Sample], dict[str, DemoClip]]], split: str) -> None:
    """A shape that a question names shows a quarter of itself in two shown frames or more; one asked for its last place, in the last."""
    samples, clips = splits[split]
    unseen = []
    for sample in samples:
        clip = clips[sample.video]
        for shape in counts(sample, clip):
            seen = [(render(one) == COLOURS[shape.colour]).all(axis=-1).sum(axis=(1, 2)) for one in (clip, DemoClip((shape,)))]
            visible = (seen[1] > 0) & (seen[0] >= seen[1] / 4)
            if visible.sum() < 2 or (sample.category == "position" and not visible[-1]):
                unseen.append((sample.sample_id, shape.name))
    assert [] == unseen


def test_letters_are_evenly_spread(splits: dict[str, tuple[Sequence[Sample], dict[str, DemoClip]]]) -> None:
    """Over both splits no letter is right too often: within four standard deviations of its share, for each number of options."""
    samples = [sample for split in SPLITS for sample in splits[split][0] if sample.options]
    for size in (3, 4):
        counts = Counter(sample.answer for sample in samples if len(sample.options) == size)
        total, share = sum(counts.values()), 1 / size
        assert total > 50
        for letter in LETTERS[:size]:
            assert abs(counts[letter] - total * share) < 4 * (total * share * (1 - share)) ** 0.5, counts


def test_no_answer_gives_itself_away(splits: dict[str, tuple[Sequence[Sample], dict[str, DemoClip]]]) -> None:
    """No kind has an answer that is right half of the time, whatever the clip."""
    for kind in QUESTION_KINDS:
        given = [(sample, clips) for samples, clips in splits.values() for sample in samples if sample.category == kind]
        answers = Counter(right_answer(sample, clips[sample.video]) for sample, clips in given)
        assert max(answers.values()) < 0.45 * sum(answers.values()), kind


def training_clips(batches: int) -> set[frozenset[Shape]]:
    """Clips of the first training batches, as the seeds give them."""
    found: set[frozenset[Shape]] = set()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("vreason.demo.batches.render", lambda clip: found.add(frozenset(clip.shapes)))
        for number in range(batches):
            rng = rng_for("train", 0, number, 0, 0)
            for kind in (None, *KINDS):
                draw(rng, kind)
    return found


def test_splits_share_no_world(splits: dict[str, tuple[Sequence[Sample], dict[str, DemoClip]]]) -> None:
    """No clip of two or more shapes is in two of training (3,500 drawn), validation and test.

    Clips of one shape are few (15,120) and do recur; no question about them is left out for it.
    """
    worlds = [{frozenset(clip.shapes) for clip in splits[split][1].values()} for split in SPLITS]
    worlds.append(training_clips(500))
    assert [CLIPS, CLIPS] == [len(world) for world in worlds[:2]]
    test, validation, train = ({world for world in split if len(world) > 1} for split in worlds)
    assert len(train) > 2500
    assert set() == (test & validation) | (test & train) | (validation & train)


def test_the_limit_bounds_questions_and_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a limit: the first questions of the whole list, and only their clips on disk."""
    monkeypatch.setenv("VREASON_CACHE", str(tmp_path))
    five, six = DemoBenchmark(limit=5).samples(), DemoBenchmark(limit=6).samples()
    assert [5, 6] == [len(five), len(six)]
    assert list(five) == list(six[:5])
    assert {Path(sample.video) for sample in six} == {path for path in tmp_path.rglob("*") if path.is_file()}
    assert [] == list(DemoBenchmark(limit=0).samples())


def test_only_the_benchmark_s_splits() -> None:
    """The worlds of training are no benchmark: another split is refused by name."""
    with pytest.raises(DataError, match="'train'"):
        DemoBenchmark("train")
