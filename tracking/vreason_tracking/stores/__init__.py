"""Where the record is delivered to: MLflow's stores, on SQLite, on PostgreSQL, or behind a server."""
