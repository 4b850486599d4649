"""The times in an evaluation's records: they fit together, and a wall clock that jumps while a reply is generated spoils none of them."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.evaluations import TOKENS, Events, run
from vreason.benchmarks import Sample
from vreason.clock import unix_ms
from vreason.events import SampleRecord
from vreason.models.loading import LoadedModel

HOUR = 3_600.0


def fits(record: SampleRecord, events: Events) -> None:
    """Started, first token, last token: exactly the stamps' differences, none negative, control inside."""
    steps = events.steps[record.sample_id]
    stamps = [record.started_ms, *(step.timestamp_ms for step in steps)]
    assert sorted(stamps) == stamps
    assert (stamps[1] - stamps[0], stamps[-1] - stamps[0]) == (record.time_to_first_token_ms, record.generation_ms)
    assert sum(step.step_ms for step in steps) <= stamps[-1] - stamps[0] + 2
    assert 0 < sum(step.control_ms for step in steps) == record.control_ms
    assert 0 <= (record.ms_per_token or 0) * (TOKENS - 1) <= stamps[-1] - stamps[1] + 1e-6


@pytest.mark.parametrize("batch_size", [1, 2])
def test_times_fit_together(loaded: LoadedModel, samples: list[Sample], batch_size: int) -> None:
    """Started within the call; the first token, then the rest, control inside; nothing longer than the call."""
    events = Events()
    begun = unix_ms()
    first, second = run(loaded, samples[:2], [events], batch_size=batch_size)
    ended = unix_ms()
    for record in (first, second):
        fits(record, events)
        assert begun <= record.started_ms < record.started_ms + (record.generation_ms or 0) <= ended
        assert 0 < record.decode_video_ms <= ended - begun + 1
    if batch_size == 1:
        assert first.started_ms + (first.generation_ms or 0) <= second.started_ms
    else:
        assert first.started_ms == second.started_ms


@pytest.mark.parametrize("batch_size", [1, 2])
@pytest.mark.parametrize("jump", [-HOUR, HOUR], ids=["back", "forth"])
def test_a_wall_clock_that_jumps(
    loaded: LoadedModel, samples: list[Sample], monkeypatch: pytest.MonkeyPatch, jump: float, batch_size: int
) -> None:
    """The wall clock jumps by an hour at the third token: stamps ascend over both samples, durations are those of a steady clock."""
    real, calls, events = time.time_ns, 0, Events()

    def jumps(*_: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            monkeypatch.setattr(time, "time_ns", lambda: real() + int(jump * 1e9))
            monkeypatch.setattr(time, "time", lambda: time.time_ns() / 1e9)

    begun = time.perf_counter()
    with loaded.model.register_forward_pre_hook(jumps):
        records = run(loaded, samples[:2], [events], batch_size=batch_size)
    elapsed = (time.perf_counter() - begun) * 1000
    assert jump == pytest.approx(time.time() - real() / 1e9, abs=60)
    for record in records:
        fits(record, events)
        assert (record.generation_ms or 0) <= elapsed + 1
    whole = [stamp for record in records for stamp in (record.started_ms, events.steps[record.sample_id][-1].timestamp_ms)]
    assert (sorted(whole) == whole) if batch_size == 1 else (whole[:2] == whole[2:])
    assert whole[-1] - whole[0] <= elapsed + 1


def test_a_failed_sample_has_its_time(loaded: LoadedModel, samples: list[Sample], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sample without a video, after a jump back by an hour: its record is dated after the one before it, its reading took some time."""
    real = time.time_ns
    (first,) = run(loaded, samples[:1])
    monkeypatch.setattr(time, "time_ns", lambda: real() - int(HOUR * 1e9))
    monkeypatch.setattr(time, "time", lambda: time.time_ns() / 1e9)
    (failed,) = run(loaded, [replace(samples[1], video=str(tmp_path / "missing.mp4"))])
    assert failed.error is not None
    assert first.started_ms + (first.generation_ms or 0) <= failed.started_ms <= unix_ms()
    assert failed.decode_video_ms > 0
