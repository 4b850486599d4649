from . import provenance as provenance
from .entropy_curve import EntropyCurve as EntropyCurve
from .metrics import (
    SAMPLE_METRICS as SAMPLE_METRICS,
    STEP_METRICS as STEP_METRICS,
    count_points as count_points,
    device_points as device_points,
    sample_points as sample_points,
    step_points as step_points,
)
from .outcome import OUTCOMES as OUTCOMES, Outcome as Outcome, outcome_of as outcome_of
from .parquet_reader import record_file as record_file
from .parquet_writer import RecordTables as RecordTables
from .provenance import user_name as user_name
from .sample_table import SampleTable as SampleTable, read_samples as read_samples
from .schema import column_names as column_names, make_record as make_record
from .step_table import RunSteps as RunSteps, read_steps as read_steps
from .summary import RunSummary as RunSummary
from .summary_table import TAG as TAG, listed as listed, write_summary_table as write_summary_table
from .tags import DONE_TAG as DONE_TAG, EXPECTED_SAMPLES_TAG as EXPECTED_SAMPLES_TAG, HEARTBEAT_TAG as HEARTBEAT_TAG, RUN_TAG as RUN_TAG
