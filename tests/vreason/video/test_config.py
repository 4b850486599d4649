"""vreason.video.config: which frames are taken, checked in one place."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import FrozenInstanceError, replace

import pytest

from vreason.errors import ConfigError
from vreason.video.config import VideoConfig

ORDER = "lower the one or raise the other"


def found(**settings: object) -> list[str]:
    """Everything that making these settings is refused for."""
    with pytest.raises(ConfigError) as caught:
        VideoConfig(**settings)  # type: ignore[arg-type]
    return [str(issue) for issue in caught.value.issues]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"fps": 2.0}, "nframes: 16 beside fps 2.0: both are set; give one of the two, and null for the other"),
        ({"nframes": None}, "nframes: null beside fps null: neither is set; give one of the two, and null for the other"),
        ({"nframes": 0}, "nframes: 0 is not a whole number of at least 1 or null"),
        ({"nframes": True}, "nframes: true is not a whole number of at least 1 or null"),
        ({"nframes": 8.0}, "nframes: 8.0 is not a whole number of at least 1 or null"),
        ({"nframes": None, "fps": "2"}, "fps: '2' is not a number of at least 0.001 and at most 1000 or null"),
        ({"nframes": None, "fps": 1000.5}, "fps: 1000.5 is not a number of at least 0.001 and at most 1000 or null"),
        ({"min_frames": 9, "max_frames": 8}, f"min_frames: 9 is above max_frames, which is 8; {ORDER}"),
        ({"min_pixels": 9, "max_pixels": 8}, f"min_pixels: 9 is above max_pixels, which is 8; {ORDER}"),
        ({"max_pixels": 0}, "max_pixels: 0 is not a whole number of at least 1"),
        ({"min_frames": None}, "min_frames: null is not a whole number of at least 1"),
        ({"timeout": 0}, "timeout: 0 is not a number of at least 0.001 and at most 86400"),
    ],
)
def test_a_wrong_setting_is_refused_by_its_path(settings: dict[str, object], expected: str) -> None:
    """Each wrong value makes one issue: the field, the value, and what is allowed."""
    assert [f"video.{expected}"] == found(**settings)


def test_every_wrong_setting_is_reported_at_once() -> None:
    """Wrong fields and a wrong pair of others make an issue each, in one error."""
    issues = found(nframes=2, fps=1, max_frames=-1, min_pixels=9, max_pixels=8, timeout=float("nan"))
    assert ["video.max_frames", "video.timeout", "video.nframes", "video.min_pixels"] == [issue.split(":")[0] for issue in issues]


def test_issues_stand_under_the_path_given() -> None:
    """Settings made can be looked at again under any path; there is nothing wrong with them."""
    assert [] == VideoConfig().issues("clips.0")
    wrong = object.__new__(VideoConfig)
    object.__setattr__(wrong, "nframes", 0)
    assert ["clips.0.nframes"] == [issue.path for issue in wrong.issues("clips.0")]


def test_the_ends_of_the_ranges_are_allowed() -> None:
    """One frame, a thousandth of a frame a second or a thousand, a day for a clip, and equal bounds are settings."""
    assert 1 == VideoConfig(nframes=1, min_frames=1, max_frames=1, min_pixels=1, max_pixels=1, timeout=86_400).nframes
    assert [0.001, 1000.0] == [VideoConfig(nframes=None, fps=fps).fps for fps in (1e-3, 1000)]


def test_numbers_are_kept_in_one_form() -> None:
    """A whole number given for a rate or a time becomes the float that it is, so that both are recorded alike."""
    config = VideoConfig(nframes=None, fps=2, timeout=30)
    assert ("2.0", "30.0") == (repr(config.fps), repr(config.timeout))
    assert VideoConfig(nframes=None, fps=2.0, timeout=30.0) == config


def test_settings_are_frozen_and_checked_when_replaced() -> None:
    """No field can be set later, and `replace` checks again."""
    with pytest.raises(FrozenInstanceError):
        VideoConfig().nframes = 8  # type: ignore[misc]
    with pytest.raises(ConfigError, match=r"video\.nframes"):
        replace(VideoConfig(), nframes=0)


def test_settings_load_without_heavy_libraries() -> None:
    """Importing them loads neither numpy, decord nor torch: a command that only reads settings stays fast."""
    code = "import sys; from vreason.video import VideoConfig; print(sorted({'numpy', 'torch', 'decord'} & set(sys.modules)))"
    assert "[]\n" == subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
