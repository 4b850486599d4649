"""vreason_tracking.presentation.run_styles: names and looks of runs."""

from __future__ import annotations

import pytest

from vreason_tracking.presentation.run_styles import BASELINE, OVERLAID, looks, plain, short_names, shortened


@pytest.mark.parametrize("baseline", [0, 3])
def test_looks_differ_in_everything(baseline: int) -> None:
    """Colour, line and mark each tell all runs apart that share axes: any one of them may be lost."""
    found = looks(OVERLAID, baseline)
    for own in ({each.colour for each in found}, {str(each.line) for each in found}, {each.mark for each in found}):
        assert OVERLAID == len(own)
    assert (BASELINE, "-", "s") == (found[baseline].colour, found[baseline].line, found[baseline].mark)


def test_short_text_stays() -> None:
    """A label that fits is not shortened."""
    assert "v-reason" == shortened("v-reason", 8)


def test_long_text_keeps_both_ends() -> None:
    """What tells runs of a sweep apart is often at the end."""
    assert "v-rea…k=16" == shortened("v-reason with k=16", 10)


def test_wide_letters_count_for_two() -> None:
    """East Asian letters take two columns."""
    assert "视频…推理" == shortened("视频推理视频推理", 9)


def test_alike_when_shortened_are_numbered() -> None:
    """Two labels that would look alike when shortened are told apart by a number."""
    names = ["a" * 40 + "x" + "b" * 40, "a" * 40 + "y" + "b" * 40, "c"]
    assert ["1: aaa…bbb", "2: aaa…bbb", "c"] == short_names(names, 11)


def test_what_no_page_may_hold_becomes_blank() -> None:
    """Control characters of a name become blanks."""
    assert "a b c d" == plain("a\x00b\nc\ud800d\uffff")


def test_other_letters_stay() -> None:
    """Letters of other scripts stay as they are."""
    assert "_é 视 🎥 $x$ <b>" == plain("_é 视 🎥 $x$ <b>")
