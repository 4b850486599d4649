"""Journals of synthetic samples, written by the real writer, and every event that is in one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tests.helpers import records
from vreason.events import SampleRecord, StepRecord
from vreason_tracking.journal.codec import Event, SessionEnded, SessionStarted, foot, head, to_record
from vreason_tracking.journal.folder import RunFolder
from vreason_tracking.journal.lines import to_line
from vreason_tracking.journal.manifest import Manifest
from vreason_tracking.journal.reader import read_events
from vreason_tracking.journal.writer import Block, JournalWriter
from vreason_tracking.telemetry import DeviceRecord

RUN_ID = "20261120T094512-3f2a9c"
MIB = 2**20


def manifest(run_id: str = RUN_ID, **changes: Any) -> Manifest:
    """Of one variant; `changes` are fields."""
    values: dict[str, Any] = {
        "variant": "v-reason",
        "call_id": "c0ffee",
        "call_position": 0,
        "call_variants": 1,
        "config_name": "trial",
        "experiment": "trial",
        "tracking_uri": "sqlite:////tmp/größer.db",
        "mode": "offline",
        "colour": "#0072b2",
        "config": "name: trial  # größer\n",
        "created_ms": records.START_MS,
        "params": {"seed": 0, "method.controller.lr": 3e-4, "data.path": None},
        "tags": {"git.commit": "4c71d97"},
        "identity": {"run": "0123456789abcdef"},
        "sample_ids": ("s-1", "s-2"),
    }
    return Manifest(run_id=run_id, **{**values, **changes})


def new(root: Path, run_id: str = RUN_ID) -> RunFolder:
    """A new run's folder below `root`."""
    return RunFolder.create(root, manifest(run_id))


def begin(session: int = 1, started_ms: int = records.START_MS) -> SessionStarted:
    """A session of a process that is none of ours."""
    return SessionStarted(session, 4_242, "elsewhere", "somebody", started_ms)


def end(session: int = 1, status: str = "FINISHED", error: str | None = None) -> SessionEnded:
    """A session's end."""
    return SessionEnded(session, status, error, records.START_MS + 60_000, ("listener Progress failed 2 time(s)",))


def device(second: int = 0) -> DeviceRecord:
    """A GPU that tells everything but the memory of processes."""
    start = records.START_MS + 1000 * second
    return DeviceRecord("gpu.0", "NVIDIA H100", start, start + 2000, second, None, 70 * MIB, 93.0, 412.5, None, 20, 1)


def blocks(name: str = "s-1", count: int = 5, size: int = 16, **changes: Any) -> list[Sequence[StepRecord | SampleRecord]]:
    """A sample as the decoding loop tells it: its steps in blocks, then itself."""
    reply = records.steps(name, count)
    cut: list[Sequence[StepRecord | SampleRecord]] = [reply[start : start + size] for start in range(0, count, size)]
    return [*cut, [records.sample(name, reply, **changes)]]


def write(folder: RunFolder, given: Iterable[Block], first: int = 1) -> None:
    """Blocks, from fragment `first` on, by the real writer, which is closed again."""
    writer = JournalWriter(folder, first)
    for block in given:
        writer.put(block)
    writer.close()


def fragment_bytes(events: Sequence[Event], number: int = 1, *, closed: bool = True) -> bytes:
    """What a fragment of these events holds, byte by byte."""
    closing = [foot(len(events))] if closed else []
    return b"".join(map(to_line, [head(RUN_ID, number), *map(to_record, events), *closing]))


def events(folder: RunFolder) -> list[Event]:
    """Every intact event of the closed fragments."""
    return list(read_events(folder))


def steps_of(folder: RunFolder) -> list[tuple[str, int]]:
    """Sample and token of every step in the closed fragments."""
    return [(event.sample_id, event.token_index) for event in events(folder) if isinstance(event, StepRecord)]
