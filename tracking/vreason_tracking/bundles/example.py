"""The input example of a bundle: a question of its run with the video inside it, so that it runs wherever the bundle does."""

from __future__ import annotations

import base64
import mimetypes
from pathlib import Path
from typing import Any

from vreason_tracking.bundles.bundle import Example
from vreason_tracking.bundles.source_run import SourceRun

LARGEST = 2 * 2**20
"""Bytes of a video that goes into the example: it lies in MLflow as base64, and its pages show it."""


def make_example(source: SourceRun) -> tuple[dict[str, Any], Example]:
    """A record as a caller would write it, and what the run answered to it.

    The first sample of the run that has an answer and whose video is here and small enough; where there is none, the first answered
    question with a clip of the embedded demo, whose answer nobody knows.
    """
    answered = [sample for sample in source.samples if sample.error is None]
    for sample in answered:
        if _is_small(sample.video):
            record = {**_question(sample), "video": data_uri(Path(sample.video))}
            return record, Example(sample_id=sample.sample_id, output=sample.output, token_ids=source.token_ids(sample.sample_id))
    from vreason.benchmarks import DemoBenchmark

    clip = DemoBenchmark(limit=1).samples()[0]
    asked = answered[0] if answered else clip
    return {**_question(asked), "video": data_uri(Path(clip.video))}, Example(sample_id=asked.sample_id, output=None)


def data_uri(path: Path) -> str:
    """A video file as a data: URI."""
    kind = mimetypes.guess_type(path.name)[0] or "video/mp4"
    return f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"


def _is_small(video: str) -> bool:
    try:
        return Path(video).is_file() and Path(video).stat().st_size <= LARGEST
    except OSError:
        return False


def _question(sample: Any) -> dict[str, Any]:
    options = {"options": list(sample.options)} if sample.options else {}
    return {"question": sample.question, **options, "problem_type": sample.problem_type, "id": sample.sample_id}
