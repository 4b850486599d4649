"""The record: what was run, on what, and what came out, in MLflow."""

import logging

logging.getLogger(__name__).addHandler(logging.NullHandler())
