"""The schema of the record and everything that is derived from it: metrics, summaries, curves, Parquet tables."""
