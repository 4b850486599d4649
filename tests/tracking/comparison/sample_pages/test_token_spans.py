"""vreason_tracking.comparison.token_spans: the tokens of a reply."""

from __future__ import annotations

import math

import pytest

from vreason_tracking.comparison.sample_pages.token_spans import EDGES, TINTS, TokenSpan, token_spans

STEPS = {"token_index": [0, 1, 2, 3], "entropy": [0.05, 0.1, 1.234, 9.0], "alpha": [1, -1, 1, -1], "updated": [False, True, False, True]}


def test_texts_and_figures() -> None:
    """Each token has the text between its end and the one before, and its step's figures; a text may be empty."""
    expected = [
        TokenSpan("I", 0.05, 1, False),
        TokenSpan("", 0.1, -1, True),
        TokenSpan(" 🙂\n", 1.234, 1, False),
        TokenSpan("", 9.0, -1, True),
    ]
    assert expected == token_spans("I 🙂\n", [1, 1, 4, 4], STEPS)


@pytest.mark.parametrize("ends", [[], [1, 1, 3, 3], [1, 4, 3, 4], [5], [1, 2, 3, 5]])
def test_unknown_texts(ends) -> None:
    """No tokens rather than wrong ones: of a record without ends, or whose ends do not fit the reply."""
    assert [] == token_spans("I 🙂\n", ends, STEPS)


def test_a_missing_step() -> None:
    """A token whose step is damaged keeps its text, and is told as not recorded."""
    steps = {name: values[1:] for name, values in STEPS.items()}
    lost, found, *_ = token_spans("I 🙂\n", [1, 1, 4, 4], steps)
    assert ("I", True, "n", "t = 0, not recorded") == (lost.text, math.isnan(lost.entropy), lost.tint, lost.told(0))
    assert ("e1 u", "t = 1, H = 0.10 nats, exploit") == (found.tint, found.told(1))


def test_no_steps() -> None:
    """Texts are known even where no step is."""
    assert ["a", "b"] == [token.text for token in token_spans("ab", [1, 2], {})]


SCALE = [(0.0, "e0"), (0.0999, "e0"), (0.1, "e1"), (0.3, "e2"), (1.0, "e4"), (2.5, "e6"), (3.0, "e7"), (12.0, "e7")]


@pytest.mark.parametrize(("entropy", "tint"), SCALE)
def test_tints(entropy, tint) -> None:
    """Eight tints on one scale for all replies; an edge belongs to the darker one."""
    assert tint == TokenSpan("x", entropy, 1, False).tint


def test_the_legend_names_every_tint() -> None:
    """One entry a tint, from lightest to darkest."""
    assert ("below 0.1", "0.1 to 0.25", "3 and more", len(EDGES) + 1) == (TINTS[0], TINTS[1], TINTS[-1], len(TINTS))


def test_in_words() -> None:
    """Token index, entropy and phase."""
    assert "t = 12, H = 1.23 nats, explore" == TokenSpan("x", 1.234, 1, False).told(12)
