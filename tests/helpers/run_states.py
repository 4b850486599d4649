"""Runs in every state that a user may meet, made by the recorder and the delivery themselves, without a model."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.helpers import readback, records
from tests.helpers.waiting import wait_until
from vreason.clock import unix_ms
from vreason_tracking.delivery.checkpoint import DeliveryLog
from vreason_tracking.journal.folder import RunFolder
from vreason_tracking.journal.reader import closed_samples
from vreason_tracking.records.tags import HEARTBEAT_TAG, RUN_TAG
from vreason_tracking.running.recorder import RunRecorder
from vreason_tracking.stores.mlflow_store import MlflowStore

ROOT = Path(__file__).parents[2]
OPEN = "s-3"
"""The sample that a killed run was answering: nine steps of it are there."""

_DIE = "import sys; from tests.helpers import run_states; run_states.answer_for_ever(*sys.argv[1:])"


def finished(root: Path, name: str = "v-reason", store: MlflowStore | None = None, **changes: Any) -> RunFolder:
    """A run of three samples, come to its end; delivered, if a store is given."""
    folder = readback.recorded(root, name=name, **changes)
    if store is not None:
        readback.deliver(folder, store)
    return folder


def interrupted(root: Path, done: Mapping[str, int], name: str = "v-reason", **changes: Any) -> RunFolder:
    """A run that somebody ended after these samples."""
    recorder = readback.recorder_of(root, name, **changes)
    readback.answer(recorder, done)
    recorder.finish("KILLED", "terminated (SIGTERM)")
    return recorder.folder


def continued(folder: RunFolder, rest: Mapping[str, int]) -> RunFolder:
    """A second session, which answers these samples and ends the run."""
    recorder = RunRecorder(folder)
    readback.answer(recorder, rest)
    recorder.finish("FINISHED")
    return folder


@contextmanager
def running(root: Path, done: Mapping[str, int], name: str = "v-reason", **changes: Any) -> Iterator[RunRecorder]:
    """A run that this process is at work on, with these samples done and on disk."""
    recorder = readback.recorder_of(root, name, **changes)
    readback.answer(recorder, done)
    assert wait_until(lambda: len(closed_samples(recorder.folder)) == len(done))
    try:
        yield recorder
    finally:
        recorder.finish("FINISHED")


def answer_for_ever(root: str, name: str, changes: str) -> None:
    """In a process that is to be killed: two samples, the first steps of a third, then nothing more."""
    recorder = readback.recorder_of(Path(root), name, **json.loads(changes))
    readback.answer(recorder, {"s-1": 12, "s-2": 7})
    recorder.on_steps(records.steps(OPEN, 9))
    print(recorder.folder.run_id, flush=True)
    signal.pause()


def killed(root: Path, name: str = "v-reason", **changes: Any) -> RunFolder:
    """A run whose process was ended with SIGKILL while it answered a third sample, and which nobody has closed."""
    command = [sys.executable, "-c", _DIE, str(root), name, json.dumps(changes)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    folder = RunFolder(root / process.stdout.readline().strip())
    assert wait_until(lambda: any(OPEN in text for text in _texts(folder)))
    process.kill()
    process.wait()
    process.stdout.close()
    return folder


def _texts(folder: RunFolder) -> list[str]:
    """All fragments; one that is closed just now is found at the next look."""
    found = []
    for path in folder.path.glob("*.journal*"):
        with contextlib.suppress(FileNotFoundError):
            found.append(path.read_text())
    return found


def rejected(root: Path, reason: str = "the run was deleted", **changes: Any) -> RunFolder:
    """A run that the store has refused."""
    folder = readback.recorded(root, **changes)
    log = DeliveryLog(folder.delivery_log)
    log.rejected(reason)
    log.close()
    return folder


def flip_a_bit(folder: RunFolder, sample_id: str = "s-2") -> Path:
    """Damage the first step of a sample; returns the fragment."""
    name = f'["step","{sample_id}"'.encode()
    path = next(path for _, path in folder.fragments() if name in path.read_bytes())
    data = bytearray(path.read_bytes())
    data[data.index(name) + len(name) + 4] ^= 1
    path.write_bytes(data)
    return path


def spoil_manifest(folder: RunFolder, text: str = '{"format": 1, "run_id": ') -> RunFolder:
    """A manifest that is none."""
    (folder.path / "run.json").write_text(text)
    return folder


def rewrite_manifest(folder: RunFolder, **changes: Any) -> RunFolder:
    """A manifest with other values, its checksum right: what another run's or another program's would look like."""
    (folder.path / "run.json").write_text(replace(RunFolder(folder.path).manifest, **changes).to_json(), encoding="utf-8")
    return folder


def remote(store: MlflowStore, name: str, *, started_ms: int, heard_ms: int | None = None, **tags: str) -> str:
    """A run of a machine far away that claims to be running, heard of last just now or then; returns its MLflow id."""
    heartbeat = unix_ms() if heard_ms is None else heard_ms
    known = {"vreason.kind": "variant", RUN_TAG: f"far-{name}", HEARTBEAT_TAG: str(heartbeat), "host": "far", "user": "ada"}
    return store.start_run(name, known | tags, started_ms=started_ms)
