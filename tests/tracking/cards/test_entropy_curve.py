"""vreason_tracking.cards.entropy_curve: the curve of the raw steps in few points, and its picture."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from vreason_tracking.cards import Curve, Evidence, curve_svg
from vreason_tracking.cards.entropy_curve import POINTS, curve_colours, curve_of
from vreason_tracking.records import EntropyCurve


def test_points_are_means_over_neighbouring_tokens() -> None:
    """A hundred tokens in at most forty points: each the mean over its tokens and samples."""
    curve = EntropyCurve()
    index = np.tile(np.arange(100), 3)
    curve.add_columns(index, index / 100.0, np.minimum(index, 60) / 100.0)
    found = curve_of("x", curve)
    assert len(found.tokens) <= POINTS
    assert [0, 3, 6] == list(found.tokens[:3])
    assert [0.01, 0.04, 0.07] == [pytest.approx(value) for value in found.entropy[:3]]
    assert (3, 99) == (found.samples[0], found.tokens[-1])


def test_a_value_that_is_not_finite_is_left_out() -> None:
    """It is None in the evidence, and no point of the picture."""
    curve = EntropyCurve()
    curve.add_columns(np.arange(3), np.array([1.0, np.inf, 1.0]), np.array([0.1, np.nan, 0.3]))
    found = curve_of("x", curve)
    assert ([1.0, None, 1.0], [0.1, None, 0.3]) == (found.entropy, found.ema)
    (line,) = re.findall(r'points="([^"]*)"', curve_svg([found], None, "x"))
    assert 2 == len(line.split())


def test_the_evidence_has_a_curve_a_run(evidence: Evidence) -> None:
    """Over the raw steps: as long as the replies, of all samples at the first token."""
    assert ["baseline", "v-reason"] == [curve.run for curve in evidence.curves]
    for curve in evidence.curves:
        assert curve.samples[0] == evidence.questions
        assert all(value is not None and value > 0 for value in curve.entropy)


def test_the_picture() -> None:
    """Well-formed; a line a run, the baseline's grey and dashed and below the others; a curve of one point can be seen."""
    curves = [Curve("a & b", [0, 1], [1, 1], [0.1, 0.2], [2, 2], 1), Curve("base", [0], [1], [0.1], [2], 0)]
    root = ElementTree.fromstring(curve_svg(curves, "base", "entropy <of> it"))
    assert "entropy <of> it" == root.get("aria-label")
    first, second = root
    assert ("4 2", None) == (first.get("stroke-dasharray"), second.get("stroke-dasharray"))
    assert 2 == len(first.get("points", "").split())
    assert [first.get("stroke"), second.get("stroke")] == [colour for _, colour in curve_colours(curves, "base")]
    assert curve_svg(curves, "base", "x") == curve_svg(curves, "base", "x")
