"""The world's rules: where shapes are, when they meet, and that the pixels show it."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from vreason.demo.seeds import SPLITS, rng_for
from vreason.demo.world import COLOURS, DIRECTIONS, FORMS, FPS, FRAMES, SHOWN, SIDE, DemoClip, Shape, render, sample_clip

EVERY_FRAME = np.arange(FRAMES)
TENTH = SIDE / 10  # pixels


@pytest.fixture(scope="module")
def clips() -> list[DemoClip]:
    """600 clips."""
    rng = np.random.default_rng(3)
    return [sample_clip(rng) for _ in range(600)]


def gap(a: Shape, b: Shape, frames: object) -> float:
    """Smallest distance of two centres, tenths of the frame."""
    chosen = np.array(frames)
    return float(np.nanmin(np.hypot(*(a.places(chosen) - b.places(chosen)).T)))


def test_shapes_obey_the_rules(clips: list[DemoClip]) -> None:
    """One to four shapes, a colour each, places from 1 to 9, a straight way of 2 to 8 tenths, in by a temporal patch's first frame."""
    assert {1, 2, 3, 4} == {len(clip.shapes) for clip in clips}
    for clip in clips:
        assert len(clip.shapes) == len({shape.colour for shape in clip.shapes})
        for shape in clip.shapes:
            assert shape.colour in COLOURS
            assert shape.form in FORMS
            assert all(1 <= value <= 9 for value in (*shape.start, *shape.end))
            moved = np.abs(np.subtract(shape.end, shape.start))
            assert 0 == moved.min()
            assert 2 <= moved.max() <= 8
            assert shape.entry in SHOWN[::2]


def test_no_meeting_is_doubtful(clips: list[DemoClip]) -> None:
    """Every pair comes within 0.8 in a shown frame, or never within 2.6 in one; and what stays apart never touches between them."""
    pairs = [pair for clip in clips for pair in combinations(clip.shapes, 2)]
    shown = [gap(*pair, SHOWN) for pair in pairs]
    assert [] == [value for value in shown if 0.8 < value < 2.6]
    assert [] == [pair for pair, value in zip(pairs, shown, strict=True) if value >= 2.6 and gap(*pair, EVERY_FRAME) < 1.8]
    for clip in clips:
        assert all((gap(a, b, SHOWN) <= 0.8) == clip.meet(a, b) == clip.meet(b, a) for a, b in combinations(clip.shapes, 2))
        assert all(gap(a, b, SHOWN) == pytest.approx(clip.closest(a, b)) for a, b in combinations(clip.shapes, 2))


def test_half_of_the_clips_hold_one_meeting(clips: list[DemoClip]) -> None:
    """Of the clips with company about half hold exactly one pair that meets, and none holds two."""
    counts = [sum(clip.meet(*pair) for pair in combinations(clip.shapes, 2)) for clip in clips if len(clip.shapes) > 1]
    assert {0, 1} == set(counts)
    assert 0.4 < sum(counts) / len(counts) < 0.65


def test_three_shapes_one_after_another(clips: list[DemoClip]) -> None:
    """Entries differ in three-shape clips only, then all three; a fair part of the clips is of that kind; `by_entry` sorts them."""
    ordered = [clip for clip in clips if len({shape.entry for shape in clip.shapes}) > 1]
    assert 0.1 < len(ordered) / len(clips) < 0.5
    for clip in ordered:
        assert 3 == len(clip.shapes) == len({shape.entry for shape in clip.shapes})
        assert [0, 8, 16] == [shape.entry for shape in clip.by_entry]
    together = next(clip for clip in clips if len(clip.shapes) == 4)
    assert together.shapes == together.by_entry


@pytest.mark.parametrize(("way", "unit"), DIRECTIONS.items())
@pytest.mark.parametrize("entry", [0, 8, 16])
def test_places_follow_the_way(way: str, unit: tuple[int, int], entry: int) -> None:
    """Absent before its entry, at the start then, at constant speed, at the end in the last frame; x to the right, y down."""
    shape = Shape("red", "circle", (5, 5), (5 + 4 * unit[0], 5 + 4 * unit[1]), entry)
    places = shape.places(EVERY_FRAME)
    assert way == shape.direction
    assert 4 == shape.distance
    assert np.isnan(places[:entry]).all()
    assert (5.0, 5.0) == tuple(places[entry])
    assert shape.end == pytest.approx(tuple(places[-1]))
    steps = np.diff(places[entry:], axis=0)
    assert np.allclose(np.multiply(unit, 4 / (FRAMES - 1 - entry)), steps)


@pytest.mark.parametrize("form", FORMS)
def test_a_shape_is_where_it_is_said_to_be(form: str) -> None:
    """Its pixels' middle lies at its place, in its colour, about 1.8 tenths across; all else is the same floor."""
    shape = Shape("yellow", form, (2, 7), (8, 7), 8)
    pixels = render(DemoClip((shape,)), tuple(range(FRAMES)))
    assert (FRAMES, SIDE, SIDE, 3) == pixels.shape
    assert np.uint8 == pixels.dtype
    floor = pixels[0]
    assert (pixels[:8] == floor).all()
    for frame in range(8, FRAMES):
        own = (pixels[frame] == COLOURS["yellow"]).all(axis=-1)
        assert (pixels[frame][~own] == floor[~own]).all()
        rows, columns = np.nonzero(own)
        x, y = shape.places(np.array([frame]))[0] * TENTH
        assert own[int(y), int(x)]
        assert abs((columns.min() + columns.max() + 1) / 2 - x) <= 1
        assert abs((rows.min() + rows.max() + 1) / 2 - y) <= 1.5
        for across in (np.ptp(columns) + 1, np.ptp(rows) + 1):
            assert 1.4 * TENTH - 1 <= across <= 2.0 * TENTH + 1


def test_forms_differ() -> None:
    """At one place each form covers other pixels, and many of them."""
    masks = [(render(DemoClip((Shape("red", form, (4, 4), (6, 4), 0),)), (0,))[0] == COLOURS["red"]).all(axis=-1) for form in FORMS]
    for a, b in combinations(masks, 2):
        assert 20 < (a ^ b).sum()


def test_a_later_shape_hides_an_earlier_one() -> None:
    """`shapes` are in their order of drawing."""
    first, second = Shape("red", "square", (4, 4), (6, 4), 0), Shape("blue", "square", (4, 4), (4, 6), 0)
    middle = int(4 * TENTH)
    assert COLOURS["blue"] == tuple(render(DemoClip((first, second)), (0,))[0, middle, middle])
    assert COLOURS["red"] == tuple(render(DemoClip((second, first)), (0,))[0, middle, middle])


def test_colours_stand_out_from_the_floor() -> None:
    """No colour is nearer than 60 grey levels to the background in every channel at once, nor to another colour."""
    floor = render(DemoClip(()), (0,))[0].reshape(-1, 3).astype(int)
    for name, colour in COLOURS.items():
        assert 60 <= np.abs(floor - colour).max(axis=1).min(), name
        assert all(60 <= np.abs(np.subtract(colour, other)).max() for key, other in COLOURS.items() if key != name)


def test_the_floor_tells_the_place() -> None:
    """Redder to the right, greener downwards, at every step."""
    floor = render(DemoClip(()), (0,))[0].astype(int)
    assert (np.diff(floor[..., 0], axis=1) >= 0).all()
    assert (np.diff(floor[..., 1], axis=0) >= 0).all()
    assert floor[0, -1, 0] > floor[0, 0, 0] + 50
    assert floor[-1, 0, 1] > floor[0, 0, 1] + 50


def test_eight_frames_are_shown() -> None:
    """The shown frames are what an even spread of eight over the clip takes, first and last included; 2.9 s at 10 a second."""
    assert tuple(np.linspace(0, FRAMES - 1, 8).astype(int)) == SHOWN
    assert 2.9 == FRAMES / FPS


def test_seeds() -> None:
    """The same names give the same draws; another split, seed or number gives others."""
    names = [(split, seed, number) for split in SPLITS for seed in (0, 1) for number in range(20)]
    drawn = {name: tuple(rng_for(*name).integers(0, 2**60, 2)) for name in names}
    assert len(drawn) == len(set(drawn.values()))
    assert drawn["test", 0, 7] == tuple(rng_for("test", 0, 7).integers(0, 2**60, 2))
    assert sample_clip(rng_for("test", 0, 7)) == sample_clip(rng_for("test", 0, 7))
