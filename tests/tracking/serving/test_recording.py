"""Served replies in the journal: as a run has its samples, without what clients have sent, within bounds; and drift against the run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.bundle_world import BundleWorld
from tests.helpers.model_server import ModelServer, chat, data_uri, record, serving
from tests.helpers.waiting import wait_until
from vreason.benchmarks import DemoBenchmark, Sample
from vreason_tracking.catalog import Catalog, LocalRun, recorded_runs
from vreason_tracking.comparison import drift
from vreason_tracking.journal import journal_folder, readable_runs, verify

MEASURED = ("generation_ms", "control_share")  # times, which another load on the machine moves
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def asked() -> list[Sample]:
    return list(DemoBenchmark(limit=6).samples())


@pytest.fixture(scope="module")
def served(bundles: BundleWorld, asked: list[Sample], tmp_path_factory: pytest.TempPathFactory) -> LocalRun:
    """The record of a server that was asked all six questions and one that failed, and has ended."""
    folder = tmp_path_factory.mktemp("recorded")
    with serving(bundles, folder, "--record", "--journal", str(folder / "served-journal")) as server:
        _ask(server, asked)
        assert 0 == server.end()
    (run,) = readable_runs(folder / "served-journal")
    return LocalRun(run)


def _ask(server: ModelServer, asked: list[Sample]) -> None:
    sent = [record(sample, video=data_uri(sample.video)) for sample in asked]
    assert [None] * 6 == [each["error"] for each in server.post("/invocations", {"dataframe_records": sent}).json["predictions"]]


def test_the_same_steps_as_the_run(bundles: BundleWorld, served: LocalRun) -> None:
    """The journal is whole and FINISHED; entropies and tokens are those of the run's samples."""
    from vreason_tracking.journal import read_events

    assert ("FINISHED", True) == (served.status, verify(served.folder).intact)
    run = bundles.catalog.find("v-reason").local
    assert run is not None

    def replies(local: LocalRun) -> list[list[tuple[int, float]]]:
        found: dict[str, list[tuple[int, float]]] = {}
        for event in read_events(local.folder):
            if hasattr(event, "entropy"):
                found.setdefault(event.sample_id, []).append((event.token_id, round(event.entropy, 4)))
        return sorted(found.values())

    assert [[token for token, _ in each] for each in replies(run)] == [[token for token, _ in each] for each in replies(served)]


def test_nothing_of_the_clients(served: LocalRun, asked: list[Sample]) -> None:
    """Neither questions nor answers nor videos are anywhere in its files."""
    texts = b"".join(path.read_bytes() for path in served.folder.path.iterdir() if path.is_file())
    assert asked[0].question.encode() not in texts
    assert b"data:video" not in texts
    assert b"<answer>" not in texts.replace(json.dumps(served.manifest.config).encode(), b"")
    assert {("", "", "", ())} == {
        (each.sample.video, each.sample.question, each.sample.output, each.sample.options) for each in served.samples
    }


def test_no_drift_of_the_same_questions(bundles: BundleWorld, served: LocalRun) -> None:
    """Asked the run's own questions, nothing has moved, and means are the run's."""
    runs = [bundles.catalog.find("v-reason"), Catalog(served.folder.path.parent, bundles.uri, "vreason").find(served.run_id)]
    with recorded_runs(runs) as (registered, recorded):
        found = drift(registered, recorded)
    assert ("shapes/1", (6, 6), []) == (
        found.version,
        found.replies,
        [each.name for each in found.figures if each.moved and each.name not in MEASURED],
    )
    entropy, tokens = (next(each for each in found.figures if each.name == name) for name in ("entropy", "output_tokens"))
    assert entropy.registered is not None
    assert entropy.served is not None
    assert entropy.registered.value == pytest.approx(entropy.served.value, rel=1e-2)
    assert (0.0, tokens.registered and tokens.registered.value) == (
        tokens.difference and tokens.difference[0],
        tokens.served and tokens.served.value,
    )


def test_compare_takes_it(
    bundles: BundleWorld, served: LocalRun, program: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`compare RUN SERVED` prints the drift, in whichever order, and writes it as JSON."""
    import shutil

    root = tmp_path / "journal"
    shutil.copytree(bundles.root, root)
    shutil.copytree(served.folder.path, root / served.run_id)
    done = program(
        "compare", served.run_id, "v-reason", "--json", tmp_path / "drift.json", "--tracking-uri", bundles.uri, "--journal", root
    )
    assert (0, True) == (done.code, "6 replies of shapes/1, served, beside 6 of v-reason" in done.out), done.err
    written = json.loads((tmp_path / "drift.json").read_text())
    assert {"entropy", "output_tokens", "signature.truncated"} <= {each["name"] for each in written["figures"]}
    refused = program("compare", served.run_id, "v-reason", "--html", tmp_path / "x.html", "--tracking-uri", bundles.uri, "--journal", root)
    assert (2, True) == (refused.code, "--json has" in refused.err)


def test_content_and_bounds(bundles: BundleWorld, asked: list[Sample], tmp_path: Path) -> None:
    """With --record-content the questions are there; at its size the record is closed, and the server goes on."""
    root = tmp_path / "served-journal"
    with serving(bundles, tmp_path, "--record-content", "--record-mb", "0.02", "--journal", str(root)) as server:
        body = chat(asked[0], data_uri(asked[0].video))
        for _ in range(8):
            assert 200 == server.post("/v1/chat/completions", body).status
        wait_until(lambda: "has come to its limit" in server.log.read_text(), 20)
        (run,) = [LocalRun(each) for each in readable_runs(root)]
        assert "FINISHED" == run.status
        assert 0 < len(run.samples) < 8
        assert asked[0].question == run.samples[0].sample.question
        assert run.samples[0].sample.output.startswith("<think>")
        assert "" == run.samples[0].sample.video, "a clip that was sent is never kept"
    assert journal_folder(str(root)) == root
