"""A finished sample as MLflow gets it: the points of its nested run, its tags, and the variant's figures so far.

Times come from the events, never from the moment of sending: the same journal always makes the same points.
"""

from __future__ import annotations

from vreason.events import SampleRecord
from vreason_tracking.journal import FinishedSample
from vreason_tracking.records import (
    ANSWER_TAG,
    BENCHMARK_TAG,
    CATEGORY_TAG,
    CORRECT_TAG,
    ERROR_TAG,
    KIND_TAG,
    MEMORY_SOURCE_TAG,
    METADATA_TAG,
    OPTIONS_TAG,
    OUTPUT_TAG,
    PEAK_TOKEN_TAG,
    PREDICTION_TAG,
    PROBLEM_TYPE_TAG,
    QUESTION_TAG,
    SAMPLE_ID_TAG,
    SAMPLE_KIND,
    SIGNATURES_TAG,
    STOPPED_TAG,
    VIDEO_READER_TAG,
    VIDEO_TAG,
    device_points,
    sample_points,
    step_points,
)
from vreason_tracking.stores import Point
from vreason_tracking.telemetry import DeviceRecord


def ended_ms(finished: FinishedSample) -> int:
    """When the sample ended, Unix time in milliseconds: at its last token, or, without one, when it began."""
    return finished.steps[-1].timestamp_ms if finished.steps else finished.sample.started_ms


def points_of(finished: FinishedSample) -> list[Point]:
    """The series over token index, and the sample's own figures at step 0."""
    points = [(name, value, step.timestamp_ms, step.token_index) for step in finished.steps for name, value in step_points(step)]
    end = ended_ms(finished)
    return points + [(name, value, end, 0) for name, value in sample_points(finished.sample)]


def device_series(record: DeviceRecord, began_ms: int) -> list[Point]:
    """A window of a device, over seconds since the run was begun: sessions of a run that was continued come one after the other."""
    second = max(0, record.started_ms - began_ms) // 1000
    return [(name, value, record.timestamp_ms, second) for name, value in device_points(record)]


def sample_tags(sample: SampleRecord) -> dict[str, str]:
    """A sample's nested run carries what it was asked and what came out, as tags."""
    options = "\n".join(f"{chr(65 + i)}. {option}" for i, option in enumerate(sample.options))
    tags = {
        KIND_TAG: SAMPLE_KIND,
        SAMPLE_ID_TAG: sample.sample_id,
        VIDEO_TAG: sample.video,
        QUESTION_TAG: sample.question,
        OPTIONS_TAG: options or None,
        PROBLEM_TYPE_TAG: sample.problem_type,
        CATEGORY_TAG: sample.category or None,
        BENCHMARK_TAG: sample.benchmark or None,
        ANSWER_TAG: sample.answer,
        PREDICTION_TAG: sample.prediction,
        CORRECT_TAG: None if sample.correct is None else str(sample.correct).lower(),
        OUTPUT_TAG: sample.output or None,
        ERROR_TAG: sample.error,
        SIGNATURES_TAG: ", ".join(sample.signatures) or None,
        STOPPED_TAG: sample.stopped,
        PEAK_TOKEN_TAG: None if sample.peak_token is None else str(sample.peak_token),
        MEMORY_SOURCE_TAG: sample.memory_source,
        METADATA_TAG: sample.metadata or None,
        VIDEO_READER_TAG: sample.video_reader or None,
    }
    return {name: value for name, value in tags.items() if value is not None}
