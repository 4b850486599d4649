"""The history of the schema of our own tables; see docs/architecture.md."""
