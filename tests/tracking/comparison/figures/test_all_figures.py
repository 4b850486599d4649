"""vreason_tracking.comparison.figures.all_figures: all pictures of a comparison, fit for one page."""

from __future__ import annotations

import re
import warnings
from collections import Counter
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from tests.helpers import records
from tests.helpers.compared import make_samples, recorded
from tests.tracking.comparison.figures.conftest import SAMPLE, read
from vreason_tracking.comparison.comparison import compare
from vreason_tracking.comparison.figures import Figure, figures

ODD = ["_first $x^2$ & <b>", "\\frac{ $", "🎥 " + "视" * 200, 'line\nbreak \x1b[31m ]]> -- id="p1"', "url(http://x.example/a) \ud800"]


@pytest.fixture(scope="session")
def drawn(three) -> list[Figure]:
    comparison, steps = three
    return figures(comparison, steps, SAMPLE)


@pytest.fixture(scope="session")
def drawn_of_thirty(thirty) -> list[Figure]:
    comparison, steps = thirty
    return figures(comparison, steps, SAMPLE)


def test_pictures_and_their_order(drawn) -> None:
    """Which pictures a comparison has, in which order."""
    expected = ["entropy", "alpha", "accuracy_tokens", "accuracy_latency", "tokens", "latency", "accuracy_by_length", "agreement"]
    assert expected == [figure.name for figure in drawn]


def test_same_bytes_again(three, drawn) -> None:
    """A picture drawn twice is the same file."""
    comparison, steps = three
    assert drawn == figures(comparison, steps, SAMPLE)


def test_ids_are_unique_over_all(drawn, drawn_of_thirty) -> None:
    """All pictures share one page."""
    for page in (drawn, drawn_of_thirty):
        ids = Counter(each.get("id") for figure in page for each in ElementTree.fromstring(figure.svg).iter() if each.get("id"))
        assert {1} == set(ids.values())


def test_references_are_answered_within(drawn, drawn_of_thirty) -> None:
    """Nothing is loaded from anywhere: every reference is to an id of the same picture, or holds its data."""
    for figure in (*drawn, *drawn_of_thirty):
        root = ElementTree.fromstring(figure.svg)
        ids = {each.get("id") for each in root.iter()}
        for element in root.iter():
            for name, value in element.attrib.items():
                assert set(re.findall(r"url\(([^)]*)\)", value)) <= {f"#{each}" for each in ids}
                assert "href" not in name or value.removeprefix("#") in ids or value.startswith("data:image/png;base64,")
                assert "http" not in value


def test_rows_fit_their_columns(drawn, drawn_of_thirty) -> None:
    """Every row of a picture's table has a cell for each column."""
    for figure in (*drawn, *drawn_of_thirty):
        assert figure.rows
        assert {len(figure.columns)} == {len(row) for row in figure.rows}
        assert all(isinstance(cell, str) for row in figure.rows for cell in row)


def test_names_are_fit_for_files(drawn_of_thirty) -> None:
    """A picture's name can be a file's name."""
    names = [figure.name for figure in drawn_of_thirty]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"[a-z0-9_]+", name) for name in names)


def test_thirty_runs_stay_small(drawn_of_thirty) -> None:
    """Two megabytes is what a page may grow by."""
    assert sum(len(figure.svg.encode()) for figure in drawn_of_thirty) < 2_000_000


def test_sources_are_named(three, drawn) -> None:
    """Each picture says what it was made from."""
    comparison, _ = three
    assert all([run.run_id for run in comparison.runs] == list(figure.run_ids) for figure in drawn)


def test_any_name_and_failures(tmp_path) -> None:
    """Names of any letters, runs with failures and one without an answer: no warning, valid XML, names as they are where they fit."""
    runs = []
    for place, name in enumerate(ODD):
        samples = [
            (_failed(sample), ()) if number % 5 <= place else (sample, steps)
            for number, (sample, steps) in enumerate(make_samples(15, 5, steps=9))
        ]
        runs.append(replace(recorded(tmp_path, f"r{place}", samples), name=name))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = figures(*read(runs, force=True), SAMPLE)
    assert 8 == len(found)
    for figure in found:
        texts = {each.text for each in ElementTree.fromstring(figure.svg.encode("utf-8")).iter()}
        assert figure.name in ("entropy", "accuracy_by_length") or ODD[0] in texts
        assert "".join(cell for row in figure.rows for cell in row).encode("utf-8")
    assert "🎥 " + "视" * 200 in [row[0] for row in next(each for each in found if each.name == "tokens").rows]


def _failed(sample):
    asked_of = {
        name: getattr(sample, name) for name in ("video", "question", "options", "problem_type", "category", "answer", "video_seconds")
    }
    return records.failed(sample.sample_id, **asked_of)


def test_one_question_and_no_steps(tmp_path) -> None:
    """What there is is drawn: no curve, no phases, no length."""
    runs = [recorded(tmp_path, name, make_samples(1, 1)) for name in ("a", "b")]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = figures(compare(runs), [], None)
    assert ["accuracy_tokens", "accuracy_latency", "tokens", "latency", "agreement"] == [figure.name for figure in found]


def test_nobody_answered(tmp_path) -> None:
    """Only who failed where."""
    runs = [recorded(tmp_path, name, [(records.failed(), ())]) for name in ("a", "b")]
    assert ["agreement"] == [figure.name for figure in figures(compare(runs), [], None)]
