"""What has been delivered of a run, and where to: marks beside its journal, appended once MLflow has taken something.

    ["opened", {"run_id": ..., "experiment_id": ..., "uri": ...}]   the MLflow run; another one takes the place of an earlier one
    ["sample", sample_id, nested run id, points, times]             a sample with all of its points, asked again so often before
    ["replaced", sample_id, nested run id, points]                  a sample with all of its points, in the place of an earlier run of it
    ["devices", records, points]                                    the first so many DeviceRecords
    ["closed", session, status]                                     everything up to the end of this session
    ["again"]                                                       the variant's own series and end are to be sent once more
    ["rejected", reason]   ["freed"]                                refused for good; to be tried again
    ["left out", sample id or null, kind, name, reason]             a value that MLflow does not take

Lines with checksums, as in the journal. A mark that is lost (a torn line, a crash between sending and marking) costs sending once more,
which changes nothing. Earlier
versions wrote "mended" for "replaced" and "parked" for "rejected".
The process that holds the delivery lease appends; anybody reads.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vreason_tracking.journal import read_lines, to_line

_NAMED = 5  # values that a line names


@dataclass
class DeliveryState:
    """What the marks say.

    Attributes:
        run_id, experiment_id, uri: the MLflow run and where it is; None before it was made.
        samples: sample id to the id of its nested run.
        times: sample id to how often it had been asked again, because it had failed, when it was delivered.
        points: delivered so far.
        devices: number of DeviceRecords delivered.
        session: the last session that was delivered to its end; 0 before.
        status: MLflow's status of it.
        rejected: why the store refused the run for good; None when it did not.
        excluded: values that the store does not take: sample (None of the variant's own run), kind and name to the store's reason.
    """

    run_id: str | None = None
    experiment_id: str | None = None
    uri: str | None = None
    samples: dict[str, str] = field(default_factory=dict)
    times: dict[str, int] = field(default_factory=dict)
    points: int = 0
    devices: int = 0
    session: int = 0
    status: str | None = None
    rejected: str | None = None
    excluded: dict[tuple[str | None, str, str], str] = field(default_factory=dict)
    _device_points: int = field(default=0, compare=False)
    _sample_points: dict[str, int] = field(default_factory=dict, compare=False)

    def take(self, record: list[Any]) -> None:
        """Bring up to date with one mark; kinds that a later version may write are passed over."""
        kind, *values = record
        if kind == "opened":
            self._open(*(values[0][name] for name in ("run_id", "experiment_id", "uri")))
        elif kind == "sample":
            times = values[3] if len(values) > 3 else 0  # earlier versions did not tell
            if values[0] not in self.samples or times > self.times.get(values[0], 0):
                self._sample(*values[:3])
                self.times[values[0]] = times
        elif kind in ("replaced", "mended"):
            self._sample(*values)
        elif kind == "devices" and values[0] > self.devices:
            self.devices = values[0]
            self._device_points += values[1]
            self.points += values[1]
        elif kind == "closed":
            self.session, self.status = values
        elif kind == "again":
            self._forget_own()
        elif kind in ("rejected", "parked", "freed"):
            self.rejected = values[0] if values else None
        elif kind == "left out":
            sample_id, what, name, reason = values
            self.excluded[sample_id, what, name] = reason

    def _sample(self, sample_id: str, nested: str, points: int) -> None:
        """A sample is there, in this run; in the place of an earlier one, if there was one."""
        self.points += points - self._sample_points.get(sample_id, 0)
        self.samples[sample_id], self._sample_points[sample_id] = nested, points

    def _forget_own(self) -> None:
        """What was delivered of the variant's own run; its samples stay."""
        self.points -= self._device_points
        self.devices = self._device_points = self.session = 0
        self.status = None

    def _open(self, run_id: str, experiment_id: str, uri: str) -> None:
        """The variant's run; another one in the place of an earlier one has nothing yet but the samples, which were moved."""
        if self.run_id not in (None, run_id):
            self._forget_own()
        self.run_id, self.experiment_id, self.uri = run_id, experiment_id, uri


def excluded_line(state: DeliveryState) -> str | None:
    """How many values of a run the store does not take, which ones, and why; None where it has taken all."""
    if not state.excluded:
        return None
    named = [f"{kind} {name!r}" + (f" of sample {sample}" if sample else "") for sample, kind, name in list(state.excluded)[:_NAMED]]
    more = f" and {len(state.excluded) - _NAMED} more" if len(state.excluded) > _NAMED else ""
    why = next(iter(state.excluded.values()))
    return f"{len(state.excluded)} value(s) were left out, for the store does not take them: {', '.join(named)}{more} ({why})"


def read_delivered(path: Path) -> DeliveryState:
    """The marks of a run; damaged ones are passed over, which costs sending once more."""
    delivered = DeliveryState()
    if path.exists():
        for line in read_lines(path.read_bytes()):
            if line.record is not None:
                delivered.take(line.record)
    return delivered


class DeliveryLog:
    """The marks, open for appending. Its owner holds the delivery lease.

    Args:
        path: the file; made when it is not there. A torn last line is cut.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.delivered = read_delivered(path)
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        whole = path.read_bytes().rfind(b"\n") + 1
        os.ftruncate(self._file, whole)

    def opened(self, run_id: str, experiment_id: str, uri: str) -> None:
        """The MLflow run was made, or found."""
        self._mark(["opened", {"run_id": run_id, "experiment_id": experiment_id, "uri": uri}])

    def sample(self, sample_id: str, nested: str, points: int, times: int = 0) -> None:
        """A sample is there with all of its points; `times` is how often it had been asked again by then."""
        self._mark(["sample", sample_id, nested, points, *([times] if times else [])])

    def replaced(self, sample_id: str, nested: str, points: int) -> None:
        """A sample is there with all of its points, in a run that takes the place of an earlier one."""
        self._mark(["replaced", sample_id, nested, points])

    def devices(self, records: int, points: int) -> None:
        """The first `records` DeviceRecords are there; the newest of them came to `points`."""
        self._mark(["devices", records, points])

    def closed(self, session: int, status: str) -> None:
        """A session is there to its end."""
        self._mark(["closed", session, status])

    def again(self) -> None:
        """The variant's own series and its end are to be sent once more."""
        self._mark(["again"])

    def rejected(self, reason: str) -> None:
        """The store refuses the run for good."""
        self._mark(["rejected", reason])

    def excluded(self, sample_id: str | None, kind: str, name: str, reason: str) -> None:
        """The store does not take a value; told once."""
        if (sample_id, kind, name) not in self.delivered.excluded:
            self._mark(["left out", sample_id, kind, name, reason])

    def freed(self) -> None:
        """The run that was refused is to be tried again."""
        if self.delivered.rejected is not None:
            self._mark(["freed"])

    def _mark(self, record: list[Any]) -> None:
        os.write(self._file, to_line(record))
        self.delivered.take(record)

    def close(self) -> None:
        """Close the file; a second time does nothing."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
