"""vreason_tracking.comparison.publishing: a comparison as a run of MLflow's."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import mlflow
import pytest

from tests.helpers import faulty_store, like_runs, readback
from vreason.errors import TrackingError
from vreason_tracking.catalog.catalog import Catalog
from vreason_tracking.catalog.run_record import recorded_runs
from vreason_tracking.catalog.stored_run import stored_runs
from vreason_tracking.comparison.comparability import Mismatch
from vreason_tracking.comparison.comparison import compare
from vreason_tracking.comparison.export.documents import COLUMNS, figure_rows
from vreason_tracking.comparison.publishing import publish, warning_of
from vreason_tracking.comparison.report import make_report
from vreason_tracking.comparison.selection import experiment_runs, named_runs
from vreason_tracking.comparison.tables.verdicts import verdicts
from vreason_tracking.delivery.silent_runs import reap_store
from vreason_tracking.stores.mlflow_store import MlflowStore


@pytest.fixture
def pair(tmp_path, store):
    """Two delivered runs; the journal's folder."""
    like_runs.pair(tmp_path / "journal", store)
    return tmp_path / "journal"


@contextmanager
def reported(root, uri, names=("baseline", "v-reason"), baseline=None, **options):
    """A report on these runs."""
    with recorded_runs(named_runs(Catalog(root, uri, None), names).runs) as runs:
        yield make_report(compare(runs, baseline, **options), pages=2)


def published(root, uri, store, outputs=None, **options):
    """Publish a report; returns its run's id and the comparison."""
    with reported(root, uri, **options) as report:
        return publish(report, outputs or {"comparison.md": "# text"}, store), report.comparison


def runs_there(client, experiment_id="1"):
    """Every run's kind by id."""
    return {run.info.run_id: run.data.tags["vreason.kind"] for run in client.search_runs([experiment_id])}


def test_everything_is_logged(pair, tracking_uri, store, client) -> None:
    """Outputs as they are, every picture as SVG, the table; the run is finished and says what it compares."""
    with reported(pair, tracking_uri) as report:
        run_id = publish(report, {"comparison.html": "<p>ü", "comparison.csv": "a\n"}, store)
        drawn = [f"figures/{figure.name}.svg" for figure in report.figures]
    there = [item.path for item in client.list_artifacts(run_id)]
    assert ["comparison.csv", "comparison.html", "comparison_table.json", "figures"] == sorted(there)
    assert sorted(drawn) == sorted(item.path for item in client.list_artifacts(run_id, "figures"))
    texts = {"comparison.html": "<p>ü", "comparison.csv": "a\n"}
    assert texts == {name: Path(client.download_artifacts(run_id, name)).read_text(encoding="utf-8") for name in texts}
    run = client.get_run(run_id)
    assert ("FINISHED", "comparison: v-reason against baseline") == (run.info.status, run.info.run_name)
    base, own = (each.run_id for each in report.comparison.runs)
    told = {name: run.data.tags[name] for name in ("vreason.kind", "compared.runs", "compared.baseline", "warnings")}
    assert {"vreason.kind": "comparison", "compared.runs": f"{base} {own}", "compared.baseline": base, "warnings": "none"} == told


def test_the_description_says_what_was_found(pair, tracking_uri, store, client) -> None:
    """The opening and a sentence a run, as Markdown."""
    run_id, comparison = published(pair, tracking_uri, store)
    told = client.get_run(run_id).data.tags["mlflow.note.content"]
    assert told.startswith("2 runs of trial, 14 questions about 14 videos")
    assert verdicts(comparison)[0] in re.sub(r"\\(.)", r"\1", told)


def test_the_description_begins_with_the_warnings(tmp_path, tracking_uri, store, client) -> None:
    """As the tag of that name does; a name's markup stays text."""
    root = tmp_path / "journal"
    name = "<b>[x](http://e)</b>"
    for folder in (like_runs.one(root, "baseline", like_runs.BASE), like_runs.one(root, name, {**like_runs.OWN, "q-02": None}, 1)):
        readback.deliver(folder, store)
    run_id, comparison = published(root, tracking_uri, store, names=("baseline", name), force=True)
    tags = client.get_run(run_id).data.tags
    assert comparison.warnings
    assert "\n".join(comparison.warnings) == tags["warnings"]
    assert tags["mlflow.note.content"].startswith(r"**WARNING** \<b\>\[x\](http://e)\</b\>: 1 of 14 questions failed")


def test_mlflow_loads_the_table(pair, tracking_uri, store) -> None:
    """Figures of all questions and of every benchmark, as in the CSV file: each with how many it is of, and what it is compared with."""
    run_id, comparison = published(pair, tracking_uri, store)
    mlflow.set_tracking_uri(tracking_uri)
    try:
        mlflow.set_experiment("trial")
        table = mlflow.load_table("comparison_table.json", run_ids=[run_id])
    finally:
        mlflow.set_tracking_uri(None)
    wanted = [row for row in figure_rows(comparison) if row["grouping"] in ("all", "benchmark")]
    assert len(wanted) == len(table) > 50
    assert [row["metric"] for row in wanted] == list(table["metric"])
    values = table["value"].astype(float)
    told = [row.get("value") for row in wanted if row.get("value") is not None]
    assert pytest.approx(told, rel=1e-12) == [each for each in values if each == each]
    assert {(14, 14, "baseline", "")} == set(zip(*(table[name] for name in ("questions", "videos", "baseline", "warning")), strict=True))
    assert set(COLUMNS) - set(table.columns) == {"standard_error", "n", "clusters"}


@pytest.fixture
def forced(tmp_path, tracking_uri, store):
    """Runs that are not alike, published; the run's id and the report."""
    root = tmp_path / "journal"
    name = "<b>&"
    other = {"params": like_runs.PARAMS | {"video.nframes": 16, "generation.max_new_tokens": 128}}
    readback.deliver(like_runs.one(root, "baseline", like_runs.BASE), store)
    readback.deliver(like_runs.one(root, name, like_runs.OWN, 1, **other), store)
    with reported(root, tracking_uri, names=("baseline", name), force=True) as report:
        return publish(report, {}, store), report


WARNING = "WARNING: unlike runs, compared with --force: frames, video.nframes; decoding, generation.max_new_tokens"


def test_a_forced_comparisons_table_says_so(forced, client) -> None:
    """In every row: whoever has the table alone is warned."""
    table = json.loads(Path(client.download_artifacts(forced[0], "comparison_table.json")).read_text(encoding="utf-8"))
    assert {WARNING} == {row[table["columns"].index("warning")] for row in table["data"]}


def test_a_forced_comparisons_pictures_say_so(forced, client) -> None:
    """In their first line, and in full for whoever has them read out."""
    run_id, report = forced
    assert report.figures
    for figure in report.figures:
        root = ElementTree.parse(client.download_artifacts(run_id, f"figures/{figure.name}.svg")).getroot()
        described, _, line = list(root)[:3]
        assert ("desc", "text", WARNING) == (described.tag.rpartition("}")[2], line.tag.rpartition("}")[2], line.text)
        assert "UNLIKE RUNS" in str(described.text)


def test_only_unlike_runs_are_warned_of(pair, tracking_uri) -> None:
    """By what they differ in, not by how a warning happens to begin."""
    with reported(pair, tracking_uri) as report:
        assert "" == warning_of(replace(report.comparison, warnings=["UNLIKE RUNS", "differs: frames: 8; 16"]))
        unlike = [Mismatch("frames", {"a": "8", "b": "16"}), Mismatch("device", {"a": "cpu", "b": "cuda"})]
        assert "WARNING: unlike runs, compared with --force: frames; device" == warning_of(replace(report.comparison, unlike=unlike))


def test_the_store_is_left_as_it_was(pair, tracking_uri, client) -> None:
    """A store that was opened on everything, or on another experiment, logs to the baseline's and still looks where it did."""
    for experiment in (None, "elsewhere"):
        store = MlflowStore(tracking_uri, experiment)
        before = (store.experiment_id, dict(store.experiments))
        run_id, comparison = published(pair, tracking_uri, store)
        assert before == (store.experiment_id, store.experiments)
        assert comparison.runs[0].experiment_id == client.get_run(run_id).info.experiment_id
    assert 1 == [*runs_there(client).values()].count("comparison")


def test_the_name_is_told_anew(pair, tracking_uri, store, client) -> None:
    """A run that was renamed since is called by its new name, in the list as in the title."""
    run_id, _ = published(pair, tracking_uri, store)
    client.update_run(run_id, name="old name")
    published(pair, tracking_uri, store)
    run = client.get_run(run_id)
    name = "comparison: v-reason against baseline"
    assert (name, name, "FINISHED") == (run.info.run_name, run.data.tags["mlflow.runName"], run.info.status)


def test_compared_again_it_is_the_same_run(pair, tracking_uri, store, client) -> None:
    """In any order; artifacts are replaced, and a table is not listed twice."""
    first, _ = published(pair, tracking_uri, store, {"comparison.md": "old"})
    again, _ = published(pair, tracking_uri, store, {"comparison.md": "new"}, names=("v-reason", "baseline"))
    assert first == again
    assert "new" == Path(client.download_artifacts(first, "comparison.md")).read_text()
    assert [{"path": "comparison_table.json", "type": "table"}] == json.loads(client.get_run(first).data.tags["mlflow.loggedArtifacts"])
    assert ["comparison", "variant", "variant"] == sorted(kind for kind in runs_there(client).values() if kind != "sample")


def test_another_baseline_is_another_run(pair, tracking_uri, store) -> None:
    """The figures say something else."""
    assert published(pair, tracking_uri, store)[0] != published(pair, tracking_uri, store, baseline="v-reason")[0]


def test_a_run_that_was_delivered_meanwhile_is_the_same_run(tmp_path, tracking_uri, store) -> None:
    """First it goes by the journal's name for it, then by MLflow's; the comparison is the same."""
    root = tmp_path / "journal"
    readback.deliver(like_runs.one(root, "baseline", like_runs.BASE), store)
    own = like_runs.one(root, "v-reason", like_runs.OWN, 1)
    before, comparison = published(root, tracking_uri, store)
    assert own.run_id == comparison.runs[1].run_id
    readback.deliver(own, store)
    after, comparison = published(root, tracking_uri, store)
    assert own.run_id != comparison.runs[1].run_id
    assert before == after


def test_the_variants_own_runs_are_not_changed(pair, tracking_uri, store, tmp_path) -> None:
    """Byte by byte in the database, but for the run that is new."""
    before = readback.content(tmp_path / "mlflow.db", store.experiment_id)
    published(pair, tracking_uri, store)
    after = readback.content(tmp_path / "mlflow.db", store.experiment_id)
    (new,) = set(after) - set(before)
    assert "comparison: v-reason against baseline" == new
    assert before == {name: value for name, value in after.items() if name != new}


def test_it_is_no_run_of_a_variant(pair, tracking_uri, store) -> None:
    """Neither in the list of runs, nor among those that an experiment's comparison takes."""
    published(pair, tracking_uri, store)
    assert ["v-reason", "baseline"] == [run.name for run in stored_runs(MlflowStore(tracking_uri, "trial"))]
    found, excluded = experiment_runs(Catalog(pair, tracking_uri, "trial").read(), "trial")
    assert (["baseline", "v-reason"], None) == ([run.variant for run in found], excluded)


def test_a_store_that_refuses_is_told(pair, tracking_uri, client) -> None:
    """As an error of ours; the run that was begun is marked as failed, and the next time it is gone on with."""
    store = MlflowStore(tracking_uri, "trial")
    faulty_store.faulty(store, lambda number, name: "before" if name == "log_artifact" else None)
    with pytest.raises(TrackingError, match="does not answer as it should"):
        published(pair, tracking_uri, store)
    (begun,) = list(client.search_runs(["1"], "tags.`vreason.kind` = 'comparison'"))
    assert "FAILED" == begun.info.status
    run_id, _ = published(pair, tracking_uri, MlflowStore(tracking_uri, "trial"))
    assert (begun.info.run_id, "FINISHED") == (run_id, client.get_run(run_id).info.status)


def test_one_that_was_left_open_is_not_reaped(pair, tracking_uri, store, client) -> None:
    """Nobody takes it for a silent run of a variant, however old it is."""
    run_id, _ = published(pair, tracking_uri, store)
    client.update_run(run_id, status="RUNNING")
    assert [] == list(reap_store(store, pair, 0))
    assert "RUNNING" == client.get_run(run_id).info.status


def test_pictures_have_a_size_of_their_own(pair, tracking_uri, store, client) -> None:
    """That of their drawing; without one MLflow's view of artifacts shows nothing."""
    with reported(pair, tracking_uri) as report:
        run_id = publish(report, {}, store)
    for figure in report.figures:
        root = ElementTree.parse(client.download_artifacts(run_id, f"figures/{figure.name}.svg")).getroot()
        assert root.attrib["viewBox"].split()[2:] == [root.attrib["width"], root.attrib["height"]]
