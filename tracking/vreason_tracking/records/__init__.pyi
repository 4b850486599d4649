from . import metric_names as metric_names, provenance as provenance
from .arrow_types import arrow_schema as arrow_schema
from .entropy_curve import EntropyCurve as EntropyCurve
from .metrics import (
    SAMPLE_METRICS as SAMPLE_METRICS,
    STEP_METRICS as STEP_METRICS,
    count_points as count_points,
    device_points as device_points,
    metric_of as metric_of,
    sample_points as sample_points,
    step_points as step_points,
)
from .outcome import OUTCOMES as OUTCOMES, Outcome as Outcome, outcome_of as outcome_of
from .parquet_reader import record_file as record_file
from .parquet_writer import RecordTables as RecordTables
from .provenance import user_name as user_name
from .sample_table import SampleTable as SampleTable, read_samples as read_samples, samples_table as samples_table
from .schema import column_names as column_names, make_record as make_record
from .step_table import RunSteps as RunSteps, read_steps as read_steps
from .summary import RunSummary as RunSummary
from .summary_table import listed as listed, write_summary_table as write_summary_table
from .tags import (
    ANSWER_TAG as ANSWER_TAG,
    BENCHMARK_TAG as BENCHMARK_TAG,
    CALL_TAG as CALL_TAG,
    CATEGORY_TAG as CATEGORY_TAG,
    COLOUR_TAG as COLOUR_TAG,
    COMPARED_BASELINE_TAG as COMPARED_BASELINE_TAG,
    COMPARED_RUNS_TAG as COMPARED_RUNS_TAG,
    COMPARISON_KIND as COMPARISON_KIND,
    COMPARISON_TAG as COMPARISON_TAG,
    CONFIG_NAME_TAG as CONFIG_NAME_TAG,
    CORRECT_TAG as CORRECT_TAG,
    CREATED_BY_TAG as CREATED_BY_TAG,
    DATA_DIGEST_TAG as DATA_DIGEST_TAG,
    DESCRIPTION_TAG as DESCRIPTION_TAG,
    DEVICE_TAG as DEVICE_TAG,
    DONE_TAG as DONE_TAG,
    DTYPE_TAG as DTYPE_TAG,
    ERROR_TAG as ERROR_TAG,
    EXPECTED_SAMPLES_TAG as EXPECTED_SAMPLES_TAG,
    GIT_COMMIT_TAG as GIT_COMMIT_TAG,
    GIT_DIRTY_TAG as GIT_DIRTY_TAG,
    GIT_PREFIX as GIT_PREFIX,
    HEARTBEAT_TAG as HEARTBEAT_TAG,
    HOST_TAG as HOST_TAG,
    IDENTITY_PREFIX as IDENTITY_PREFIX,
    INCOMPLETE_TAG as INCOMPLETE_TAG,
    JOURNAL_TAG as JOURNAL_TAG,
    KIND_TAG as KIND_TAG,
    MEMORY_SOURCE_TAG as MEMORY_SOURCE_TAG,
    METADATA_TAG as METADATA_TAG,
    MLFLOW_PREFIX as MLFLOW_PREFIX,
    MODEL_REVISION_TAG as MODEL_REVISION_TAG,
    NOTES_TAG as NOTES_TAG,
    NUMBER_TAG as NUMBER_TAG,
    OPTIONS_TAG as OPTIONS_TAG,
    OUTPUT_TAG as OUTPUT_TAG,
    OWN_LOOP_SOURCE as OWN_LOOP_SOURCE,
    OWN_PREFIX as OWN_PREFIX,
    PEAK_TOKEN_TAG as PEAK_TOKEN_TAG,
    PLUGINS_TAG as PLUGINS_TAG,
    PREDICTION_TAG as PREDICTION_TAG,
    PROBLEM_TYPE_TAG as PROBLEM_TYPE_TAG,
    QUESTION_TAG as QUESTION_TAG,
    REPLACED_BY_TAG as REPLACED_BY_TAG,
    RUN_TAG as RUN_TAG,
    SAMPLE_ID_TAG as SAMPLE_ID_TAG,
    SAMPLE_KIND as SAMPLE_KIND,
    SCHEDULE_TAG as SCHEDULE_TAG,
    SCORING_TAG as SCORING_TAG,
    SEED_TAG as SEED_TAG,
    SESSIONS_TAG as SESSIONS_TAG,
    SIGNATURES_TAG as SIGNATURES_TAG,
    SOURCE_TAG as SOURCE_TAG,
    STOPPED_TAG as STOPPED_TAG,
    TABLES_TAG as TABLES_TAG,
    USER_TAG as USER_TAG,
    VARIANT_KIND as VARIANT_KIND,
    VERSION_PREFIX as VERSION_PREFIX,
    VIDEO_READER_TAG as VIDEO_READER_TAG,
    VIDEO_TAG as VIDEO_TAG,
    WARNINGS_TAG as WARNINGS_TAG,
)
