"""vreason_tracking.presentation.entropy_plot: the entropy plot as PNG and SVG."""

from __future__ import annotations

from html import unescape
from xml.etree import ElementTree

import matplotlib.image
import pytest

from tests.helpers import records
from vreason_tracking.presentation.entropy_plot import draw_entropy
from vreason_tracking.records.entropy_curve import EntropyCurve


def curve(length: int = 30, samples: int = 3) -> EntropyCurve:
    made = EntropyCurve()
    for number in range(samples):
        made.add(records.steps(f"s-{number}", length))
    return made


def labels(svg) -> list[str]:
    """Texts of an SVG; matplotlib draws letters as shapes and leaves each text in a comment."""
    parser = ElementTree.XMLParser(target=ElementTree.TreeBuilder(insert_comments=True))
    tree = ElementTree.parse(svg, parser)
    return [unescape(str(node.text)).strip() for node in tree.iter() if node.tag is ElementTree.Comment]


def test_both_files(tmp_path) -> None:
    """A PNG that shows something and a well-formed SVG, under the name given; the list of what was written comes back."""
    files = draw_entropy({"v-reason": curve()}, tmp_path / "entropy", "a title")
    assert {tmp_path / "entropy.png", tmp_path / "entropy.svg"} == set(files)
    assert 10 < len({tuple(pixel) for row in matplotlib.image.imread(tmp_path / "entropy.png") for pixel in row})
    assert "a title" in labels(tmp_path / "entropy.svg")


def test_a_name_with_a_dot_keeps_it(tmp_path) -> None:
    """Only an ending is added: a dot in the name is no ending."""
    assert {"k=0.5.png", "k=0.5.svg"} == {file.name for file in draw_entropy({"a": curve()}, tmp_path / "k=0.5", "t")}


def test_labels_name_variants_and_peaks(tmp_path) -> None:
    """Several variants share a page, each with its name and the token at which its mean EMA peaks."""
    curves = {"baseline": curve(20), "v-reason": curve(40, 2)}
    draw_entropy(curves, tmp_path / "entropy", "t")
    texts = labels(tmp_path / "entropy.svg")
    for name, each in curves.items():
        means = [sum(step.ema for step in at) / len(at) for at in _by_token(name, each)]
        expected = f"peak at token {means.index(max(means))}"
        assert [text for text in texts if name in text and expected in text]


def _by_token(name, each):
    length, samples = len(each.count), int(each.count[0])
    replies = [records.steps(f"s-{number}", length) for number in range(samples)]
    return [[reply[t] for reply in replies] for t in range(length)]


def test_no_step_no_plot(tmp_path) -> None:
    """Without a single step nothing is written."""
    assert [] == draw_entropy({"baseline": EntropyCurve()}, tmp_path / "entropy", "t")
    assert [] == list(tmp_path.iterdir())


def test_a_variant_without_steps_is_left_out(tmp_path) -> None:
    """The others are drawn as if it were not there."""
    draw_entropy({"empty": EntropyCurve(), "full": curve()}, tmp_path / "entropy", "t")
    texts = " ".join(labels(tmp_path / "entropy.svg"))
    assert "full" in texts
    assert "empty" not in texts


@pytest.mark.parametrize("name", ["$\\frac$", "a_b^c", "k=4 & <lr>", "100 % größer", "_hidden"])
def test_any_variant_name_can_be_drawn(tmp_path, name) -> None:
    """A variant's name is text, not markup: whatever a config accepts as a name is written as it is."""
    draw_entropy({name: curve()}, tmp_path / "entropy", f"Entropy while answering: {name}")
    assert [text for text in labels(tmp_path / "entropy.svg") if text.startswith(f"{name}:")]


def test_more_variants_than_colours(tmp_path) -> None:
    """A sweep of ten values draws ten curves."""
    draw_entropy({f"k={number}": curve(5, 1) for number in range(10)}, tmp_path / "entropy", "t")
    assert 10 == len([text for text in labels(tmp_path / "entropy.svg") if "peak at token" in text])


def test_no_figure_stays_open(tmp_path) -> None:
    """A long experiment does not collect figures."""
    from matplotlib import pyplot

    before = pyplot.get_fignums()
    draw_entropy({"a": curve()}, tmp_path / "entropy", "t")
    assert before == pyplot.get_fignums()
