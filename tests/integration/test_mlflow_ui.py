"""MLflow's own pages over a run of ours, in real Chromium."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from mlflow_pages import browser_page, mlflow_server

from vreason_tracking.running.runner import run_experiment
from vreason_tracking.settings import load_settings

CONFIG = Path(__file__).parents[2] / "configs" / "quickstart.yaml"
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def test_variants_compare_side_by_side_and_their_entropy_curves_overlay(tmp_path):
    """In the UI the three variants stand in the list, in the comparison with their accuracies, and in one chart of curve/entropy; all
    charts stand in groups, by what is before the last / of their names.
    """
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    places = [f"tracking.uri={uri}", f"tracking.journal={tmp_path}/journal"]
    results = run_experiment(load_settings(CONFIG, places, limit=3))
    runs = [result.run_id for result in results]
    assert ["baseline", "v-reason", "v-reason-lite"] == [result.name for result in results]
    with mlflow_server(uri, tmp_path) as address, browser_page(tmp_path) as page:
        page.set_default_timeout(180_000)
        page.goto(f"{address}/#/experiments/1/runs")
        for name in ("baseline", "v-reason", "v-reason-lite"):
            page.get_by_text(name, exact=True).first.wait_for()
        chosen = json.dumps(runs, separators=(",", ":"))
        page.goto(f'{address}/#/compare-runs?runs={chosen}&experiments=["1"]')
        page.get_by_text("Comparing 3 Runs").first.wait_for()
        page.get_by_text("method.controller.k").first.wait_for()
        body = page.inner_text("body")
        assert all(run_id[:20] in body for run_id in runs)
        page.goto(f"{address}/#/experiments/1/runs?compareRunsMode=CHART")
        page.get_by_placeholder("Search metric charts").fill("curve/entropy")
        traces = page.locator(".js-plotly-plot .scatterlayer .trace")
        traces.nth(2).wait_for(state="attached")
        page.wait_for_function("document.querySelectorAll('.js-plotly-plot .scatterlayer .trace').length % 3 == 0")
        for name in ("baseline", "v-reason", "v-reason-lite"):
            page.wait_for_function("text => document.body.innerText.includes(text)", arg=f"{name} (curve/ent")  # drawn one by one
        page.get_by_placeholder("Search metric charts").fill("")
        for group in ("accuracy", "accuracy/type", "curve", "host", "latency", "live", "memory", "samples", "signatures", "tokens"):
            page.get_by_text(group, exact=True).first.wait_for()
