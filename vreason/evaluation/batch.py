"""A batch of samples with their frames: read once, answered by as many variants as there are."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from vreason.benchmarks import Sample
from vreason.errors import DataError, ReaderError, VideoError, VideoUnavailableError
from vreason.evaluation.failure_signatures import ADVICE, OUT_OF_MEMORY
from vreason.video import VideoConfig, VideoFrames, read_video

_log = logging.getLogger(__name__)

PAUSES = (0.2, 0.5, 1.0)  # seconds before a video that cannot be read now is tried again
_SHOWN = 10  # repeated ids named in an error; the rest is counted


@dataclass(frozen=True)
class LoadedSample:
    """A sample with its frames, or with the reason why there are none.

    Attributes:
        sample: the question.
        frames: of its video; None when they could not be read.
        error: why not; None when they could.
        unavailable: whether that says nothing about the file: asked again later it may be read.
        decode_ms: time that reading took, milliseconds.
    """

    sample: Sample
    frames: VideoFrames | None
    error: str | None
    decode_ms: float
    unavailable: bool = False


@dataclass
class LoadedBatch:
    """Samples that are answered side by side.

    Attributes:
        samples: in their order.
        inputs: model inputs that were made of them, by what they were made with: variants with the same prompt share them.
    """

    samples: Sequence[LoadedSample]
    inputs: dict[Any, Any] = field(default_factory=dict)

    @property
    def readable(self) -> list[LoadedSample]:
        """The samples whose frames could be read."""
        return [each for each in self.samples if each.frames is not None]


def batches_of(samples: Sequence[Sample], size: int) -> list[Sequence[Sample]]:
    """The samples cut into batches, whatever is done already: a padded row's last digits may depend on its neighbours."""
    return [samples[start : start + size] for start in range(0, len(samples), size)]


def read_batch(samples: Sequence[Sample], video: VideoConfig) -> LoadedBatch:
    """Read the frames of a batch. A video that cannot be used becomes its sample's error.

    Raises:
        ReaderError: no video can be read here.
    """
    return LoadedBatch([_read(sample, video) for sample in samples])


def _read(sample: Sample, video: VideoConfig) -> LoadedSample:
    start = time.perf_counter()
    frames, error, unavailable = None, None, False
    try:
        frames = _read_patiently(sample.video, video)
    except ReaderError:
        raise
    except VideoError as failure:
        error, unavailable = str(failure), isinstance(failure, VideoUnavailableError)
    except MemoryError:
        error = f"{sample.video}: not enough memory for its frames; {ADVICE[OUT_OF_MEMORY]}"
    return LoadedSample(sample, frames, error, (time.perf_counter() - start) * 1000, unavailable)


def _read_patiently(path: str, video: VideoConfig) -> VideoFrames:
    """Try again what says nothing about the file."""
    for pause in PAUSES:
        try:
            return read_video(path, video)
        except ReaderError:
            raise
        except VideoUnavailableError as failure:
            _log.warning("%s; tried again in %g s", failure, pause)
            time.sleep(pause)
    return read_video(path, video)


def require_unique_ids(samples: Collection[Sample]) -> None:
    """A record is found by its sample's id, so two samples may not share one.

    Raises:
        DataError: two samples have the same id; the message names them.
    """
    counts = Counter(sample.sample_id for sample in samples)
    if repeated := [f"{name!r} ({count} times)" for name, count in counts.items() if count > 1]:
        more = f" and {len(repeated) - _SHOWN} more" if len(repeated) > _SHOWN else ""
        raise DataError(f"sample ids must differ, but these are repeated: {', '.join(repeated[:_SHOWN])}{more}; give each sample its own")
