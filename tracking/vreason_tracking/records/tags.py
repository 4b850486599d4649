"""Names of all tags that are written or read, but for the one by which MLflow nests runs (see `vreason_tracking.stores`). Imports nothing.

Names stay as they are: records are found by them. Those that begin with `OWN_PREFIX` and `MLFLOW_PREFIX` keep the books of the record and
say nothing of what was run.
"""

from __future__ import annotations

OWN_PREFIX, MLFLOW_PREFIX = "vreason.", "mlflow."

# --- by which runs are found and told apart ---

KIND_TAG = "vreason.kind"
"""What a run is: `VARIANT_KIND`, `SAMPLE_KIND` or `COMPARISON_KIND`."""
VARIANT_KIND, SAMPLE_KIND, COMPARISON_KIND = "variant", "sample", "comparison"

RUN_TAG = "vreason.run_id"
"""The run's name in the journal that it was delivered from."""

JOURNAL_TAG = "vreason.journal"
"""The journal's folder on the machine that the tag `host` names."""

CALL_TAG = "vreason.call"
"""Shared by the variants that one call of `run` began."""

HEARTBEAT_TAG = "vreason.heartbeat"
"""Unix time in milliseconds at which the run was last heard of."""

EXPECTED_SAMPLES_TAG = "vreason.asked"
"""Number of samples that the run was begun to ask."""

DONE_TAG = "vreason.samples"
"""Number of samples that were finished when a session ended."""

SESSIONS_TAG = "vreason.sessions"
"""Number of the session that continues the run; absent in the first."""

SAMPLE_ID_TAG, NUMBER_TAG = "vreason.sample_id", "vreason.number"
"""Of a sample's run: the sample, and which one of its variant's it was to be finished, from 1, in seven digits."""

REPLACED_BY_TAG = "vreason.replaced_by"
"""Of a run that was deleted because another one took its place: MLflow's id of that."""

COMPARISON_TAG = "vreason.comparison"
"""Digest of the runs that are compared, and of the baseline among them."""

# --- what a run was made with ---

CONFIG_NAME_TAG, DATA_DIGEST_TAG, SCORING_TAG, SEED_TAG = "config.name", "data.digest", "scoring", "seed"
CONFIG_FILE_TAG = "vreason.config_file"
"""Where the configuration was read from, on the machine that read it."""
CROISSANT_TAG = "data.croissant"
"""Name, address and SHA-256 of the Croissant description that lies beside the data file, as JSON."""
DEVICE_TAG, DTYPE_TAG, MODEL_REVISION_TAG = "device", "dtype", "model.revision"
USER_TAG, HOST_TAG, PLATFORM_TAG = "user", "host", "platform"
GIT_PREFIX, VERSION_PREFIX = "git.", "version."
GIT_COMMIT_TAG, GIT_DIRTY_TAG = "git.commit", "git.dirty"

SCHEDULE_TAG = "schedule"
"""How the variants of a call were measured: "interleaved" or "sequential"; absent in records before that was a choice: sequential."""

SOURCE_TAG, OWN_LOOP_SOURCE = "source", "own loop"
"""Who recorded the run, where it was not `vreason-track run`: a loop of the user's own, which only that can continue."""

SERVED_SOURCE, SERVED_TAG = "served", "served.version"
"""Source of a record that a server made, and the version of the model that it served."""

PLUGINS_TAG = "plugins"
"""What of other packages the run used: "name = package version", one after the other."""

IDENTITY_PREFIX = "identity."
"""With a part of the identity behind it ("run" for the whole): its digest."""

# --- how a run or a sample came out ---

ERROR_TAG, NOTES_TAG, MEMORY_SOURCE_TAG = "error", "notes", "memory_source"

INCOMPLETE_TAG = "record.incomplete"
"""Which samples are damaged or missing in the journal."""

TEXT_PREFIX = "vreason.text/"

VIDEO_TAG, QUESTION_TAG, OPTIONS_TAG, ANSWER_TAG = "video", "question", "options", "answer"
PROBLEM_TYPE_TAG, CATEGORY_TAG, BENCHMARK_TAG = "problem_type", "category", "benchmark"
OUTPUT_TAG, PREDICTION_TAG, CORRECT_TAG, STOPPED_TAG = "output", "prediction", "correct", "stopped"
SIGNATURES_TAG, PEAK_TOKEN_TAG = "signatures", "peak_token"
METADATA_TAG, VIDEO_READER_TAG = "metadata", "video_reader"

# --- of a comparison's run ---

COMPARED_RUNS_TAG, COMPARED_BASELINE_TAG, WARNINGS_TAG = "compared.runs", "compared.baseline", "warnings"

# --- of a registered version of a model (`vreason_tracking.bundles`) ---

BUNDLE_KIND = "bundle"
"""Of `KIND_TAG`, by which versions of ours are told from other models of the registry."""

FILES_TAG, SIGNED_TAG = "vreason.files_sha256", "vreason.signed"
FORCED_TAG, AGAINST_TAG = "vreason.forced", "vreason.against"
EXAMPLE_TAG, REGISTERED_BY_TAG = "vreason.example", "vreason.created_by"
RETIRED_TAG, RETIRED_BY_TAG = "vreason.retired", "vreason.retired_by"

CARD_TAG = "vreason.card"
"""The summary of a version's card, as JSON."""

PROMOTED_PREFIX = "vreason.promoted."
"""With an alias behind it: who let it point to the version, when, and what was required of it, as JSON."""

# --- which MLflow's pages show ---

COLOUR_TAG, CREATED_BY_TAG, DESCRIPTION_TAG = "mlflow.runColor", "mlflow.user", "mlflow.note.content"

TABLES_TAG = "mlflow.loggedArtifacts"
"""Lists the tables among a run's artifacts; MLflow's view and `mlflow.load_table` know no other."""


def text_tag(metric: str) -> str:
    """The tag of a variant's run with the whole problem type or category, for a metric whose name does not spell it.

    Args:
        metric: its name, as `vreason_tracking.records.metric_names` makes it: what is a metric's name is a tag's as well.
    """
    return TEXT_PREFIX + metric
