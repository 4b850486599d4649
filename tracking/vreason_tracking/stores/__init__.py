"""Where the record is delivered to: MLflow's stores, on SQLite, on PostgreSQL, or behind a server."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
