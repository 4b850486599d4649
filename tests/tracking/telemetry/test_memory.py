"""vreason_tracking.telemetry.memory: one number out of all readings, and the best of what was seen."""

from __future__ import annotations

import pytest

from vreason_tracking.telemetry.devices import Reading
from vreason_tracking.telemetry.memory import SOURCES, MemoryInUse, best_source

HOST = Reading("host", "", rss_bytes=5)


def gpu(process: int | None = None, device: int | None = None, errors: int = 0) -> Reading:
    return Reading("gpu.0", "", process_bytes=process, device_bytes=device, errors=errors)


@pytest.mark.parametrize(
    ("gpus", "expected"),
    [
        ([gpu(30, 70), gpu(4, 9), gpu(0, 1)], (34, "nvml:process")),
        ([gpu(None, 70), gpu(None, 9)], (79, "nvml:device")),
        ([gpu(30, 70), gpu(None, 9)], (79, "nvml:device")),  # process and device bytes are never added up
        ([gpu(30, 70), gpu(4, None)], (34, "nvml:process")),
        ([gpu(None, 70), gpu(None, None)], (5, "rss")),
        ([gpu(0, 0)], (0, "nvml:process")),
        ([], (5, "rss")),
    ],
)
def test_the_best_source_that_every_gpu_answered_counts(gpus: list[Reading], expected: tuple[int, str]) -> None:
    """Sums over the GPUs, of one kind of bytes."""
    memory = MemoryInUse()
    memory.take(gpus, HOST)
    assert expected == memory.latest == memory.peak()


def test_nothing_is_known_at_first() -> None:
    """Before the first reading, and where nobody answers, there is no number."""
    memory = MemoryInUse()
    assert (None, None) == (memory.latest, memory.peak())
    memory.take([], Reading("host", "", errors=1))
    assert (None, None) == (memory.latest, memory.peak())


def test_the_newest_stands_while_its_source_fails() -> None:
    """A source that used to answer is waited for; once it is no longer asked the next one counts."""
    memory = MemoryInUse()
    memory.take([gpu(30, 70)], HOST)
    memory.take([gpu(None, 71, errors=1)], HOST)
    assert (30, "nvml:process") == memory.latest
    memory.take([gpu(None, 71)], HOST)
    assert (71, "nvml:device") == memory.latest
    memory.take([gpu(None, None, errors=1)], HOST)
    assert (71, "nvml:device") == memory.latest
    memory.take([gpu()], HOST)
    assert (5, "rss") == memory.latest


def test_a_source_that_never_answered_is_not_waited_for() -> None:
    """The first number is there although the better source fails."""
    memory = MemoryInUse()
    memory.take([gpu(None, 70, errors=1)], HOST)
    assert (70, "nvml:device") == memory.latest


def test_the_peak_is_the_greatest_of_its_window() -> None:
    """A maximum, not a mean; a new window begins with the newest number."""
    memory = MemoryInUse()
    for process in (3, 9, 2):
        memory.take([gpu(process, 70)], HOST)
    assert (9, "nvml:process") == memory.peak()
    memory.reset_peak()
    assert (2, "nvml:process") == memory.peak()
    memory.take([gpu(4, 70)], HOST)
    assert (4, "nvml:process") == memory.peak()


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 1, 0], [1, 2, 0]])
def test_when_the_source_changes_the_best_one_s_peak_counts(order: list[int]) -> None:
    """Whichever came first and whoever measured more: the greatest number of the best source in the window."""
    rounds = [[gpu(3, 70)], [gpu(None, 80)], []]
    memory = MemoryInUse()
    for number in order:
        memory.take(rounds[number], Reading("host", "", rss_bytes=999))
    assert (3, "nvml:process") == memory.peak()


def test_a_source_of_an_earlier_window_is_forgotten() -> None:
    """A window speaks of itself and of the newest number alone."""
    memory = MemoryInUse()
    memory.take([gpu(3, 70)], HOST)
    memory.take([gpu(None, 80)], HOST)
    memory.reset_peak()
    assert (80, "nvml:device") == memory.peak()


def test_rank_of_the_sources() -> None:
    """This process's GPU memory before everybody's before resident memory, one we do not know last; none of none."""
    assert ("nvml:process", "nvml:device", "rss") == SOURCES
    assert [*SOURCES, "another", None] == [best_source([*SOURCES, "another"][start:]) for start in range(5)]
    assert "rss" == best_source(reversed(["rss", "another"]))
