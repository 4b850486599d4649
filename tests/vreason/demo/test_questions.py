"""Questions of the demo world: right by the clip, worded several ways, reasoned to the answer that they expect."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from itertools import combinations

import numpy as np
import pytest

from vreason.demo.questions import KINDS, PLACES, DemoQuestion, describe, lookup, place_name, recital
from vreason.demo.world import COLOURS, DIRECTIONS, SHOWN, DemoClip, Shape, sample_clip
from vreason.prompts import LETTERS, PROBLEM_TYPES
from vreason.scoring.scorers import score

Asked = list[tuple[DemoClip, DemoQuestion]]


def asked(make: Callable[[np.random.Generator, DemoClip], DemoQuestion | None], count: int = 400) -> Asked:
    """Questions of one kind about `count` clips, where the clip allows it."""
    rng = np.random.default_rng(11)
    drawn = [(clip := sample_clip(rng), make(rng, clip)) for _ in range(count)]
    return [(clip, question) for clip, question in drawn if question is not None]


@pytest.fixture(scope="module")
def by_kind() -> dict[str, Asked]:
    """Every kind's questions."""
    return {kind: asked(make) for kind, make in KINDS.items()}


def said(question: DemoQuestion) -> str:
    """The expected answer in words."""
    return question.options[LETTERS.index(question.answer)] if question.options else question.answer


def named(clip: DemoClip, text: str) -> list[Shape]:
    """Shapes that a text names, in its order."""
    return sorted((shape for shape in clip.shapes if shape.name in text), key=lambda shape: text.index(shape.name))


def test_direction(by_kind: dict[str, Asked]) -> None:
    """The named shape's way from its first to its last place; all four directions are on offer."""
    for clip, question in by_kind["direction"]:
        (shape,) = named(clip, question.text)
        way = shape.places(np.array([shape.entry, 28]))
        x, y = way[1] - way[0]
        expected = ("right" if x > 0 else "left") if y == 0 else ("down" if y > 0 else "up")
        assert expected == said(question)
        assert set(DIRECTIONS) == set(question.options)


def test_order(by_kind: dict[str, Asked]) -> None:
    """The colour by the first shown frame in which its shape is there; asked exactly where three shapes come one after another."""
    for clip, question in by_kind["order"]:
        ways = {shape.colour: shape.places(np.array(SHOWN))[:, 0] for shape in clip.shapes}
        first = {colour: SHOWN[int(np.flatnonzero(~np.isnan(way))[0])] for colour, way in ways.items()}
        colours = sorted(first, key=first.__getitem__)
        assert [0, 8, 16] == [first[colour] for colour in colours]
        rank = re.search(r"first|second|last", question.text)
        assert rank is not None
        assert colours[("first", "second", "last").index(rank[0])] == said(question)
        assert set(colours) == set(question.options)
    rng = np.random.default_rng(0)
    together = DemoClip(tuple(Shape(colour, "circle", (1, row), (5, row), 0) for colour, row in zip(COLOURS, (1, 5, 9), strict=False)))
    assert KINDS["order"](rng, together) is None


def test_meeting(by_kind: dict[str, Asked]) -> None:
    """Yes where the two centres come within a radius of each other in a shown frame, no where they keep three; never in between."""
    for clip, question in by_kind["meeting"]:
        a, b = named(clip, question.text)
        gap = np.nanmin(np.hypot(*(a.places(np.array(SHOWN)) - b.places(np.array(SHOWN))).T))
        assert gap < 0.9 or gap > 2.5
        assert {True: "yes", False: "no"}[bool(gap < 0.9)] == said(question)
        assert {"yes", "no"} == set(question.options)
    assert KINDS["meeting"](np.random.default_rng(0), DemoClip((Shape("red", "circle", (1, 1), (5, 1), 0),))) is None


def test_meetings_are_asked_evenly() -> None:
    """Where both kinds of pairs exist, each is asked about in 40 to 60 % of the draws."""
    rng = np.random.default_rng(1)
    both = next(
        clip
        for clip in iter(lambda: sample_clip(rng), None)
        if {True, False} == {clip.meet(*pair) for pair in combinations(clip.shapes, 2)}
    )
    drawn = [KINDS["meeting"](rng, both) for _ in range(400)]
    yes = sum(said(question) == "yes" for question in drawn if question is not None)
    assert 160 < yes < 240


def test_counting(by_kind: dict[str, Asked]) -> None:
    """The number of shapes, which the reasoning names one by one."""
    for clip, question in by_kind["counting"]:
        assert str(len(clip.shapes)) == question.answer
        assert set(clip.shapes) == set(named(clip, question.reasoning))
    assert {"1", "2", "3", "4"} == {question.answer for _, question in by_kind["counting"]}


def test_distance(by_kind: dict[str, Asked]) -> None:
    """The length of the named shape's way, in tenths."""
    for clip, question in by_kind["distance"]:
        (shape,) = named(clip, question.text)
        way = shape.places(np.array([shape.entry, 28]))
        assert question.answer == str(round(np.abs(way[1] - way[0]).sum()))
    assert {str(value) for value in range(2, 9)} == {question.answer for _, question in by_kind["distance"]}


def test_position(by_kind: dict[str, Asked]) -> None:
    """The third of the frame, row and column, in which the named shape ends."""
    for clip, question in by_kind["position"]:
        (shape,) = named(clip, question.text)
        x, y = shape.places(np.array([28]))[0]
        row = "top" if y < 3.5 else "middle" if y < 6.5 else "bottom"
        column = "left" if x < 3.5 else "center" if x < 6.5 else "right"
        assert f"{row} {column}" == question.answer
    assert set(PLACES) == {question.answer for _, question in by_kind["position"]}


def test_place_names() -> None:
    """Nine places of nine tenths each; (8, 2) is top right."""
    assert "top right" == place_name((8, 2))
    counts = Counter(place_name((x, y)) for x in range(1, 10) for y in range(1, 10))
    assert dict.fromkeys(PLACES, 9) == dict(counts)


@pytest.mark.parametrize("kind", KINDS)
def test_every_question_is_whole(by_kind: dict[str, Asked], kind: str) -> None:
    """A known problem type, a full score for its own answer, a target in its tags, a reasoning that ends with what is answered."""
    for _, question in by_kind[kind]:
        assert kind == question.kind
        assert question.problem_type in PROBLEM_TYPES
        assert 1.0 == score(question.answer, question.answer, question.problem_type, question.options)
        assert f"<think>{question.reasoning}</think><answer>{question.answer}</answer>" == question.target
        ending = question.reasoning.rstrip(".").split(". ")[-1]
        if question.options:
            assert ending.startswith(said(question))
            assert ending.endswith(question.answer)
        else:
            assert question.answer in ending


@pytest.mark.parametrize("kind", KINDS)
def test_wordings_vary(by_kind: dict[str, Asked], kind: str) -> None:
    """Each kind asks and reasons in more than one wording, also about one and the same clip."""
    clip, _ = by_kind[kind][0]
    rng = np.random.default_rng(2)
    drawn = [question for _ in range(60) if (question := KINDS[kind](rng, clip)) is not None]
    blank = {re.sub("|".join(shape.name for shape in clip.shapes) + "|first|second|last", "_", question.text) for question in drawn}
    assert 2 <= len(blank)
    assert 2 <= len({question.reasoning.split()[0] for question in drawn})


@pytest.mark.parametrize(("kind", "size"), [("direction", 4), ("order", 3), ("meeting", 2)])
def test_letters_are_even(kind: str, size: int) -> None:
    """The right option stands under each letter equally often, within four standard deviations, whatever the answer is."""
    questions = [question for _, question in asked(KINDS[kind], 1500)]
    share, total = 1 / size, len(questions)
    assert total > 300
    counts = Counter(question.answer for question in questions)
    slack = 4 * (total * share * (1 - share)) ** 0.5
    assert all(abs(counts[letter] - total * share) < slack for letter in LETTERS[:size]), counts
    if kind != "order":
        for word in set(map(said, questions)):
            own = [question.answer for question in questions if said(question) == word]
            assert max(Counter(own).values()) / len(own) < share + 4 * (share * (1 - share) / len(own)) ** 0.5


def test_descriptions_tell_every_way() -> None:
    """Each shape with its start, end and direction."""
    for clip, question in asked(describe, 60):
        assert set(clip.shapes) == set(named(clip, question.reasoning))
        for shape in clip.shapes:
            axis = int(shape.start[0] == shape.end[0])
            told = f"{shape.name}. It goes from {'xy'[axis]} {shape.start[axis]} to {'xy'[axis]} {shape.end[axis]},"
            assert told in question.reasoning
            assert f"It moves {shape.direction}." in question.reasoning.split(shape.name, 1)[1]
        assert str(len(clip.shapes)) == question.answer


def test_look_ups_are_right() -> None:
    """The letter of the option that is asked for; the length or the place of the way that is written."""
    rng = np.random.default_rng(4)
    kinds: Counter[str] = Counter()
    for question in (lookup(rng) for _ in range(600)):
        kinds[question.problem_type] += 1
        if question.options:
            (word,) = [option for option in question.options if re.search(rf"(says|Find) {option}[.?]", question.text)]
            assert word == said(question)
            assert len(question.options) == len(set(question.options))
            continue
        x, y = (int(number) for number in re.findall(r"\d", question.text))
        assert question.answer == (str(abs(x - y)) if "How far" in question.text else place_name((x, y)))
    assert {"multiple choice", "regression", "free-form"} == set(kinds)


def test_recitals_name_every_letter() -> None:
    """The reply goes through all options, each with its own letter, in orders of all kinds; its answer is the letter named last."""
    rng = np.random.default_rng(5)
    orders = set()
    for question in (recital(rng) for _ in range(600)):
        pairs = re.findall(r"(\w+) ([A-D])\.", question.reasoning)
        assert dict(zip(question.options, LETTERS, strict=False)) == dict(pairs)
        assert len(question.options) == len(pairs)
        assert pairs[-1][1] == question.answer
        orders.add(tuple(letter for _, letter in pairs))
    assert 2 + 6 + 24 == len(orders)
