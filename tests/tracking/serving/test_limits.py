"""A server's limits are above 0."""

from __future__ import annotations

from dataclasses import fields

import pytest

from vreason.errors import ConfigError
from vreason_tracking.serving.limits import ServingLimits


@pytest.mark.parametrize("name", [field.name for field in fields(ServingLimits)])
def test_each(name: str) -> None:
    """One that is not is named."""
    with pytest.raises(ConfigError, match=name):
        ServingLimits(**{name: 0})


def test_of_a_clip() -> None:
    """Duration and pixels go to the reader."""
    assert (7.0, 9.0) == (ServingLimits(video_seconds=7.0).clip.seconds, ServingLimits(video_pixels=9.0).clip.pixels)
