"""vreason_tracking.comparison.report: figures, pictures and samples' pages of one comparison."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.helpers import compared
from vreason.errors import TrackingError
from vreason_tracking.comparison.comparison import compare
from vreason_tracking.comparison.report import PAGES, make_report, require_compared


@pytest.fixture(scope="module")
def trio(tmp_path_factory):
    """Three runs, 48 questions."""
    return compare(compared.trio(tmp_path_factory.mktemp("trio"), steps=12))


def test_as_many_pages_as_asked(trio) -> None:
    """Twelve unless somebody says otherwise; none is possible, and never more than there are questions."""
    assert [PAGES, 3, 0, 48] == [len(make_report(trio, pages=count).pages) for count in (PAGES, 3, 0, 500)]


def test_samples_that_are_asked_for_come_first(trio) -> None:
    """Each once, in the order given, before the telling ones."""
    report = make_report(trio, ["q-0040", "q-0007", "q-0040"], 4)
    names = [page.sample_id for page in report.pages]
    assert (["q-0040", "q-0007"], 4) == (names[:2], len(set(names)))


@pytest.mark.parametrize("pages", [0, 1])
def test_samples_that_are_asked_for_have_pages_in_any_case(trio, pages) -> None:
    """Also where fewer pages are wanted."""
    assert ["q-0040", "q-0007"] == [page.sample_id for page in make_report(trio, ["q-0040", "q-0007"], pages).pages]


def test_the_first_sample_asked_for_is_drawn(trio) -> None:
    """Its phases are one of the pictures; without one, and without pages, the most telling one's."""
    for samples, pages in ((["q-0040"], 3), ([], 0)):
        (drawn,) = [figure for figure in make_report(trio, samples, pages).figures if figure.name == "alpha"]
        assert drawn.title.startswith("Explore and exploit along the reply to ")
        assert drawn.title.endswith("q-0040") or not samples


def test_an_unknown_sample_is_refused(trio) -> None:
    """With its name, and some that there are."""
    told = "--sample: nope, q-1: not among the samples compared, such as q-0000, q-0001"
    for check in (make_report, require_compared):
        with pytest.raises(TrackingError, match=told):
            check(trio, ["nope", "q-0001", "q-1"])


def test_damaged_steps_are_named(trio, tmp_path) -> None:
    """The file is; nothing is made of it."""
    file = tmp_path / "steps.parquet"
    file.write_bytes(b"PAR1 not at all")
    with pytest.raises(TrackingError, match=f"{file}: is not a record of steps"):
        make_report(replace(trio, runs=[*trio.runs[:2], replace(trio.runs[2], steps=file)]))
