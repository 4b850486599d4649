"""Whether a run of these settings could be made: all that it needs is looked at; no weights are read, nothing is recorded or created."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vreason.errors import (
    DataError,
    PluginError,
    ReaderError,
    TrackingError,
    UnsupportedModelError,
    VideoError,
    VReasonError,
)
from vreason_tracking.health import Check, described, place_checks, store_checks, store_folder
from vreason_tracking.journal import journal_folder
from vreason_tracking.running.inputs import load_samples, require_plugins
from vreason_tracking.running.listening import load_listeners
from vreason_tracking.settings import RunSettings
from vreason_tracking.stores import redact_password

if TYPE_CHECKING:
    from vreason.benchmarks import Sample

_SHOWN = 20  # videos named in a message; the rest is counted
_PROBING = 30.0  # seconds for one video's header


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        check: what was found.
        exit_code: with which a run would end by it; 0 where it would not.
    """

    check: Check
    exit_code: int = 0


class PreflightError(VReasonError):
    """Something that a run needs is not there; `exit_code` is that with which the run would have ended."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        failed = [finding for finding in findings if finding.exit_code]
        self.exit_code = failed[0].exit_code
        hints = [f"; {finding.check.hint}" if finding.check.hint else "" for finding in failed]
        lines = [f"  {finding.check.name}: {finding.check.detail}{hint}" for finding, hint in zip(failed, hints, strict=True)]
        super().__init__("\n".join([f"a run cannot be made yet: {len(failed)} of {len(findings)} checks failed", *lines]))


def preflight(settings: RunSettings) -> Iterator[Finding]:
    """Look at everything that a run of these settings needs, in the order in which a run would.

    Plug-ins, listeners and scorers are loaded; the data file is read whole, and every video's header; the model's folder or repository,
    family and device are looked at, the journal's folder, its disk, and the store as a run would open it.
    """
    samples: list[Sample] = []

    def data() -> Iterator[Check]:
        samples.extend(load_samples(settings))
        clips = len({sample.video for sample in samples})
        yield Check("data", "ok", f"{settings.data.source}: {len(samples)} question(s) about {clips} video(s)")

    looks: list[tuple[str, int, Callable[[], Iterable[Check]]]] = [
        ("plug-ins", PluginError.exit_code, lambda: _plugins(settings)),
        ("data", DataError.exit_code, data),
        ("videos", VideoError.exit_code, lambda: _videos(samples)),
        ("model", UnsupportedModelError.exit_code, lambda: _model(settings)),
        ("journal", TrackingError.exit_code, lambda: place_checks(journal_folder(settings.tracking.journal), "journal")),
        ("store", TrackingError.exit_code, lambda: _store(settings)),
    ]
    for name, code, look in looks:
        try:
            for check in look():
                yield Finding(check, code if check.state == "failure" else 0)
        except VReasonError as error:
            yield Finding(Check(name, "failure", redact_password(str(error))), error.exit_code)
        except Exception as error:  # a database's driver, or a library that is broken
            yield Finding(Check(name, "failure", redact_password(described(error)), "see what `vreason-track doctor` says"), code)


def _plugins(settings: RunSettings) -> Iterator[Check]:
    require_plugins(settings)
    listeners = load_listeners(settings.listeners)
    yield Check("plug-ins", "ok", f"scoring {settings.data.scoring}, {len(listeners)} listener(s)")


def _videos(samples: Sequence[Sample]) -> Iterator[Check]:
    from vreason.video import probe_video

    paths = list(dict.fromkeys(sample.video for sample in samples))
    if not paths:
        yield Check("videos", "warning", "not looked at", "see what is wrong with the data")
        return
    faults = []
    for path in paths:
        try:
            probe_video(path, _PROBING)
        except ReaderError:
            raise
        except VideoError as error:
            faults.append(str(error))
    if not faults:
        yield Check("videos", "ok", f"{len(paths)} can be opened")
        return
    more = [f"... and {len(faults) - _SHOWN} more"] if len(faults) > _SHOWN else []
    yield Check("videos", "failure", "\n    ".join([f"{len(faults)} of {len(paths)} cannot be opened", *faults[:_SHOWN], *more]))


def _model(settings: RunSettings) -> Iterator[Check]:
    from vreason.models import find_model

    found = find_model(settings.model)
    device = found.placement.get("device_map") or ("cpu" if settings.model.device == "auto" else settings.model.device)
    yield Check("model", "ok", f"{settings.model.id}: family {found.family}, on {device}")
    if found.hub_fault:
        advice = "a run takes it from there, if all of it lies there"
        yield Check("model", "warning", f"the hub does not answer ({found.hub_fault}); its config lies in the cache", advice)


def _store(settings: RunSettings) -> Iterator[Check]:
    if settings.tracking.mode == "offline":
        yield Check("store", "ok", "not needed: the run is recorded offline")
        return
    uri = settings.tracking.resolved_uri()
    if uri.startswith("sqlite"):
        yield next(place_checks(store_folder(uri), "store"))
    for check in store_checks(uri):
        yield Check(f"store, {check.name}", check.state, redact_password(check.detail), redact_password(check.hint))
