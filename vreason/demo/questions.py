"""Questions about a clip of the demo world, with the reasoning and the answer that a model is trained on.

Six kinds: direction, order, meeting (multiple choice), counting (numerical), distance (regression) and position (free-form). Three
more are for training only: descriptions, look-ups and recitals.
The reasoning is drawn from several wordings, so that a trained model is uncertain where the language is free and certain
where the clip decides.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from vreason.demo.world import COLOURS, DIRECTIONS, DemoClip, Shape

LETTERS = "ABCD"
ROWS = ("top", "middle", "bottom")
COLUMNS = ("left", "center", "right")
PLACES = tuple(f"{row} {column}" for row in ROWS for column in COLUMNS)
Rng = np.random.Generator


@dataclass(frozen=True)
class DemoQuestion:
    """One question. `options` are without letters; `answer` is the letter, number or words expected; `reasoning` leads to it."""

    kind: str
    problem_type: str
    text: str
    options: tuple[str, ...]
    answer: str
    reasoning: str

    @property
    def target(self) -> str:
        """The whole reply to learn: the reasoning in its tags, then the answer in its own."""
        return f"<think>{self.reasoning}</think><answer>{self.answer}</answer>"


def place_name(slot: tuple[int, int]) -> str:
    """Words for a place in tenths of the frame: (8, 2) is "top right"."""
    column, row = ((value > 3) + (value > 6) for value in slot)
    return f"{ROWS[row]} {COLUMNS[column]}"


def _pick(rng: Rng, *wordings: str) -> str:
    return wordings[rng.integers(0, len(wordings))]


def _ways(shape: Shape) -> str:
    axis = 0 if shape.direction in ("left", "right") else 1
    return f"from {'xy'[axis]} {shape.start[axis]} to {'xy'[axis]} {shape.end[axis]}"


def _listing(names: list[str]) -> str:
    articled = [f"a {name}" for name in names]
    return articled[0] if len(articled) == 1 else ", ".join(articled[:-1]) + " and " + articled[-1]


def _lettered(rng: Rng, options: list[str], right: str, reasoning: str) -> tuple[tuple[str, ...], str, str]:
    """Shuffled options, the letter of `right`, and the reasoning ending in the option's word and its letter."""
    shuffled = [options[i] for i in rng.permutation(len(options))]
    letter = LETTERS[shuffled.index(right)]
    return tuple(shuffled), letter, f"{reasoning} {right} {letter}."


def direction(rng: Rng, clip: DemoClip) -> DemoQuestion:
    """Which way does a shape move? Multiple choice, four options."""
    shape = clip.shapes[rng.integers(0, len(clip.shapes))]
    text = _pick(rng, f"Which way does the {shape.name} move?", f"In which direction does the {shape.name} go?")
    way = _ways(shape)
    reasoning = _pick(
        rng,
        f"The {shape.name} goes {way}, so it moves {shape.direction}.",
        f"I follow the {shape.name}. It goes {way}. That is {shape.direction}.",
        f"Over the clip the {shape.name} travels {way}. It moves {shape.direction}.",
    )
    options, letter, reasoning = _lettered(rng, list(DIRECTIONS), shape.direction, reasoning)
    return DemoQuestion("direction", "multiple choice", text, options, letter, reasoning)


def order(rng: Rng, clip: DemoClip) -> DemoQuestion | None:
    """Which colour appears first, second or last? Multiple choice, three options; only where the entries differ."""
    shapes = clip.by_entry
    if len({shape.entry for shape in shapes}) < 3:
        return None
    rank = int(rng.integers(0, 3))
    word = ("first", "second", "last")[rank]
    text = _pick(rng, f"Which colour appears {word}?", f"Which colour is the {word} to enter?")
    names = [shape.name for shape in shapes]
    colours = [shape.colour for shape in shapes]
    colour = colours[rank]
    reasoning = _pick(
        rng,
        f"First comes the {names[0]}, then the {names[1]}, then the {names[2]}. The {word} is {colour}.",
        f"The {names[0]} is there first. The {names[1]} follows. At last the {names[2]} enters. The {word} is {colour}.",
        f"I watch who enters: the {names[0]}, the {names[1]}, the {names[2]}. The {word} is {colour}.",
    )
    options, letter, reasoning = _lettered(rng, colours, colour, reasoning)
    return DemoQuestion("order", "multiple choice", text, options, letter, reasoning)


def meeting(rng: Rng, clip: DemoClip) -> DemoQuestion | None:
    """Do two shapes meet? Multiple choice, yes or no; asked evenly of pairs that do and that do not where both exist."""
    pairs = [(a, b) for i, a in enumerate(clip.shapes) for b in clip.shapes[i + 1 :]]
    if not pairs:
        return None
    touching = [pair for pair in pairs if clip.meet(*pair)]
    apart = [pair for pair in pairs if not clip.meet(*pair)]
    pool = touching if touching and (not apart or rng.random() < 0.5) else apart
    a, b = pool[rng.integers(0, len(pool))]
    if rng.random() < 0.5:
        a, b = b, a
    text = _pick(rng, f"Do the {a.name} and the {b.name} meet?", f"Does the {a.name} touch the {b.name}?")
    yes = clip.meet(a, b)
    seen = _pick(rng, "they touch", "they come together") if yes else _pick(rng, "they stay apart", "they never touch")
    reasoning = _pick(
        rng,
        f"The {a.name} goes {_ways(a)}. The {b.name} goes {_ways(b)}. On the way {seen}.",
        f"I compare the {a.name} and the {b.name}. Over the clip {seen}.",
        f"I watch the {a.name} and then the {b.name}. It seems that {seen}.",
    )
    options, letter, reasoning = _lettered(rng, ["yes", "no"], "yes" if yes else "no", reasoning)
    return DemoQuestion("meeting", "multiple choice", text, options, letter, reasoning)


def counting(rng: Rng, clip: DemoClip) -> DemoQuestion:
    """How many shapes appear? Numerical, 1 to 4."""
    text = _pick(rng, "How many shapes appear in the clip?", "How many shapes are there?")
    names = [shape.name for shape in clip.by_entry]
    if len({shape.entry for shape in clip.shapes}) == 1:  # nothing orders them but the world's own list of colours
        names.sort(key=lambda name: list(COLOURS).index(name.split()[0]))
    total = len(names)
    reasoning = _pick(
        rng,
        f"I see {_listing(names)}. That makes {total}.",
        f"There is {_listing(names)}. I count {total}.",
        f"In the clip I find {_listing(names)}. Together they are {total}.",
    )
    return DemoQuestion("counting", "numerical", text, (), str(total), reasoning)


def distance(rng: Rng, clip: DemoClip) -> DemoQuestion:
    """How far does a shape travel, in tenths of the frame? Regression, 2 to 8."""
    shape = clip.shapes[rng.integers(0, len(clip.shapes))]
    text = _pick(
        rng,
        f"How far does the {shape.name} travel, in tenths of the frame?",
        f"How many tenths of the frame does the {shape.name} cross?",
    )
    way = _ways(shape)
    reasoning = _pick(
        rng,
        f"The {shape.name} goes {way}, so it travels {shape.distance}.",
        f"I follow the {shape.name}. It goes {way}. The way is {shape.distance} long.",
        f"Over the clip the {shape.name} travels {way}. The difference is {shape.distance}.",
    )
    return DemoQuestion("distance", "regression", text, (), str(shape.distance), reasoning)


def position(rng: Rng, clip: DemoClip) -> DemoQuestion:
    """Where is a shape at the end? Free-form, one of nine places."""
    shape = clip.shapes[rng.integers(0, len(clip.shapes))]
    text = _pick(rng, f"Where is the {shape.name} at the end?", f"Where does the {shape.name} end up?")
    x, y = shape.end
    name = place_name(shape.end)
    reasoning = _pick(
        rng,
        f"At the end the {shape.name} is at x {x}, y {y}. That is {name}.",
        f"The {shape.name} stops at x {x}, y {y}, so it ends {name}.",
        f"I look at the last frame. The {shape.name} is at x {x}, y {y}: {name}.",
    )
    return DemoQuestion("position", "free-form", text, (), name, reasoning)


KINDS: dict[str, Callable[[Rng, DemoClip], DemoQuestion | None]] = {
    "direction": direction,
    "order": order,
    "meeting": meeting,
    "counting": counting,
    "distance": distance,
    "position": position,
}


def describe(rng: Rng, clip: DemoClip) -> DemoQuestion:
    """Tell every shape's way in full. Training only: it teaches seeing, with a dozen facts a clip instead of one or two."""
    text = _pick(rng, "Describe the clip.", "What happens in the clip?")
    ordered = len({shape.entry for shape in clip.shapes}) > 1
    shapes = clip.by_entry if ordered else sorted(clip.shapes, key=lambda shape: list(COLOURS).index(shape.colour))
    openings = ["First comes the", "Then the", "At last the"] if ordered else ["The"] * len(shapes)
    parts = []
    for opening, shape in zip(openings, shapes, strict=True):
        across = 1 if shape.direction in ("left", "right") else 0
        parts.append(f"{opening} {shape.name}. It goes {_ways(shape)}, {'xy'[across]} {shape.end[across]}. It moves {shape.direction}.")
    return DemoQuestion("describe", "free-form", text, (), str(len(shapes)), " ".join(parts))


def lookup(rng: Rng) -> DemoQuestion:
    """A question without a video: find the letter of a named option, or read a written way. Training only.

    Looking up the letter of the word just named is a skill of its own, learnt last of all when it is left to the clips.
    """
    draw = rng.random()
    if draw < 0.2:
        return _written_way(rng)
    pools: list[list[str]] = [list(DIRECTIONS), ["yes", "no"], _random_colours(rng)]
    options = pools[rng.integers(0, 3) if draw < 0.8 else 2]
    right = options[rng.integers(0, len(options))]
    text = _pick(rng, f"Which option says {right}?", f"Find {right}.")
    reasoning = _pick(rng, f"It says {right}.", f"I look for {right}.", f"The answer is {right}.")
    shuffled, letter, reasoning = _lettered(rng, options, right, reasoning)
    return DemoQuestion("lookup", "multiple choice", text, shuffled, letter, reasoning)


def recital(rng: Rng) -> DemoQuestion:
    """Options in any order, each with its letter; no video. Training only.

    In `lookup` the question names the option, so a model can mark it while it reads. Here only the reply names it, as in a question about a
    clip: the letter has to be found from the word just written.
    """
    options = [list(DIRECTIONS), ["yes", "no"], _random_colours(rng)][rng.integers(0, 3)]
    shuffled = [options[i] for i in rng.permutation(len(options))]
    parts = []
    for index in rng.permutation(len(shuffled)):
        letter = LETTERS[index]
        parts.append(f"{shuffled[index]} {letter}.")
    return DemoQuestion(
        "recital", "multiple choice", "Name the options in any order.", tuple(shuffled), letter, "In turn: " + " ".join(parts)
    )


def _random_colours(rng: Rng) -> list[str]:
    return [str(colour) for colour in rng.permutation(list(COLOURS))[:3]]


def _written_way(rng: Rng) -> DemoQuestion:
    """The way or the last place of a shape in words instead of pixels: length and place name are to be told."""
    axis = int(rng.integers(0, 2))
    start, end = (int(value) for value in rng.permutation(np.arange(1, 10))[:2])
    if rng.random() < 0.5:
        text = f"It goes from {'xy'[axis]} {start} to {'xy'[axis]} {end}. How far does it travel?"
        length = abs(end - start)
        return DemoQuestion("lookup", "regression", text, (), str(length), f"It travels {length}.")
    slot = (start, end)
    text = f"It ends at x {start}, y {end}. Where is it at the end?"
    return DemoQuestion("lookup", "free-form", text, (), place_name(slot), f"It is {place_name(slot)}.")
