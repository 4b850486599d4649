"""vreason_tracking.telemetry.devices: a record is plain values, in a fixed order."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError, asdict, fields

import pytest

from vreason_tracking.telemetry.devices import DeviceRecord, Reading
from vreason_tracking.telemetry.windows import QUANTITIES

RECORD = DeviceRecord("gpu.0", "NVIDIA H200", 1_000, 3_000, 0, 5, 7, 99.0, 612.5, None, 40, 0)


def test_a_record_survives_json() -> None:
    """Its fields are numbers, text and None: written in their order and read back they make an equal record."""
    assert DeviceRecord(*json.loads(json.dumps([getattr(RECORD, field.name) for field in fields(RECORD)]))) == RECORD


def test_the_order_of_the_fields_is_kept() -> None:
    """What is written as a flat list is read back by position: the order is part of what is stored."""
    expected = ["device", "name", "started_ms", "timestamp_ms", "second", "process_bytes", "device_bytes", "utilization_percent"]
    assert [*expected, "power_watts", "rss_bytes", "samples", "errors"] == [field.name for field in fields(DeviceRecord)]


def test_a_record_is_frozen() -> None:
    """A record that was told is not changed by anybody."""
    with pytest.raises(FrozenInstanceError):
        RECORD.samples = 0  # type: ignore[misc]


def test_every_quantity_is_in_both() -> None:
    """What a window takes the maximum of stands in a reading and in a record, and is not known before it is read."""
    assert {None} == {getattr(Reading("gpu.0", "NVIDIA H200"), quantity) for quantity in QUANTITIES}
    assert {*QUANTITIES} <= {*asdict(RECORD)}
