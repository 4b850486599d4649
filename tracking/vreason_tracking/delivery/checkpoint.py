"""What has been delivered of a run, and where to: marks beside its journal, appended once MLflow has taken something.

    ["opened", {"run_id": ..., "experiment_id": ..., "uri": ...}]   the MLflow run
    ["sample", sample_id, nested run id, points]                    a sample with all of its points
    ["devices", records, points]                                    the first so many DeviceRecords
    ["closed", session, status]                                     everything up to the end of this session
    ["parked", reason]   ["freed"]                                  refused for good; to be tried again

Lines with checksums, as in the journal. A mark that is lost (a torn line, a crash between sending and marking) costs sending once more,
which changes nothing. The process that holds the delivery lease appends; anybody reads.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vreason_tracking.journal import read_lines, to_line


@dataclass
class DeliveryState:
    """What the marks say.

    Attributes:
        run_id, experiment_id, uri: the MLflow run and where it is; None before it was made.
        samples: sample id to the id of its nested run.
        points: delivered so far.
        devices: number of DeviceRecords delivered.
        session: the last session that was delivered to its end; 0 before.
        status: MLflow's status of it.
        rejected: why the store refused the run for good; None when it did not.
    """

    run_id: str | None = None
    experiment_id: str | None = None
    uri: str | None = None
    samples: dict[str, str] = field(default_factory=dict)
    points: int = 0
    devices: int = 0
    session: int = 0
    status: str | None = None
    rejected: str | None = None

    def take(self, record: list[Any]) -> None:
        """Bring up to date with one mark; kinds that a later version may write are passed over."""
        kind, *values = record
        if kind == "opened":
            self.run_id, self.experiment_id, self.uri = (values[0][name] for name in ("run_id", "experiment_id", "uri"))
        elif kind == "sample" and values[0] not in self.samples:
            self.samples[values[0]] = values[1]
            self.points += values[2]
        elif kind == "devices" and values[0] > self.devices:
            self.devices = values[0]
            self.points += values[1]
        elif kind == "closed":
            self.session, self.status = values
        elif kind in ("parked", "freed"):
            self.rejected = values[0] if values else None


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

    def sample(self, sample_id: str, nested: str, points: int) -> None:
        """A sample is there with all of its points."""
        self._mark(["sample", sample_id, nested, points])

    def devices(self, records: int, points: int) -> None:
        """The first `records` DeviceRecords are there; the newest of them came to `points`."""
        self._mark(["devices", records, points])

    def closed(self, session: int, status: str) -> None:
        """A session is there to its end."""
        self._mark(["closed", session, status])

    def rejected(self, reason: str) -> None:
        """The store refuses the run for good."""
        self._mark(["parked", reason])

    def freed(self) -> None:
        """It is to be tried again."""
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
