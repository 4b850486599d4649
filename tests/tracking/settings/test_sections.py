"""vreason_tracking.settings.sections: fields one by one."""

from __future__ import annotations

from dataclasses import asdict
from typing import get_args

import pytest
from hypothesis import given, settings, strategies as st

from vreason.errors import ConfigError
from vreason.prompts import PROBLEM_TYPES
from vreason.video.frames import VideoConfig
from vreason_tracking.settings import parse_settings
from vreason_tracking.settings.sections import ProblemType, TrackingSettings, VideoSettings
from vreason_tracking.settings.yaml_files import dump

ONE = "name: x\nvariants: [{name: a}]\n"


def test_video_defaults_are_the_reader_s():
    """Names and defaults of the video section are those of VideoConfig, so that one makes the other."""
    assert asdict(VideoConfig()) == VideoSettings().model_dump()


_number = st.none() | st.integers(-2, 10**6) | st.floats(-1, 1e5)
_video = st.dictionaries(st.sampled_from([*VideoSettings.model_fields]), _number)


@given(_video)
@settings(max_examples=200, deadline=None)
def test_video_section_and_reader_agree(video):
    """A video section is accepted exactly when VideoConfig accepts what it says."""

    def accepted(make):
        try:
            make()
        except ConfigError:
            return False
        return True

    meant = {**({"nframes": None} if video.get("fps") is not None else {}), **video}
    assert accepted(lambda: VideoConfig(**meant)) == accepted(lambda: parse_settings(ONE + dump({"video": video})))


def test_problem_types_are_the_prompts():
    """The problem types that suffixes may name are those that prompts render."""
    assert PROBLEM_TYPES == get_args(ProblemType)


@pytest.mark.parametrize("device", ["auto", "cpu", "mps", "cuda", "cuda:0", "cuda:12"])
def test_devices(device):
    """Every way to name a device is taken as it is."""
    assert device == parse_settings(ONE + f"model: {{device: '{device}'}}").model.device


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
