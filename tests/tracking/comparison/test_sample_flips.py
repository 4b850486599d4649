"""vreason_tracking.comparison.sample_flips: a run's samples, filtered; and those on which it parts from another run."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.helpers import compared, readback, scored_runs
from tests.helpers.scored_runs import BASE, OWN, record
from vreason.errors import IncomparableRunsError, TrackingError
from vreason_tracking.catalog.catalog import Catalog
from vreason_tracking.comparison.sample_flips import SampleFilter, list_samples
from vreason_tracking.stores.mlflow_store import MlflowStore


@pytest.fixture
def catalog(tmp_path):
    """Two runs in a journal that is delivered nowhere."""
    root = tmp_path / "journal"
    scored_runs.both(root)
    return Catalog(root, f"sqlite:///{tmp_path}/none.db", None)


def listed(catalog, baseline=None, limit=100, **wanted):
    base = catalog.find(baseline) if baseline else None
    return list_samples(catalog.find("v-reason"), base, SampleFilter(**wanted), limit)


def ids(found):
    return [row.id for row in found.rows]


def test_all_of_them(catalog) -> None:
    """In the order in which they were answered."""
    found = listed(catalog)
    assert (list(OWN), 0, len(OWN)) == (ids(found), found.more, found.samples)
    assert ["wrong", "right", "right", "failed", "wrong", "wrong", "right"] == [row.status for row in found.rows]


def test_a_row(catalog) -> None:
    """Question, answers, score, costs, signatures; nothing of a baseline where none is named."""
    row = listed(catalog).rows[0]
    assert ("lost", "shapes", "multiple choice", "direction", "B", "A") == (
        row.id,
        row.benchmark,
        row.problem_type,
        row.category,
        row.expected,
        row.predicted,
    )
    assert (0.0, 4, 41.0, ["truncated", "unparsed"], None) == (row.score, row.output_tokens, row.latency_ms, row.signatures, row.error)
    assert (None, None, None) == (row.baseline_predicted, row.baseline_score, row.flip)


def test_a_failed_row(catalog) -> None:
    """It says why, and has neither score nor costs."""
    row = next(row for row in listed(catalog).rows if row.id == "failed")
    assert ("clips/s-9.mp4: is not a video", None, None, None) == (row.error, row.score, row.output_tokens, row.latency_ms)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"statuses": ["right"]}, ["right", "won", "only-here"]),
        ({"statuses": ["wrong"]}, ["lost", "partly", "nearly"]),
        ({"statuses": ["failed"]}, ["failed"]),
        ({"statuses": ["failed", "wrong"]}, ["lost", "failed", "partly", "nearly"]),
        ({"problem_types": ["numerical", "regression"]}, ["won", "partly"]),
        ({"categories": ["counting"]}, ["won"]),
        ({"signatures": ["unparsed"]}, ["lost"]),
        ({"signatures": ["unparsed", "premature-peak"]}, ["lost", "won"]),
        ({"statuses": ["wrong"], "problem_types": ["regression"]}, ["partly"]),
        ({"categories": ["no such"]}, []),
    ],
)
def test_filters(catalog, wanted, expected) -> None:
    """Values of one kind add up, kinds narrow each other; any score below 1 is wrong."""
    assert expected == ids(listed(catalog, **wanted))


def test_the_limit(catalog) -> None:
    """The first ones, and how many more there are."""
    found = listed(catalog, limit=2, statuses=["wrong"])
    assert (["lost", "partly"], 1) == (ids(found), found.more)


def test_what_there_is(catalog) -> None:
    """Names to filter by, of all samples and not only of those found."""
    known = listed(catalog, categories=["no such"]).known
    assert ["multiple choice", "numerical", "regression"] == known["problem types"]
    assert ["premature-peak", "truncated", "unparsed"] == known["signatures"]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({}, [("lost", "lost"), ("won", "won"), ("nearly", "lost")]),
        ({"flips": ["won"]}, [("won", "won")]),
        ({"flips": ["lost"]}, [("lost", "lost"), ("nearly", "lost")]),
        ({"statuses": ["wrong"]}, [("lost", "lost"), ("nearly", "lost")]),
        ({"statuses": ["right"], "categories": ["counting"]}, [("won", "won")]),
    ],
)
def test_flipped(catalog, wanted, expected) -> None:
    """Right in one, wrong in the other: two partial scores that differ are no flip, nor is a sample that failed in one of them."""
    assert expected == [(row.id, row.flip) for row in listed(catalog, "baseline", **wanted).rows]


def test_the_baseline_s_side(catalog) -> None:
    """Its answer and score stand in the row, and what only one has, and what failed, is counted."""
    found = listed(catalog, "baseline")
    assert [("B", 1.0), ("A", 0.0), ("B", 1.0)] == [(row.baseline_predicted, row.baseline_score) for row in found.rows]
    assert (1, 2, 1, 6) == (found.only_run, found.only_baseline, found.one_failed, found.samples)


def test_in_what_the_runs_are_unlike(catalog, tmp_path) -> None:
    """All that a comparison would refuse them for, whichever runs; nothing where there is no baseline, or where they are alike."""
    assert ["sample set"] == [each.what for each in listed(catalog, "baseline").unlike]
    assert () == listed(catalog).unlike
    root = tmp_path / "other"
    record(root, "v-reason", {"a": 1.0, "b": 0.0}, "KILLED")
    record(root, "baseline", {"a": 0.0, "b": 0.0})
    other = Catalog(root, f"sqlite:///{tmp_path}/none.db", None)
    [found] = listed(other, "baseline").unlike
    assert ("partial run", {"v-reason": "KILLED, 2 of 2 samples"}) == (found.what, found.values)


def test_its_own_baseline(catalog) -> None:
    """A run does not part from itself."""
    with pytest.raises(TrackingError, match=r"\(v-reason\) is its own baseline; name another run"):
        listed(catalog, "v-reason")


def test_other_questions(tmp_path) -> None:
    """Refused, with the ids: two answers to different questions say nothing of the method."""
    root = tmp_path / "journal"
    record(root, "v-reason", {f"q-{number}": 1.0 for number in range(8)})
    other = {f"q_{number}": {"question": "Another?"} for number in range(1, 8)}
    record(root, "baseline", {f"q-{number}": 0.0 for number in range(8)}, **other)
    with pytest.raises(IncomparableRunsError, match=r"do not ask the same .*: q-1, q-2, q-3, q-4, q-5 and 2 more; name runs"):
        listed(Catalog(root, f"sqlite:///{tmp_path}/none.db", None), "baseline")


def test_nothing_in_common(tmp_path) -> None:
    """Refused as well."""
    root = tmp_path / "journal"
    record(root, "v-reason", {"a": 1.0})
    record(root, "baseline", {"b": 1.0})
    with pytest.raises(IncomparableRunsError, match="v-reason and baseline have no sample in common"):
        listed(Catalog(root, f"sqlite:///{tmp_path}/none.db", None), "baseline")


def test_the_store_says_the_same(tmp_path, tracking_uri) -> None:
    """A delivered run is read from MLflow's tables, a run whose journal is not here as well."""
    store, root = MlflowStore(tracking_uri, "vreason"), tmp_path / "journal"
    for name, scores in (("v-reason", OWN), ("baseline", BASE)):
        readback.deliver(record(root, name, scores), store)
    here, away = (Catalog(place, tracking_uri, "vreason") for place in (root, tmp_path / "elsewhere"))
    assert len(OWN) == len(listed(here).rows)
    assert listed(here).rows == listed(away).rows
    assert listed(here, "baseline") == listed(away, "baseline")


def test_an_unfinished_run(tmp_path) -> None:
    """Of a run that was killed its finished samples are listed."""
    root = tmp_path / "journal"
    record(root, "v-reason", {"a": 1.0, "b": None}, "KILLED")
    assert ["a", "b"] == ids(listed(Catalog(root, f"sqlite:///{tmp_path}/none.db", None)))


def test_an_older_record(tmp_path, tracking_uri) -> None:
    """Records of earlier versions name no benchmark."""
    readback.deliver(record(tmp_path / "journal", "v-reason", OWN), MlflowStore(tracking_uri, "vreason"))
    [path] = tmp_path.rglob("samples.parquet")
    pq.write_table(compared.without("benchmark")(pq.read_table(path)), path)
    found = listed(Catalog(tmp_path / "elsewhere", tracking_uri, "vreason"))
    assert ({""}, list(OWN)) == ({row.benchmark for row in found.rows}, ids(found))


def test_a_record_that_is_none(tmp_path, tracking_uri) -> None:
    """It is named, with what to do."""
    readback.deliver(record(tmp_path / "journal", "v-reason", OWN), MlflowStore(tracking_uri, "vreason"))
    [path] = tmp_path.rglob("samples.parquet")
    path.write_bytes(b"PAR1")
    with pytest.raises(TrackingError, match=r"samples.parquet: is not a record of samples .*; restore it, or move it away"):
        listed(Catalog(tmp_path / "elsewhere", tracking_uri, "vreason"))


@pytest.mark.parametrize("name", ["score", "signatures", "prediction"])
def test_a_record_of_other_values(tmp_path, tracking_uri, name) -> None:
    """Values that cannot be are damage, not something to list."""
    readback.deliver(record(tmp_path / "journal", "v-reason", OWN), MlflowStore(tracking_uri, "vreason"))
    [path] = tmp_path.rglob("samples.parquet")
    table = pq.read_table(path)
    changed = (
        table.drop_columns([name])
        if name != "score"
        else table.set_column(table.column_names.index(name), name, pa.array(["right"] * len(OWN)))
    )
    pq.write_table(changed, path)
    with pytest.raises(TrackingError, match=r"samples.parquet: is not a record of samples"):
        listed(Catalog(tmp_path / "elsewhere", tracking_uri, "vreason"))
