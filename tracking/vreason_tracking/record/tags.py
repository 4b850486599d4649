"""Names of the tags by which runs are found and told apart in MLflow. Imports nothing, for whoever only reads."""

from __future__ import annotations

RUN_TAG = "vreason.run_id"
"""The run's name in the journal that it was delivered from."""

HEARTBEAT_TAG = "vreason.heartbeat"
"""Unix time in milliseconds at which the run was last heard of."""

EXPECTED_SAMPLES_TAG = "vreason.asked"
"""Number of samples that the run was begun to ask."""

DONE_TAG = "vreason.samples"
"""Number of samples that were finished when a session ended."""
