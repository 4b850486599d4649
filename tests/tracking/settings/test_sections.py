"""vreason_tracking.settings.sections: fields one by one."""

from __future__ import annotations

from typing import get_args

from vreason.prompts import PROBLEM_TYPES
from vreason_tracking.settings.sections import ProblemType, TrackingSettings


def test_problem_types_are_the_prompts():
    """The problem types that suffixes may name are those that prompts render."""
    assert PROBLEM_TYPES == get_args(ProblemType)


def test_tracking_uri_resolves_in_order():
    """The URI of the file wins over the environment's, that over the SQLite file; an empty variable counts as unset."""
    environment = {"MLFLOW_TRACKING_URI": "http://env"}
    assert "http://file" == TrackingSettings(uri="http://file").resolved_uri(environment)
    assert "http://env" == TrackingSettings().resolved_uri(environment)
    assert "sqlite:///mlflow.db" == TrackingSettings().resolved_uri({})
    assert "sqlite:///mlflow.db" == TrackingSettings().resolved_uri({"MLFLOW_TRACKING_URI": ""})
    assert "postgresql+psycopg://h/db" == TrackingSettings(uri="postgres://h/db").resolved_uri(environment)


def test_tracking_uri_reads_the_environment_of_the_moment(monkeypatch):
    """Without an argument the process's environment decides, as it is when asked."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://now")
    assert "http://now" == TrackingSettings().resolved_uri()
