"""A small world of moving shapes: what is in a clip, where it is at each frame, and its pixels.

Places are counted in tenths of the frame, x to the right and y down, from 1 to 9. Every shape of a clip has a colour
of its own, enters at one moment, and then moves along one axis at a constant speed until the last frame.

A pair of shapes either meets (closer than ``MEET_WITHIN`` in some sampled frame) or stays clearly apart (never closer than
``APART_BEYOND``), so that no question about a meeting depends on a single pixel.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

COLOURS: dict[str, tuple[int, int, int]] = {
    "red": (220, 40, 40),
    "green": (40, 190, 70),
    "blue": (50, 90, 235),
    "yellow": (235, 215, 50),
    "white": (240, 240, 240),
}
FORMS = ("circle", "square", "triangle")
DIRECTIONS: dict[str, tuple[int, int]] = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}

SIDE = 84  # pixels; three 28-pixel tokens of Qwen2.5-VL a side
FRAMES = 29  # every fourth frame is one of the 8 that the model is shown: linspace(0, 28, 8) is exact
FPS = 10
SHOWN = tuple(range(0, FRAMES, 4))
ENTRY_FRAMES = (0, 8, 16)  # the first frame of a temporal patch (2 shown frames), so an entry is never inside one
RADIUS = 0.9  # tenths of the frame
MEET_WITHIN = 0.8
APART_BEYOND = 2.6


def _floor() -> NDArray[np.uint8]:
    """The background, shape (SIDE, SIDE, 3): redder to the right, greener downwards.

    It tells where in the frame a place is. Without it nothing in a patch does: the model's rotary positions are relative, and a small model
    takes thousands of steps longer to read a place off them.
    """
    ramp = np.linspace(8, 84, SIDE)
    floor = np.full((SIDE, SIDE, 3), 40.0)
    floor[..., 0], floor[..., 1] = ramp[None, :], ramp[:, None]
    return floor.astype(np.uint8)


_FLOOR = _floor()


@dataclass(frozen=True)
class Shape:
    """One moving shape: `start` and `end` in tenths of the frame (x, y), `entry` the frame at which it appears."""

    colour: str
    form: str
    start: tuple[int, int]
    end: tuple[int, int]
    entry: int

    @property
    def name(self) -> str:
        """How a question names it, for example "red circle"."""
        return f"{self.colour} {self.form}"

    @property
    def direction(self) -> str:
        """One of `DIRECTIONS`."""
        step = (int(np.sign(self.end[0] - self.start[0])), int(np.sign(self.end[1] - self.start[1])))
        return next(name for name, unit in DIRECTIONS.items() if unit == step)

    @property
    def distance(self) -> int:
        """Length of its way, in tenths of the frame."""
        return abs(self.end[0] - self.start[0]) + abs(self.end[1] - self.start[1])

    def places(self, frames: NDArray[np.int64]) -> NDArray[np.float64]:
        """Centre at each of `frames`, shape (F, 2), tenths of the frame; NaN before it enters."""
        share = (frames - self.entry) / (FRAMES - 1 - self.entry)
        start, end = np.array(self.start, float), np.array(self.end, float)
        way = start + share[:, None] * (end - start)
        return np.where((frames >= self.entry)[:, None], way, np.nan)


@dataclass(frozen=True)
class DemoClip:
    """What happens in one clip. `shapes` are in their order of drawing (a later one hides an earlier one)."""

    shapes: tuple[Shape, ...]

    def closest(self, a: Shape, b: Shape) -> float:
        """Smallest distance of the two centres over the shown frames, tenths of the frame."""
        frames = np.array(SHOWN)
        return float(np.nanmin(np.linalg.norm(a.places(frames) - b.places(frames), axis=1)))

    def meet(self, a: Shape, b: Shape) -> bool:
        """Whether the two meet; the world holds no doubtful case."""
        return self.closest(a, b) <= MEET_WITHIN

    @property
    def clear_at_end(self) -> bool:
        """Whether no shape is hidden behind another in the last frame."""
        ends = [np.array(shape.end, float) for shape in self.shapes]
        return all(np.linalg.norm(a - b) > 1.2 for i, a in enumerate(ends) for b in ends[i + 1 :])

    @property
    def by_entry(self) -> tuple[Shape, ...]:
        """The shapes in their order of appearance; those that are there from the start in order of drawing."""
        return tuple(sorted(self.shapes, key=lambda shape: shape.entry))


def sample_clip(rng: np.random.Generator) -> DemoClip:
    """Draw a clip: 1 to 4 shapes; half of the three-shape clips bring them in one after another.

    About half of the clips with two or more shapes hold exactly one pair that meets.
    """
    while True:
        ordered = rng.random() < 0.3
        count = 3 if ordered else int(rng.choice([1, 2, 3, 4], p=[0.24, 0.30, 0.18, 0.28]))
        entries = list(rng.permutation(ENTRY_FRAMES)) if ordered else [0] * count
        colours = rng.permutation(list(COLOURS))[:count]
        meeting = count >= 2 and rng.random() < 0.55
        shapes: list[Shape] = []
        for index in range(count):
            must_meet = meeting and index == 1
            shape = _place(rng, shapes, str(colours[index]), int(entries[index]), must_meet)
            if shape is None:
                break
            shapes.append(shape)
        if len(shapes) == count:
            order = rng.permutation(count)
            return DemoClip(tuple(shapes[i] for i in order))


def _place(rng: np.random.Generator, others: list[Shape], colour: str, entry: int, must_meet: bool) -> Shape | None:
    """A shape that keeps clear of `others`, or meets the one other there is; None when 96 draws found none."""
    frames = np.array(SHOWN)
    tries = 96
    units = np.array(list(DIRECTIONS.values()))[rng.integers(0, 4, tries)]
    starts = rng.integers(1, 10, (tries, 2))
    ends = starts + units * rng.integers(2, 9, (tries, 1))
    inside = ((ends >= 1) & (ends <= 9)).all(axis=1)
    share = ((frames - entry) / (FRAMES - 1 - entry))[None, :, None]
    ways = np.where((frames >= entry)[None, :, None], starts[:, None] + share * (ends - starts)[:, None], np.nan)
    for index in np.flatnonzero(inside):
        gaps = [np.nanmin(np.linalg.norm(ways[index] - other.places(frames), axis=1)) for other in others]
        fits = all(gap <= MEET_WITHIN - 0.05 for gap in gaps) if must_meet else all(gap >= APART_BEYOND for gap in gaps)
        if fits:
            form = FORMS[rng.integers(0, len(FORMS))]
            start, end = starts[index], ends[index]
            return Shape(colour, form, (int(start[0]), int(start[1])), (int(end[0]), int(end[1])), entry)
    return None


def render(clip: DemoClip, frames: tuple[int, ...] = SHOWN) -> NDArray[np.uint8]:
    """Pixels of the clip at the frame numbers `frames`: uint8, shape (F, SIDE, SIDE, 3), RGB."""
    numbers = np.array(frames)
    pixels = np.repeat(_FLOOR[None], len(frames), axis=0)
    centres = np.arange(SIDE, dtype=np.float32) + 0.5
    radius = RADIUS * SIDE / 10
    for shape in clip.shapes:
        way = shape.places(numbers) * SIDE / 10
        for index in np.flatnonzero(~np.isnan(way[:, 0])):
            x, y = way[index]
            left, top = max(int(x - radius) - 1, 0), max(int(y - radius) - 1, 0)
            dx = centres[None, left : left + 20] - x
            dy = centres[top : top + 20, None] - y
            pixels[index, top : top + 20, left : left + 20][_mask(shape.form, dx, dy, radius)] = COLOURS[shape.colour]
    return pixels


def _mask(form: str, dx: NDArray[np.float64], dy: NDArray[np.float64], radius: float) -> NDArray[np.bool_]:
    """Which pixels at offsets (dx, dy) from the centre belong to the form."""
    if form == "circle":
        return dx**2 + dy**2 <= radius**2
    if form == "square":
        return (np.abs(dx) <= 0.88 * radius) & (np.abs(dy) <= 0.88 * radius)
    return (dy <= 0.8 * radius) & (np.abs(dx) <= (dy + radius) * 0.62)
