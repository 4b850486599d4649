"""vreason_tracking.running.preflight: what a run needs, looked at before it is made."""

from __future__ import annotations

import pytest

from tests.helpers import trials
from tests.helpers.web_server import answering
from vreason.errors import ReaderError
from vreason_tracking.running.preflight import PreflightError, preflight
from vreason_tracking.settings import parse_settings


def found(settings):
    return {finding.check.name: finding for finding in preflight(settings)}


def test_everything_is_there(experiment) -> None:
    """One line for each thing, none of them wrong."""
    looked = found(experiment())
    assert ["plug-ins", "data", "videos", "model", "journal", "disk", "store"] == list(looked)[:7]
    assert {0} == {finding.exit_code for finding in looked.values()}
    assert "demo: 3 question(s) about 1 video(s)" == looked["data"].check.detail


def test_offline_no_store_is_needed(experiment) -> None:
    """Wherever it is, it is not looked at."""
    looked = found(experiment(tracking={"uri": "http://127.0.0.1:1", "mode": "offline"}))
    assert "not needed: the run is recorded offline" == looked["store"].check.detail
    assert {0} == {finding.exit_code for finding in looked.values()}


@pytest.mark.parametrize(
    ("sections", "name", "code", "text"),
    [
        ({"data": {"source": "nowhere.json"}}, "data", 4, "nowhere.json"),
        ({"data": {"source": "demo", "limit": 1, "scoring": "json:nothing_of_it"}}, "plug-ins", 2, "nothing_of_it"),
        ({"listeners": ["json:nothing_of_it"]}, "plug-ins", 2, "nothing_of_it"),
        ({"model": {"id": "./nowhere"}}, "model", 3, "no such folder"),
        ({"tracking": {"uri": "http://127.0.0.1:1"}}, "store, server", 5, "does not answer"),
    ],
)
def test_what_is_not_there(experiment, sections, name, code, text) -> None:
    """It alone is wrong, with the exit code that a run would end with."""
    looked = found(parse_settings(trials.trial(**({"model": "demo", "variants": trials.ONE} | sections))))
    assert {name: code} == {each: finding.exit_code for each, finding in looked.items() if finding.exit_code}
    assert text in looked[name].check.detail
    with pytest.raises(PreflightError) as raised:
        raise PreflightError(list(looked.values()))
    assert (code, True) == (raised.value.exit_code, f"\n  {name}: " in str(raised.value))


def test_the_run_s_own_exit_code_is_the_first_one_s(experiment) -> None:
    """A run would not come so far as to meet the second."""
    settings = experiment(model={"id": "./nowhere"}, data={"source": "nowhere.json"})
    findings = list(preflight(settings))
    assert 4 == PreflightError(findings).exit_code
    assert ["videos"] == [finding.check.name for finding in findings if finding.check.state == "warning" and finding.check.name != "disk"]


def test_a_server_that_is_no_mlflow(experiment) -> None:
    """A login page answers, and is no store."""
    with answering(200, "<html>Log in</html>") as (address, _):
        looked = found(experiment(tracking={"uri": address}))
    assert 5 == looked["store, server"].exit_code
    assert "is no healthy MLflow server" in looked["store, server"].check.detail


def test_no_video_can_be_read(experiment, monkeypatch) -> None:
    """The process that reads does not start: said once, and not of every file after a minute each."""
    asked = []

    def fails(path, timeout):
        asked.append(path)
        raise ReaderError(path, "the reading process cannot be started")

    monkeypatch.setattr("vreason.video.probe_video", fails)
    looked = found(experiment(data={"source": "demo", "limit": 12}))
    assert (4, 1) == (looked["videos"].exit_code, len(asked))


def test_a_driver_that_raises(experiment, monkeypatch) -> None:
    """Whatever a library raises is a finding, without a password and without a traceback."""

    def fails(uri):
        raise RuntimeError("cannot reach mysql://me:s3cret@host/db")

    monkeypatch.setitem(preflight.__globals__, "store_checks", fails)
    finding = found(experiment())["store"]
    assert (5, True, False) == (finding.exit_code, "RuntimeError" in finding.check.detail, "s3cret" in finding.check.detail)
