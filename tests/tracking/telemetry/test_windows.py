"""vreason_tracking.telemetry.windows: maxima over windows of two seconds, each told once."""

from __future__ import annotations

import threading
import time
import warnings

import pytest

from vreason_tracking.telemetry import windows
from vreason_tracking.telemetry.devices import DeviceRecord, Reading
from vreason_tracking.telemetry.error_counter import ErrorCounter
from vreason_tracking.telemetry.windows import Windows


class Clock:
    """Seconds that a test sets."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Listening:
    """Windows under a clock of their own, and what they told."""

    def __init__(self) -> None:
        self.told: list[DeviceRecord] = []
        self.clock, self.errors = Clock(), ErrorCounter()
        self.begun_ms = time.time() * 1000
        self.windows = Windows(self.told.append, self.errors, clock=self.clock)

    def at(self, second: float, *readings: Reading) -> None:
        self.clock.now = 1000.0 + second
        self.windows.add(readings)


def gpu(number: int = 0, **quantities: float) -> Reading:
    return Reading(f"gpu.{number}", "NVIDIA H200", **quantities)  # type: ignore[arg-type]


@pytest.fixture
def listening() -> Listening:
    return Listening()


def test_a_window_is_told_when_it_is_over(listening: Listening) -> None:
    """Two seconds wide, with the greatest of each quantity; the reading that ends it belongs to the next."""
    listening.at(0.1, gpu(process_bytes=3, device_bytes=70, utilization_percent=10.0, power_watts=100.0))
    listening.at(0.9, gpu(process_bytes=9, device_bytes=60))
    listening.at(1.9, gpu(process_bytes=2, device_bytes=65, utilization_percent=99.0, power_watts=90.0))
    assert [] == listening.told
    listening.at(2.0, gpu(process_bytes=500, device_bytes=500))
    (record,) = listening.told
    assert ("gpu.0", "NVIDIA H200", 0) == (record.device, record.name, record.second)
    assert (9, 70, 99.0, 100.0, None) == (
        record.process_bytes,
        record.device_bytes,
        record.utilization_percent,
        record.power_watts,
        record.rss_bytes,
    )
    assert (3, 0) == (record.samples, record.errors)
    assert listening.begun_ms == pytest.approx(record.started_ms, abs=1000)
    assert 2000 == record.timestamp_ms - record.started_ms


def test_bytes_stay_whole_numbers(listening: Listening) -> None:
    """More bytes than a float holds exactly arrive as they were read."""
    listening.at(0.1, gpu(device_bytes=2**53 + 1))
    listening.windows.close()
    assert 2**53 + 1 == listening.told[0].device_bytes


def test_each_device_has_a_series_of_its_own(listening: Listening) -> None:
    """Two GPUs and the host: three records a window, never mixed."""
    for second in (0.5, 2.5, 4.5):
        listening.at(second, gpu(0, process_bytes=1), gpu(1, process_bytes=7), Reading("host", "x86_64", rss_bytes=100))
    found = [(record.second, record.device, record.process_bytes, record.rss_bytes) for record in listening.told]
    one, two = ([(second, "gpu.0", 1, None), (second, "gpu.1", 7, None), (second, "host", None, 100)] for second in (0, 2))
    assert [*one, *two] == found


def test_the_rest_is_told_at_the_end(listening: Listening) -> None:
    """The last window ends when listening ends, and nothing is told afterwards or twice."""
    listening.at(0.5, gpu(process_bytes=1))
    listening.at(2.5, gpu(process_bytes=2))
    listening.clock.now += 0.25
    listening.windows.close()
    listening.windows.close()
    for second in (9.0, 12.0):
        listening.at(second, gpu(process_bytes=3))
    assert [(0, 1, 2000), (2, 2, 750)] == [(r.second, r.process_bytes, r.timestamp_ms - r.started_ms) for r in listening.told]


def test_a_driver_that_hung_leaves_a_gap(listening: Listening) -> None:
    """Seven seconds without a reading: the window before it has its own times, the empty ones are left out, steps go on rising."""
    listening.at(0.5, gpu(process_bytes=1))
    listening.at(7.5, gpu(process_bytes=2))
    listening.windows.close()
    assert [(0, 0, 2000), (6, 6000, 7500)] == [
        (record.second, record.started_ms - listening.told[0].started_ms, record.timestamp_ms - listening.told[0].started_ms)
        for record in listening.told
    ]


def test_an_earlier_series_goes_on() -> None:
    """A listener that has heard of ten seconds before counts on from there; the times of the day are the new ones."""
    told: list[DeviceRecord] = []
    clock = Clock()
    begun_ms = time.time() * 1000
    subject = Windows(told.append, ErrorCounter(), 10, clock)
    for _ in range(2):
        subject.add([gpu(process_bytes=1)])
        clock.now += 2
    subject.close()
    assert [10, 12] == [record.second for record in told]
    assert begun_ms == pytest.approx(told[0].started_ms, abs=1000)


def test_a_window_of_failures_says_so(listening: Listening) -> None:
    """No answer at all: no number, no sample, and the count of what failed."""
    listening.at(0.5, gpu(errors=2))
    listening.at(0.6, gpu(errors=2))
    listening.windows.close()
    (record,) = listening.told
    assert (None, None, 0, 4) == (record.process_bytes, record.device_bytes, record.samples, record.errors)


def test_a_device_that_is_not_asked_is_not_told(listening: Listening) -> None:
    """Nothing answered and nothing failed: there is nothing to say."""
    listening.at(0.5, gpu(), Reading("host", "x86_64", rss_bytes=1))
    listening.windows.close()
    assert ["host"] == [record.device for record in listening.told]


def test_nothing_was_read(listening: Listening) -> None:
    """A listener that came and went between two readings is told nothing."""
    listening.windows.close()
    assert [] == listening.told


def test_a_failing_listener_is_counted_and_said_once(recwarn: pytest.WarningsRecorder) -> None:
    """Every record that it refused counts; it is named once, and still told of the next."""
    warnings.simplefilter("always")
    told, faults, clock = [], ErrorCounter(), Clock()

    def full(record: DeviceRecord) -> None:
        told.append(record)
        raise OSError("disk full")

    subject = Windows(full, faults, clock=clock)
    for _ in range(3):
        subject.add([gpu(process_bytes=1)])
        clock.now += 2
    subject.close()
    assert (3, 3) == (len(told), faults.count)
    (warning,) = [str(warning.message) for warning in recwarn]
    assert "disk full" in warning
    assert "full)" in warning


def test_a_listener_that_hangs_does_not_hold_up_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """The end waits for a while, counts the listener as failed and goes on."""
    monkeypatch.setattr(windows, "EXIT_TIMEOUT", 0.05)
    inside, release, faults, clock = threading.Event(), threading.Event(), ErrorCounter(), Clock()

    def hang(record: DeviceRecord) -> None:
        inside.set()
        release.wait(60)

    subject = Windows(hang, faults, clock=clock)
    subject.add([gpu(process_bytes=1)])
    clock.now += 2
    thread = threading.Thread(target=subject.add, args=([gpu(process_bytes=2)],))
    thread.start()
    assert inside.wait(30)
    with pytest.warns(RuntimeWarning, match="does not return"):
        subject.close()
    assert 1 == faults.count
    release.set()
    thread.join(30)
