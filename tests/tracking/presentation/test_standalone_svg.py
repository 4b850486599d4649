"""vreason_tracking.presentation.standalone_svg: a picture with a size of its own and a warning in its first line."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from vreason_tracking.presentation.canvas import render_svg
from vreason_tracking.presentation.standalone_svg import picture_file

LINE = 16


@pytest.fixture(scope="module")
def picture():
    """One as a report has it, of 648 x 144."""
    return render_svg("trial", "A <trial>", 2.0, lambda canvas: canvas.subplots().plot([1, 2, 3]))


def box(root):
    return [float(each) for each in root.attrib["viewBox"].split()]


def test_it_has_a_size(picture) -> None:
    """That of its drawing, and nothing else is changed."""
    made = picture_file(picture, "", ["nothing"])
    root = ElementTree.fromstring(made)
    assert [0, 0, 648, 144] == box(root)
    assert ("648", "144") == (root.attrib["width"], root.attrib["height"])
    assert picture == made.replace(' width="648" height="144"', ' width="100%"')


def test_a_warning_stands_above_it(picture) -> None:
    """In a line that the picture grows by: nothing of it is covered, and the rest stays as it was."""
    root = ElementTree.fromstring(picture_file(picture, "WARNING: a < b & c", ["one <thing>", "and\x07 another"]))
    plain = ElementTree.fromstring(picture_file(picture, "", []))
    assert [0, -LINE, 648, 144 + LINE] == box(root)
    assert (648, 144 + LINE) == (float(root.attrib["width"]), float(root.attrib["height"]))
    described, bar, line, *rest = root
    assert ("one <thing>\nand  another", "WARNING: a < b & c") == (described.text, line.text)
    assert -LINE < float(line.attrib["y"]) < 0
    assert (-LINE, LINE, 648) == tuple(float(bar.attrib[name]) for name in ("y", "height", "width"))
    assert [ElementTree.tostring(each) for each in plain] == [ElementTree.tostring(each) for each in rest]


def test_a_long_warning_is_cut(picture) -> None:
    """Where the picture ends; the description has the whole."""
    root = ElementTree.fromstring(picture_file(picture, "WARNING: " + "x" * 500, ["x" * 500]))
    assert "x" * 500 == root[0].text
    told = str(root[2].text)
    assert told.endswith("x…")
    assert 100 < len(told) < 130
