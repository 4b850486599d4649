"""A run as the journal of this machine knows it: how it stands, and how much of it is still to be delivered.

The lease decides whether it is under way: the kernel takes it away with its process. What costs reading the whole journal is read when it
is asked for, and where everything is delivered the marks beside the journal say the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

from vreason.clock import unix_ms
from vreason.errors import TrackingError
from vreason_tracking.delivery import DeliveryState, read_delivered
from vreason_tracking.journal import (
    Manifest,
    RunFolder,
    SampleEntry,
    SessionEnded,
    SessionStarted,
    closed_samples,
    damaged_records,
    holder,
    is_held,
    is_run,
    last_end,
    last_session,
    read_only,
    recorded_points,
)


class LocalRun:
    """One folder of the journal. Everything is read at most once: make another to look again.

    Raises:
        TrackingError: by the properties that read, but for `fault`: the folder cannot be read, or holds no manifest that could be.
    """

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder

    @property
    def run_id(self) -> str:
        """The run's name in the journal."""
        return self.folder.run_id

    @property
    def ids(self) -> tuple[str, ...]:
        """The run's name in the journal, and its id in MLflow where that is known."""
        try:
            return tuple(each for each in (self.run_id, self.marks.run_id) if each)
        except TrackingError:
            return (self.run_id,)

    @property
    def variant(self) -> str:
        """The variant's name in the config; "" where the manifest is damaged."""
        return "" if self.fault else self.manifest.variant

    @property
    def started_ms(self) -> int:
        """When it was begun, Unix time in milliseconds; 0 where the manifest is damaged."""
        return 0 if self.fault else self.manifest.created_ms

    @cached_property
    def fault(self) -> str | None:
        """Why nothing can be said of the run; None when its manifest, its marks and its end can be read."""
        try:
            _ = self.manifest, self.marks, self.status
        except TrackingError as error:
            return str(error)
        return None

    @cached_property
    def manifest(self) -> Manifest:
        """What is known of it since it was begun."""
        with translate_os_errors(self.folder.path):
            return self.folder.manifest

    @cached_property
    def marks(self) -> DeliveryState:
        """What has been delivered of it."""
        with translate_os_errors(self.folder.path):
            return read_delivered(self.folder.delivery_log)

    @cached_property
    def end(self) -> SessionEnded | None:
        """How its last session ended; None while it is under way, or died abruptly."""
        with translate_os_errors(self.folder.path):
            return last_end(self.folder)

    @cached_property
    def holder(self) -> str | None:
        """The process that runs it now; None when there is none."""
        with translate_os_errors(self.folder.path):
            return holder(self.folder.lease) if is_held(self.folder.lease) else None

    @cached_property
    def deliverer(self) -> str | None:
        """The process that delivers it now; None when there is none."""
        with translate_os_errors(self.folder.path):
            return holder(self.folder.delivery_lease) if is_held(self.folder.delivery_lease) else None

    @property
    def unclosed(self) -> bool:
        """Whether its process is gone, and nobody has closed it yet."""
        return self.holder is None and self.end is None  # in this order: a run that ends meanwhile has an end by then

    @property
    def status(self) -> str:
        """RUNNING, FINISHED, FAILED or KILLED."""
        if self.holder is not None:
            return "RUNNING"
        return self.end.status if self.end is not None else "KILLED"

    @property
    def is_delivered(self) -> bool:
        """Whether MLflow has all of it, to its end."""
        return self.holder is None and self.end is not None and self.marks.session >= self.end.session and self.marks.rejected is None

    @cached_property
    def samples(self) -> list[SampleEntry]:
        """The run's finished samples, in the order in which they ended. Reads the whole journal."""
        with translate_os_errors(self.folder.path):
            return closed_samples(self.folder)

    @property
    def done(self) -> int:
        """Number of finished samples."""
        return len(self.marks.samples) if self.is_delivered else len(self.samples)

    @property
    def expected_samples(self) -> int | None:
        """Number of samples that it was begun to ask; None of a program's own loop, which does not say."""
        return len(self.manifest.sample_ids) or None

    @cached_property
    def recorded(self) -> int:
        """Metric points that its finished samples and devices come to."""
        if self.is_delivered:
            return self.marks.points
        with translate_os_errors(self.folder.path):
            return max(recorded_points(self.folder), self.marks.points)

    @property
    def delivered(self) -> int:
        """Points of those that MLflow has."""
        return self.marks.points

    @property
    def waiting(self) -> int:
        """Points of those that MLflow has not."""
        return self.recorded - self.delivered

    @cached_property
    def session(self) -> int:
        """Number of its last session; 0 before the first."""
        if self.end is not None:
            return self.end.session
        with translate_os_errors(self.folder.path):
            return last_session(self.folder)

    @cached_property
    def damaged(self) -> int:
        """Records that are not what was written. Reads the whole journal."""
        with translate_os_errors(self.folder.path):
            return damaged_records(self.folder)

    @cached_property
    def working_seconds(self) -> float:
        """What its sessions took together, each by its own clock; one that died without an end is not counted. Reads the whole journal."""
        begun: dict[int, int] = {}
        took = 0
        with translate_os_errors(self.folder.path):
            for event in read_only(self.folder, "begin", "end"):
                if isinstance(event, SessionStarted):
                    begun[event.session] = event.started_ms
                elif isinstance(event, SessionEnded):
                    took += max(0, event.ended_ms - begun.pop(event.session, event.ended_ms))
        if self.holder is not None and self.session in begun:
            took += max(0, unix_ms() - begun[self.session])
        return took / 1000

    @property
    def bytes_on_disk(self) -> int:
        """Size of its files."""
        with translate_os_errors(self.folder.path):
            return sum(path.lstat().st_size for path in self.folder.path.iterdir() if path.exists())


def local_runs(root: Path) -> list[LocalRun]:
    """Every run of a journal, oldest first; none where there is no such folder.

    One that nobody may look at is among them, with its fault, and so is one that has lost its manifest.

    Raises:
        TrackingError: `root` is no folder, or cannot be read.
    """
    with translate_os_errors(root):
        if root.exists() and not root.is_dir():
            raise TrackingError(f"{root}: is a file, and a journal is a folder; name it with --journal")
        paths = sorted(root.iterdir()) if root.exists() else []
    return [LocalRun(RunFolder(path)) for path in paths if _is_run(path)]


def _is_run(path: Path) -> bool:
    try:
        return is_run(path)
    except OSError:  # its permissions keep us from knowing
        return True


@contextmanager
def translate_os_errors(path: Path) -> Iterator[None]:
    """Say of an OSError what could not be read, and what to do.

    Raises:
        TrackingError: instead of it.
    """
    try:
        yield
    except OSError as error:
        where = error.filename or path
        raise TrackingError(
            f"{where}: cannot be read ({error.strerror or error}); check its permissions, or name another --journal"
        ) from error
