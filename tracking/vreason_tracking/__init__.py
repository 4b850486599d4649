"""The record: what was run, on what, and what came out, in MLflow."""
